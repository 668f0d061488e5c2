"""Every process is killed once while money comes in and goes out; afterwards nothing is missing.

The clients resend no transaction: what a restarted node lost never happened, and the final chain
alone says what must be credited.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.whole.conftest import Whole
from tests.whole.traffic import ACCOUNTS, Traffic
from tests.whole.world import (
    Api,
    Receiver,
    eventually,
    listening,
    units,
)

pytestmark = [pytest.mark.serial, pytest.mark.timeout(400)]

PROCESSES = ("api", "watch", "pay", "sweep", "deliver", "close", "prices", "signer", "beat")
SERVERS = ("redis", "postgres")
QUIET_SECONDS = 120.0
BUSY_LEAST = 8  # fewer would prove little
ENDED = {"confirmed", "failed", "cancelled", "rejected"}


def faults(whole: Whole, choice: random.Random) -> list[tuple[str, Callable[[], None]]]:
    """Return every fault once, in an order the seed decides."""
    found: list[tuple[str, Callable[[], None]]] = [
        (name, lambda name=name: whole.stack.kill(name))  # type: ignore[misc]
        for name in (*PROCESSES, *SERVERS)
    ]
    found.append(("redis is emptied", lambda: empty_redis(whole)))
    found.append(("anvil", lambda: kill_anvil(whole, choice)))
    choice.shuffle(found)
    return found


def empty_redis(whole: Whole) -> None:
    """Lose all of Redis at once; it may be away already."""
    import redis

    url = whole.stack.environment()["REDIS_URL"]

    def flushed() -> bool:
        try:
            with redis.Redis.from_url(url) as connection:
                return bool(connection.flushall())
        except redis.RedisError:
            return False

    eventually("redis is emptied", flushed)


def written_at(file: Path) -> int | None:
    """Return when a file was written; None in the moment in which a newer one takes its name."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def kill_anvil(whole: Whole, choice: random.Random) -> None:
    """Kill the node at most two blocks after a save: what is final on it is not lost.

    Deeper, a payout that was final would leave the chain, and no confirmation depth bears that.
    """
    save = whole.stack.home / "anvil" / "state.json.gz"
    before = written_at(save)
    eventually("the chain is saved", lambda: written_at(save) not in (None, before))
    time.sleep(choice.uniform(0, 1.2))
    whole.stack.kill("anvil")


def deposits_of(api: Api, accounts: list[str]) -> list[dict[str, Any]]:
    """Return every deposit of the accounts."""
    return [row for account in accounts for row in api.all("/v1/deposits", account=account)]


def withdrawals_of(api: Api, accounts: list[str]) -> list[dict[str, Any]]:
    """Return every withdrawal of the accounts."""
    return [row for account in accounts for row in api.all("/v1/withdrawals", account=account)]


def thawed(api: Api, accounts: list[str]) -> None:
    """Let go on whoever was frozen because a credited deposit left the chain."""
    for account in accounts:
        if api.get(f"/v1/accounts/{account}")["status"] == "frozen":
            api.post(f"/v1/accounts/{account}/unfreeze")


def is_quiet(whole: Whole, traffic: Traffic) -> bool:
    """True when the chain's payments are all credited and every withdrawal ended."""
    api, accounts = whole.api, list(traffic.addresses)
    thawed(api, accounts)
    deposits = deposits_of(api, accounts)
    credited = Counter((row["tx_hash"], row["asset"]) for row in deposits if is_in(row))
    paid = whole.chain.payments(set(traffic.addresses.values()), 0)
    waiting = [row for row in deposits if row["status"] == "confirming"]
    open_ones = [row for row in withdrawals_of(api, accounts) if row["status"] not in ENDED]
    return not waiting and not open_ones and set(credited) == set(paid)


def is_in(deposit: dict[str, Any]) -> bool:
    """True for a deposit whose money the account has."""
    return bool(deposit["status"] == "credited")


def credited_once(whole: Whole, traffic: Traffic) -> None:
    """What the chain says was paid is what was credited, no more and no less, to the right one."""
    accounts = {address.lower(): account for account, address in traffic.addresses.items()}
    paid = whole.chain.payments(set(accounts), 0)
    rows = [row for row in deposits_of(whole.api, list(traffic.addresses)) if is_in(row)]
    assert len(rows) == len({(row["tx_hash"], row["asset"]) for row in rows})
    said = {
        (row["tx_hash"], row["asset"]): (row["account"], units(row["amount"], row["asset"]))
        for row in rows
    }
    assert said == {key: (accounts[to], amount) for key, (to, amount) in paid.items()}


def paid_once(whole: Whole, traffic: Traffic) -> dict[str, dict[str, Any]]:
    """Each withdrawal is one row, and its target has its amount, or nothing if it was not paid."""
    rows = withdrawals_of(whole.api, list(traffic.addresses))
    asked = {wish.body["to_address"]: wish for wish in traffic.withdrawals}
    assert Counter(row["to_address"] for row in rows).keys() <= asked.keys()
    assert len(rows) == len({row["to_address"] for row in rows})
    answered = {wish.answer["id"] for wish in traffic.withdrawals if wish.answer}
    assert {row["id"] for row in rows} == answered
    for row in rows:
        want = units(row["amount"], row["asset"]) if row["status"] == "confirmed" else 0
        assert whole.chain.held(row["to_address"], row["asset"]) == want, row
        assert Decimal(row["amount"]) == Decimal(asked[row["to_address"]].body["amount"])
    unpaid = asked.keys() - {row["to_address"] for row in rows}
    for address in unpaid:
        assert asked[address].refused
        assert whole.chain.held(address, asked[address].body["asset"]) == 0
    return {row["id"]: row for row in rows}


def balances_add_up(whole: Whole, traffic: Traffic) -> None:
    """Each balance is what came in, less what went out, by this client's own book."""
    api, accounts = whole.api, list(traffic.addresses)
    book: Counter[tuple[str, str]] = Counter()
    for row in deposits_of(api, accounts):
        if is_in(row):
            book[row["account"], row["asset"]] += units(row["amount"], row["asset"])
    for wish in traffic.transfers:
        if wish.answer:
            asset, amount = wish.body["asset"], units(wish.body["amount"], wish.body["asset"])
            book[wish.body["from"], asset] -= amount
            book[wish.body["to"], asset] += amount
    for row in withdrawals_of(api, accounts):
        if row["status"] == "confirmed":
            cost = units(row["amount"], row["asset"]) + units(row["fee"], row["asset"])
            book[row["account"], row["asset"]] -= cost
    for account in accounts:
        for row in api.get(f"/v1/accounts/{account}/balances")["data"]:
            assert Decimal(row["held"]) == Decimal(row["pending"]) == 0, row
            assert units(row["available"], row["asset"]) == book[account, row["asset"]], row


def told_once(api: Api, shop: Receiver, traffic: Traffic, paid: dict[str, dict[str, Any]]) -> None:
    """One event for each credit and each payment, and the receiver heard every one of them."""
    events = api.all("/v1/events")
    rows = deposits_of(api, list(traffic.addresses))
    wanted = {
        "deposit.credited": [row["id"] for row in rows if is_in(row)],
        "withdrawal.confirmed": [key for key, row in paid.items() if row["status"] == "confirmed"],
    }
    for type_, ids in wanted.items():
        told = [event for event in events if event["type"] == type_]
        mine = Counter(event["data"]["id"] for event in told if event["data"]["id"] in set(ids))
        assert set(mine) == set(ids)
        again = {key for key, times in mine.items() if times > 1}
        taken_back = {e["data"]["id"] for e in events if e["type"] == "deposit.reversed"}
        assert again <= taken_back, f"{type_} told twice: {again}"
        due = {event["id"] for event in told if event["data"]["id"] in mine}
        eventually(f"every {type_} is heard", partial(is_heard, shop, type_, due), QUIET_SECONDS)


def is_heard(shop: Receiver, type_: str, due: set[str]) -> bool:
    """True when the receiver heard each of these events."""
    return due <= shop.heard(type_)


def test_everything_is_killed_and_nothing_is_lost(running: Whole) -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}: SEED={seed} strikes in the same order again")
    choice = random.Random(seed)
    traffic = Traffic(running, seed)
    with listening(running.api) as shop:
        traffic.open_accounts()
        with traffic.flowing():
            for name, strike in faults(running, choice):
                time.sleep(choice.uniform(0.5, 3))
                print(f"{time.monotonic():.1f} {name}", flush=True)
                strike()
            time.sleep(choice.uniform(0.5, 3))
        running.until_ready()
        eventually("everything is quiet", lambda: is_quiet(running, traffic), QUIET_SECONDS)
        print(f"{len(traffic.sent)} deposits, {len(traffic.transfers)} transfers")
        assert min(len(traffic.sent) - 2 * ACCOUNTS, len(traffic.withdrawals)) >= BUSY_LEAST
        credited_once(running, traffic)
        paid = paid_once(running, traffic)
        print(Counter(row["status"] for row in paid.values()))
        balances_add_up(running, traffic)
        told_once(running.api, shop, traffic, paid)
        assert shop.forged == []
    audited(running)
    assert traffic.crashes == []
    assert running.api.crashes == []


def audited(running: Whole) -> None:
    """The audit is clean, and the chain and the books agree to the last unit."""
    done = running.mizan("audit")
    assert done.returncode == 0, done.stdout + done.stderr
    books = running.api.get("/v1/reconciliation")
    for row in (*books["data"], *books["owed"]):
        assert Decimal(row["difference"]) == 0, row
