"""Transfers a second through our own driver, against pgbench's TPC-B on the same server.

Each round measures all of them, one after the other; the table has medians, and ratios pair by
pair. Our clients are threads of one process, as the API's are. "One statement" is `submit()` as a
transaction of its own through psycopg; "in a session" is the same inside `db.transaction()`, with
BEGIN and COMMIT, as a request does it among its other statements.
"""

import os
import random
import re
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from sqlalchemy import text

from bench.table import servers, show
from gateway import db
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.local.postgres import binary
from gateway.migrations import migrate
from gateway.money import Asset, Money
from gateway.settings import settings

USDC = Asset("USDC", 6)
OWNERS = 10_000
CLIENTS = 8
SECONDS = 4
ROUNDS = 5
FUNDS = 10**12

Post = Callable[[psycopg.Connection[Any], str, int, int, int], None]


def main() -> None:
    """Measure and print the table."""
    with servers() as stack:
        os.environ.update(stack.environment())
        settings.cache_clear()
        url = stack.environment()["DATABASE_URL"]
        migrate(url)
        accounts = open_accounts()
        pgbench(url, "-i", "-q", "-s", "10")
        rounds = [one_round(url, accounts, number) for number in range(ROUNDS)]
        check()
    peers, alone, hot, inside = zip(*rounds, strict=True)
    show(
        f"Ledger: transfers per second, {CLIENTS} clients, medians of {ROUNDS} rounds",
        ("what", "per second", "of TPC-B"),
        [
            ("pgbench TPC-B-like, -M prepared (the floor)", statistics.median(peers), 1.0),
            ("ours, one statement, 10,000 accounts", statistics.median(alone), ratio(alone, peers)),
            ("ours, one statement, one hot merchant", statistics.median(hot), ratio(hot, peers)),
            (
                "ours, in a session, 10,000 accounts",
                statistics.median(inside),
                ratio(inside, peers),
            ),
        ],
    )


def one_round(url: str, accounts: list[int], number: int) -> tuple[float, ...]:
    """Measure the floor and each of ours once."""
    figures = (
        tpcb(url),
        transfers(accounts, f"a{number}", alone),
        transfers(accounts, f"h{number}", alone, hot=True),
        transfers(accounts, f"s{number}", inside),
    )
    print(f"round {number + 1} of {ROUNDS}: " + " ".join(f"{f:.0f}" for f in figures), flush=True)
    return figures


def ratio(ours: tuple[float, ...], peers: tuple[float, ...]) -> float:
    """Return the median of the ratios, pair by pair."""
    return statistics.median(our / peer for our, peer in zip(ours, peers, strict=True))


def open_accounts() -> list[int]:
    """Open and fund the owners; returns their ledger accounts."""
    with db.transaction() as session:
        session.execute(
            text("insert into ledger.asset (code, name, decimals) values ('USDC', 'USDC', 6)")
        )
        capital = ledger.house(session, Chart.CAPITAL, USDC)
        accounts = [ledger.owned(session, f"acct_{n}", USDC) for n in range(OWNERS)]
        for account in accounts:
            ledger.post(
                session,
                key=f"fund {account}",
                debit=capital,
                credit=account,
                money=Money(FUNDS, USDC),
                movement=Movement.CAPITAL,
                ref="bench",
            )
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    db.close_engine()
    return accounts


def pgbench(url: str, *options: str) -> str:
    """Run pgbench and return what it prints."""
    command = [str(binary("pgbench")), *options, url]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tpcb(url: str) -> float:
    """Return TPC-B transactions per second."""
    said = pgbench(url, "-c", str(CLIENTS), "-j", "2", "-M", "prepared", "-T", str(SECONDS))
    found = re.search(r"tps = ([0-9.]+)", said)
    assert found, said
    return float(found.group(1))


def transfers(accounts: list[int], name: str, post: Post, *, hot: bool = False) -> float:
    """Return our transfers per second, each its own transaction."""

    def client(number: int) -> int:
        chance, done = random.Random(f"{name}-{number}"), 0
        end = time.perf_counter() + SECONDS
        with psycopg.connect(settings().database_url, autocommit=True) as connection:
            while time.perf_counter() < end:
                debit, credit = chance.sample(accounts, 2)
                if hot and debit != accounts[0]:
                    credit = accounts[0]
                amount = chance.randrange(1, 1000)
                post(connection, f"{name}-{number}-{done}", debit, credit, amount)
                done += 1
        return done

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(client, range(CLIENTS))) / SECONDS


def alone(
    connection: psycopg.Connection[Any], key: str, debit: int, credit: int, amount: int
) -> None:
    """Post by one statement that is its own transaction."""
    facts = (ledger.key_id(key), ledger.POSTED, debit, credit, amount, int(Movement.TRANSFER), key)
    connection.execute(ledger.SUBMIT, (*facts, None, None, None, None, None), prepare=True)


def inside(_: psycopg.Connection[Any], key: str, debit: int, credit: int, amount: int) -> None:
    """Post inside a transaction of the application's own kind."""
    with db.transaction() as session:
        ledger.post(
            session,
            key=key,
            debit=debit,
            credit=credit,
            money=Money(amount, USDC),
            movement=Movement.TRANSFER,
            ref=key,
        )


def check() -> None:
    """Assert that the books are whole after all that."""
    with db.transaction() as session:
        for proof in ("check_zero", "check_balance", "check_two_legs", "check_chain"):
            assert not session.execute(text(f"select 1 from ledger.{proof} limit 1")).all(), proof


if __name__ == "__main__":
    main()
