"""How long after a block is mined a merchant hears of the deposit in it: event, then webhook.

Blocks come every second; the clock is the block's own timestamp moment, taken when the node first
shows the block to a poller on this machine.
"""

import json
import statistics
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import psycopg

from bench.table import show
from bench.whole import everything
from gateway.local.story.client import Chain

DEPOSITS = 60
POLL_SECONDS = 0.005
WAIT_SECONDS_MAX = 30.0
DETECTED = "select data ->> 'tx_hash' from event where type = 'deposit.detected'"


class Ear:
    """A receiver that notes when it heard of which deposit."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["content-length"])))
                ear.heard.setdefault(event["data"]["tx_hash"], time.time())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


class Eye:
    """A reader of the database who notes when anybody may read the event of which deposit.

    A row's own time will not do: it is that of its transaction's begin.
    """

    def __init__(self, database: str) -> None:
        self.seen: dict[str, float] = {}
        self._database = database
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        with psycopg.connect(self._database, autocommit=True) as connection:
            while len(self.seen) < DEPOSITS:
                for (tx,) in connection.execute(DETECTED).fetchall():
                    self.seen.setdefault(tx, time.time())
                time.sleep(POLL_SECONDS)


def main() -> None:
    """Measure and print the table."""
    with everything() as (stack, facts):
        ear, eye = Ear(), Eye(stack.environment()["DATABASE_URL"])
        post(facts, "/v1/webhook_endpoints", {"url": ear.url, "events": ["deposit.detected"]})
        account = post(facts, "/v1/accounts", {"handle": "payer", "kind": "person"})["id"]
        address = post(facts, f"/v1/accounts/{account}/addresses", {"chain": facts["chain"]})
        chain = Chain(facts)
        mined = [pay(chain, address["address"]) for _ in range(DEPOSITS)]
        deadline = time.time() + WAIT_SECONDS_MAX
        while min(len(ear.heard), len(eye.seen)) < DEPOSITS and time.time() < deadline:
            time.sleep(0.1)
    assert set(ear.heard) == set(eye.seen) == {tx for tx, _ in mined}, "a deposit was not told"
    events = [eye.seen[tx] - shown for tx, shown in mined]
    hooks = [ear.heard[tx] - shown for tx, shown in mined]
    show(
        f"From mined to told, {DEPOSITS} deposits, 1 s blocks (milliseconds)",
        ("what", "p50", "p99", "aim p50", "aim p99"),
        [row("deposit.detected committed", events), row("webhook received", hooks)],
    )


def row(name: str, seconds: list[float]) -> tuple[object, ...]:
    """Return a line of the table."""
    cuts = statistics.quantiles(seconds, n=100)
    return name, cuts[49] * 1000, cuts[98] * 1000, 250, 1000


def pay(chain: Chain, address: str) -> tuple[str, float]:
    """Pay the address; returns the hash and when the node first showed it mined."""
    tx_hash = chain.send_usdc(address, 1_000_000)
    while chain.call("eth_getTransactionReceipt", tx_hash) is None:
        time.sleep(POLL_SECONDS)
    return tx_hash, time.time()


def post(facts: dict[str, Any], path: str, body: dict[str, Any]) -> Any:
    """POST as the operator."""
    headers = {"authorization": f"Bearer {facts['operator_key']}"}
    answer = httpx2.post(facts["base_url"] + path, json=body, headers=headers, timeout=30)
    return answer.raise_for_status().json()


if __name__ == "__main__":
    main()
