"""Invoices created a second with everything running, empty and after 100,000, against two floors.

Bare FastAPI endpoints in the same run, on the same server: one inserts a row, the other makes the
statements of a new invoice and does nothing else.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
BODY = {"amount": "12.50", "currency": "USD", "order_id": "order-{n}"}
HEADS = (
    *("invoices before", "clients", "per s", "p50 ms", "p99 ms"),
    *("one row per s", "of it", "same statements", "of them"),
)
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
        key = facts["merchant_key"]
        ours = Request(f"{facts['base_url']}/v1/invoices", BODY, {"authorization": f"Bearer {key}"})
        environment = stack.environment() | {"BENCH_KEY": key}
        load(ours, 1, 1.0, "first")
        with (
            bare("bench.floor", "/floor", stack.api_port + 1000, environment) as row,
            bare("bench.statements", "/statements", stack.api_port + 1001, environment) as same,
        ):
            rows = measured(ours, row, same, "empty")
            fill(environment["DATABASE_URL"])
            rows += measured(ours, row, same, f"after {MANY:,}")
    show("Invoices created per second, everything running on this machine", HEADS, rows)
    show(
        f"With {MANY:,} invoices, of that with none",
        ("clients", "per second", "at least", "share of one row"),
        decay(rows),
    )


@contextmanager
def bare(module: str, path: str, port: int, environment: dict[str, str]) -> Iterator[Request]:
    """Serve a bare endpoint by a process of its own; gives what is asked of it."""
    command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning"]
    with subprocess.Popen(command, env=os.environ | environment) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/openapi.json")
            yield Request(f"http://127.0.0.1:{port}{path}", BODY, {})
        finally:
            server.send_signal(signal.SIGTERM)


def measured(ours: Request, row: Request, same: Request, name: str) -> list[tuple[object, ...]]:
    """Return a row for each number of clients: ours and the floors in turn."""
    rows: list[tuple[object, ...]] = []
    for clients in CLIENTS:
        turns: list[tuple[float, Load, Load, Load]] = []
        for turn in range(ROUNDS):
            tag = f"{name.replace(' ', '')}-{clients}-{turn}"
            one, bare_same, full = (
                load(asked, clients, SECONDS, f"{tag}-{who}")
                for who, asked in enumerate((row, same, ours))
            )
            turns.append((full.per_second / one.per_second, one, bare_same, full))
        share, one, bare_same, full = sorted(turns, key=itemgetter(0))[ROUNDS // 2]
        ours_of_them = full.per_second / bare_same.per_second
        floors = one.per_second, share, bare_same.per_second, ours_of_them
        rows.append((name, clients, full.per_second, full.p50_ms, full.p99_ms, *floors))
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
