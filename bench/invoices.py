"""Invoices created a second with everything running, empty and after 100,000, against the floor.

The floor is a bare FastAPI endpoint that inserts one row into the same server, in the same run.
"""

import os
import signal
import subprocess
import sys
import time
from operator import itemgetter

import httpx2
import psycopg

from bench.load import Load, Request, load
from bench.table import show
from bench.whole import everything

CLIENTS = (1, 8, 16)
SECONDS = 4.0
ROUNDS = 3
"""Ours and the floor take turns so often; the turn with the median share counts."""
MANY = 100_000
# As many more as one that was opened over HTTP, each with its addresses and its ways to pay.
FILL = """
    with one as (select i as row, i.id from invoice i order by i.id limit 1), made as (
        insert into invoice
        select filled.* from one, generate_series(1, %(count)s) as n,
            jsonb_populate_record(one.row, jsonb_build_object(
                'id', 'inv_0' || lpad(n::text, 25, '0'), 'order_id', 'filled-' || n)) as filled
        returning id
    ), places as (
        insert into address (chain, address, salt, account_id, invoice_id)
        select a.chain, substr(sha256((made.id || a.chain)::bytea), 1, 20), sha256(made.id::bytea),
            a.account_id, made.id
        from made, address a join one on a.invoice_id = one.id
    )
    insert into invoice_option
    select filled.* from made, invoice_option o join one on o.invoice_id = one.id,
        jsonb_populate_record(o, jsonb_build_object('invoice_id', made.id)) as filled
"""


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
            fill(database)
            rows += measured(ours, floor, f"after {MANY:,}")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    show(
        "Invoices created per second, everything running on this machine",
        ("invoices before", "clients", "per s", "p50 ms", "p99 ms", "floor per s", "of the floor"),
        rows,
    )
    show(
        f"With {MANY:,} invoices, of that with none",
        ("clients", "per second", "at least", "share of the floor"),
        decay(rows),
    )


def measured(ours: Request, floor: Request, name: str) -> list[tuple[object, ...]]:
    """Return a row for each number of clients; ours and the floor in turn."""
    rows: list[tuple[object, ...]] = []
    for clients in CLIENTS:
        turns: list[tuple[float, Load, Load]] = []
        for turn in range(ROUNDS):
            tag = f"{name.replace(' ', '')}-{clients}-{turn}"
            bare = load(floor, clients, SECONDS, tag)
            full = load(ours, clients, SECONDS, tag)
            turns.append((full.per_second / bare.per_second, full, bare))
        share, full, bare = sorted(turns, key=itemgetter(0))[ROUNDS // 2]
        rows.append(
            (name, clients, full.per_second, full.p50_ms, full.p99_ms, bare.per_second, share)
        )
        print(f"{name}, {clients} clients: {full.per_second:.0f}/s", flush=True)
    return rows


def fill(database: str) -> None:
    """Have MANY invoices more."""
    with psycopg.connect(database) as connection:
        connection.execute(FILL, {"count": MANY})
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def decay(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Return, for each number of clients, how much is left with MANY.

    The share of the floor too: this machine is not equally fast all the time.
    """
    full = {row[1]: row for row in rows if row[0] != "empty"}
    return [
        (row[1], full[row[1]][2] / row[2], 0.9, full[row[1]][6] / row[6])  # type: ignore[operator]
        for row in rows
        if row[0] == "empty"
    ]


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
