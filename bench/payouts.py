"""Withdrawals a minute from request to confirmed, everything running, 1 s blocks, 3 blocks deep.

Clients ask as fast as they are answered while fewer than OPEN_MAX withdrawals are open, so what is
confirmed in the minute is what goes on for ever; then at a steady pace, where nothing queues. The
floor is what the API alone takes in: every other process of ours stopped, in the same run.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx2
import psycopg

from bench.table import show
from bench.whole import everything
from gateway.local.processes import QUEUES
from gateway.local.stack import Stack
from gateway.local.story.client import Chain

SIGNERS = (1, 3)
CLIENTS, ACCOUNTS = 8, 8
FUNDS_UNITS = 20_000 * 10**6
WARM_SECONDS, FULL_SECONDS = 15.0, 60.0
PACE_PER_SECOND, PACE_SECONDS = 5.0, 30.0
ALONE_SECONDS = 15.0
OPEN_MAX = 800
SETTLED_SECONDS_MAX = 120.0
POLL_SECONDS = 0.1

OPEN = "select count(*) from withdrawal where ended_at is null"
FIGURES = """
    select count(*) filter (where ended_at between to_timestamp(%(begin)s)
            and to_timestamp(%(end)s)),
        percentile_cont(array[0.5, 0.99]) within group (
            order by extract(epoch from sent_at - created_at)) filter (where asked),
        percentile_cont(array[0.5, 0.99]) within group (
            order by extract(epoch from ended_at - created_at)) filter (where asked),
        count(*) filter (where asked and status <> 'confirmed')
    from (select *, created_at between to_timestamp(%(begin)s) and to_timestamp(%(end)s) as asked
        from withdrawal) one
"""


@dataclass
class Clients:
    """Threads that ask for withdrawals, each to an address nobody has."""

    facts: dict[str, Any]
    accounts: list[str]
    database: str
    pace: float | None = None
    """Withdrawals a second of all clients together, None: as many as may be open."""
    bounded: bool = True
    taken: int = 0
    failure: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    full: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self) -> None:
        """Tell the clients while enough is open."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            while not self.stop.wait(POLL_SECONDS):
                row = connection.execute(OPEN).fetchone()
                assert row is not None
                (self.full.set if self.bounded and row[0] >= OPEN_MAX else self.full.clear)()

    def ask(self, place: int) -> None:
        """Ask until told to stop."""
        key = self.facts["operator_key"]
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        with httpx2.Client(base_url=self.facts["base_url"], headers=headers, timeout=60) as http:
            due = time.perf_counter()
            while not self.stop.is_set():
                if self.full.is_set():
                    time.sleep(POLL_SECONDS / 4)
                    continue
                if self.pace is not None:
                    due += CLIENTS / self.pace
                    time.sleep(max(0.0, due - time.perf_counter()))
                more = {"idempotency-key": str(uuid4())}
                answer = http.post("/v1/withdrawals", content=self.body(place), headers=more)
                if answer.status_code >= 300:
                    self.failure = f"{answer.status_code}: {answer.text[:300]}"
                    self.stop.set()
                with self.lock:
                    self.taken += 1

    def body(self, place: int) -> str:
        """Return a withdrawal of one dollar."""
        to = "0x" + sha256(str(uuid4()).encode()).hexdigest()[:40]
        return json.dumps(
            {
                "account": self.accounts[place % len(self.accounts)],
                "chain": self.facts["chain"],
                "asset": "USDC",
                "amount": "1",
                "to_address": to,
            }
        )

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Let them ask inside the block. Raises RuntimeError if one was refused."""
        threads = [threading.Thread(target=self.ask, args=(n,)) for n in range(CLIENTS)]
        threads.append(threading.Thread(target=self.watch))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        if self.failure:
            raise RuntimeError(self.failure)


def main() -> None:
    """Measure and print the table."""
    rows = [row for signers in SIGNERS for row in measured(signers)]
    show(
        "Withdrawals on the whole system, request to confirmed (3 blocks of 1 s)",
        (
            *("payout signers", "asked", "confirmed a minute"),
            *("sent p50 s", "p99 s", "confirmed p50 s", "p99 s"),
            *("API alone a minute", "of it"),
        ),
        rows,
    )


def measured(signers: int) -> list[tuple[object, ...]]:
    """Return the rows of one installation."""
    with everything(signers) as (stack, facts):
        database = stack.environment()["DATABASE_URL"]
        accounts = funded(facts)
        full = phase(Clients(facts, accounts, database), WARM_SECONDS, FULL_SECONDS)
        calm = phase(
            Clients(facts, accounts, database, PACE_PER_SECOND), WARM_SECONDS, PACE_SECONDS
        )
        alone = taken_alone(stack, Clients(facts, accounts, database, bounded=False))
    return [
        (signers, f"all it takes, {OPEN_MAX} open", *full, alone, full[0] / alone),
        (signers, f"{PACE_PER_SECOND * 60:.0f} a minute", *calm, alone, calm[0] / alone),
    ]


def phase(clients: Clients, warm: float, seconds: float) -> tuple[float, ...]:
    """Ask for a while, let everything end; returns confirmed a minute and the percentiles."""
    with clients.asking():
        time.sleep(warm)
        begin = time.time()
        time.sleep(seconds)
        end = time.time()
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    with psycopg.connect(clients.database, autocommit=True) as connection:
        while (connection.execute(OPEN).fetchone() or (0,))[0]:
            assert time.monotonic() < deadline, "withdrawals are open for ever"
            time.sleep(POLL_SECONDS)
        row = connection.execute(FIGURES, {"begin": begin, "end": end}).fetchone()
    assert row is not None
    confirmed, sent, ended, unpaid = row
    assert unpaid == 0, f"{unpaid} were not paid"
    print(f"{confirmed} confirmed in {end - begin:.0f} s", flush=True)
    return (confirmed * 60 / (end - begin), *sent, *ended)


def taken_alone(stack: Stack, clients: Clients) -> float:
    """Return what the API takes in a minute while nothing else of ours runs."""
    stack.supervisor.stop(*QUEUES, "signer", "beat")
    with clients.asking():
        time.sleep(ALONE_SECONDS)
    return clients.taken * 60 / ALONE_SECONDS


def funded(facts: dict[str, Any]) -> list[str]:
    """Open accounts and give each money as a payer does."""
    headers = {"authorization": f"Bearer {facts['operator_key']}"}
    chain = Chain(facts)
    with httpx2.Client(base_url=facts["base_url"], headers=headers, timeout=60) as http:

        def post(path: str, body: dict[str, Any]) -> Any:
            more = {"idempotency-key": str(uuid4())}
            return http.post(path, json=body, headers=more).raise_for_status().json()

        found = []
        for place in range(ACCOUNTS):
            account = post("/v1/accounts", {"handle": f"payer{place}", "kind": "person"})["id"]
            where = post(f"/v1/accounts/{account}/addresses", {"chain": facts["chain"]})
            chain.send_usdc(where["address"], FUNDS_UNITS)
            found.append(account)
        for account in found:
            deadline = time.monotonic() + SETTLED_SECONDS_MAX
            path = f"/v1/accounts/{account}/balances"
            while not is_rich(http.get(path).raise_for_status().json()["data"]):
                assert time.monotonic() < deadline, "a deposit is not credited"
                time.sleep(POLL_SECONDS)
    return found


def is_rich(balances: list[dict[str, str]]) -> bool:
    """True when the deposit is credited."""
    return any(row["asset"] == "USDC" and float(row["available"]) > 1 for row in balances)


if __name__ == "__main__":
    main()
