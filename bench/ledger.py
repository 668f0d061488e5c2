"""Transfers a second through our own driver, against pgbench's TPC-B on the same server.

Each round measures both, one after the other; the table has medians, and the ratio pair by pair.
"""

import multiprocessing
import os
import random
import re
import statistics
import subprocess
import time

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
SECONDS = 5
ROUNDS = 5
FUNDS = 10**12
ROUND_ID = "round"


def main() -> None:
    """Measure and print the table."""
    with servers() as stack:
        os.environ.update(stack.environment())
        settings.cache_clear()
        url = stack.environment()["DATABASE_URL"]
        migrate(url)
        accounts = open_accounts()
        pgbench(url, "-i", "-q", "-s", "10")
        rounds = []
        for number in range(ROUNDS):
            peer = tpcb(url)
            uniform = transfers(accounts, f"u{number}", hot=False)
            hot = transfers(accounts, f"h{number}", hot=True)
            rounds.append((peer, uniform, hot))
            print(f"round {number + 1} of {ROUNDS}: {peer:.0f} {uniform:.0f} {hot:.0f}", flush=True)
        check()
    peers, uniforms, hots = zip(*rounds, strict=True)
    show(
        f"Ledger: transfers per second, {CLIENTS} clients, medians of {ROUNDS} rounds",
        ("what", "per second", "of TPC-B"),
        [
            ("pgbench TPC-B-like, -M prepared (the floor)", statistics.median(peers), 1.0),
            ("ours, 10,000 accounts", statistics.median(uniforms), ratio(uniforms, peers)),
            ("ours, every transfer to one merchant", statistics.median(hots), ratio(hots, peers)),
        ],
    )


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


def transfers(accounts: list[int], name: str, *, hot: bool) -> float:
    """Return our transfers per second, each its own transaction."""
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        work = [(accounts, f"{name}-{client}", hot) for client in range(CLIENTS)]
        return sum(pool.starmap(client_transfers, work))


def client_transfers(accounts: list[int], name: str, hot: bool) -> float:
    """Post transfers for SECONDS in one process; returns how many a second."""
    chance = random.Random(name)
    with db.transaction() as session:
        session.execute(text("select 1"))
    time.sleep(max(0.0, 2 - time.time() % 2))  # the clients begin together
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        debit, credit = chance.sample(accounts, 2)
        if hot and debit != accounts[0]:
            credit = accounts[0]
        with db.transaction() as session:
            ledger.post(
                session,
                key=f"{name}-{done}",
                debit=debit,
                credit=credit,
                money=Money(chance.randrange(1, 1000), USDC),
                movement=Movement.TRANSFER,
                ref=f"tr_{done}",
            )
        done += 1
    return done / (time.perf_counter() - started)


def check() -> None:
    """Assert that the books are whole after all that."""
    with db.transaction() as session:
        for proof in ("check_zero", "check_balance", "check_two_legs", "check_chain"):
            assert not session.execute(text(f"select 1 from ledger.{proof} limit 1")).all(), proof


if __name__ == "__main__":
    main()
