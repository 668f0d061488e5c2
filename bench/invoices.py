"""Invoices created a second with everything running, empty and after 10,000, against the floor.

The floor is a bare FastAPI endpoint that inserts one row into the same server, in the same run.
"""

import os
import signal
import subprocess
import sys
import time

import httpx2
import psycopg

from bench.load import Load, Request, load
from bench.table import show
from bench.whole import everything

CLIENTS = (1, 8, 16)
SECONDS = 6.0
MANY = 10_000


def main() -> None:
    """Measure and print the table."""
    with everything() as (stack, facts):
        ours = Request(
            f"{facts['base_url']}/v1/invoices",
            {"amount": "12.50", "currency": "USD", "order_id": "order-{n}"},
            {"authorization": f"Bearer {facts['merchant_key']}"},
        )
        port = stack.api_port + 1000
        floor = Request(f"http://127.0.0.1:{port}/floor", ours.body, {})
        database = stack.environment()["DATABASE_URL"]
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "bench.floor:app", "--port", str(port)),
                *("--no-access-log", "--log-level", "warning"),
            ],
            env=os.environ | {"DATABASE_URL": database},
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/openapi.json")
            rows = measured(ours, floor, "empty")
            fill(ours, database)
            rows += measured(ours, floor, "after 10,000")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    show(
        "Invoices created per second, everything running on this machine",
        ("invoices before", "clients", "per s", "p50 ms", "p99 ms", "floor per s", "of the floor"),
        rows,
    )


def measured(ours: Request, floor: Request, name: str) -> list[tuple[object, ...]]:
    """Return a row for each number of clients; ours and the floor in turn."""
    rows: list[tuple[object, ...]] = []
    for clients in CLIENTS:
        tag = f"{name.replace(' ', '')}-{clients}"
        bare: Load = load(floor, clients, SECONDS, tag)
        full: Load = load(ours, clients, SECONDS, tag)
        share = full.per_second / bare.per_second
        rows.append(
            (name, clients, full.per_second, full.p50_ms, full.p99_ms, bare.per_second, share)
        )
        print(f"{name}, {clients} clients: {full.per_second:.0f}/s", flush=True)
    return rows


def fill(ours: Request, database: str) -> None:
    """Create invoices until there are MANY."""
    while (there := count(database)) < MANY:
        print(f"{there:,} of {MANY:,} invoices", flush=True)
        load(ours, 8, 10.0, f"fill-{there}")


def count(database: str) -> int:
    """Return how many invoices there are."""
    with psycopg.connect(database) as connection:
        row = connection.execute("select count(*) from invoice").fetchone()
    assert row is not None
    return int(row[0])


def wait_for(url: str) -> None:
    """Return when the server answers."""
    for _ in range(100):
        try:
            httpx2.get(url)
        except httpx2.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} does not answer")


if __name__ == "__main__":
    main()
