"""The confirmation step: one head among 100 thousand pending deposits, and the index built anew.

A step moves the index to the next head, adds what was seen in it and pops what it makes final; a
tenth of the deposits wait for blocks, a tenth for `safe`, the others for `finalized`, as if a whole
epoch were under way. The floor of a step is a bare round trip to the same Redis and a bare call
that pops as many from one set; of the rebuild, a bare SELECT of the same rows.
"""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import text

from bench.table import servers, show
from gateway import bell, db
from gateway.deposits.pending import SETS, Pending, Place
from gateway.deposits.rules import Heights, Rule, Waiting
from gateway.migrations import migrate
from gateway.settings import settings

CHAIN = "eip155:31337"
PENDING = 100_000
PER_BLOCK = 100
HEADS = 500
REBUILDS = 5
BLOCKS = Rule("blocks", 12)
RULES = (BLOCKS, Rule("safe"), *[Rule("finalized")] * 8)
SAFE_BELOW, FINAL_BELOW = 32, 900
START = 10_000

WORLD = """
    insert into ledger.asset (code, name, decimals) values ('USDC', 'USDC', 6);
    insert into chain (id, chain_id, name, confirmations, block_seconds, start_block,
            vault_factory, payout_vault, treasury)
        values (:chain, 31337, 'Bench', 12, 12, 0, :a, :b, :c);
    insert into chain_asset (chain, asset, contract, decimals) values (:chain, 'USDC', :a, 6);
    insert into account (id, handle, kind) values ('acct_bench', 'bench', 'merchant');
    insert into address (chain, address, salt, account_id)
        values (:chain, :a, sha256('salt'), 'acct_bench');
    insert into watch_cursor (chain, number, hash, safe, finalized)
        values (:chain, :start, sha256('head'), :start - 32, :start - 900);
    insert into deposit (id, chain, tx_hash, kind, position, account_id, address, from_address,
            asset, amount, block_number, block_hash, block_time, log_index, status, finality,
            required)
        select 'dep_' || i, :chain, sha256(i::text::bytea), 'erc20', '0', 'acct_bench', :a, :b,
            'USDC', 1000000, :start - i / :per_block, sha256('block'), now(), 0, 'confirming',
            case i % 10 when 0 then 'blocks' when 1 then 'safe' else 'finalized' end,
            case i % 10 when 0 then 12 end
        from generate_series(0, :pending - 1) i;
"""
BARE = "select id, block_number, finality, required from deposit where status = 'confirming'"
POP = """
local due = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1], 'limit', 0, 1000)
for _, id in ipairs(due) do redis.call('zrem', KEYS[1], id) end
return due
"""


def main() -> None:
    """Measure and print the tables."""
    with servers() as stack:
        os.environ.update(stack.environment())
        settings.cache_clear()
        bell.live.cache_clear()
        migrate(settings().database_url)
        fill()
        rebuilds = rebuild()
        steps, due = heads()
        floors = [trips(), pops()]
    rows = [
        ("a bare round trip to Redis", *spread(floors[0])),
        (f"a bare call that pops {PER_BLOCK} of {PENDING:,} from one set", *spread(floors[1])),
        ("our step: adds a block's deposits, pops what is final", *spread(steps)),
    ]
    show(
        f"Confirmation step per head, {PENDING:,} pending, {HEADS} heads,"
        f" {statistics.mean(due):.0f} due at each; ms",
        ("what", "p50", "p99"),
        rows,
    )
    show(
        f"The index built anew from Postgres, {PENDING:,} pending; seconds, medians of {REBUILDS}",
        ("what", "seconds"),
        [(name, statistics.median(seconds)) for name, seconds in rebuilds.items()],
    )


def fill() -> None:
    """Write the chain and what is pending on it."""
    with db.transaction() as session:
        facts = {"chain": CHAIN, "start": START, "pending": PENDING, "per_block": PER_BLOCK}
        addresses = {name: bytes([place + 1] * 20) for place, name in enumerate("abc")}
        for statement in WORLD.split(";\n"):
            if statement.strip():
                session.execute(text(statement), facts | addresses)
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze deposit"))


def rebuild() -> dict[str, list[float]]:
    """Return the seconds of each rebuild after Redis was emptied, and of its floor."""
    ours: list[float] = []
    bare: list[float] = []
    with psycopg.connect(settings().database_url) as connection:
        for _ in range(REBUILDS):
            bell.live().flushall()
            bare.append(seconds_of(lambda: connection.execute(BARE).fetchall()))
            ours.append(seconds_of(lambda: Pending(CHAIN).rebuild(place(START))))
    found: Any = [bell.live().zcard(f"conf:{CHAIN}:{one}") for one in SETS]
    assert sum(found) == PENDING, found
    return {"a bare SELECT of the same rows": bare, "our rebuild": ours}


def heads() -> tuple[list[float], list[int]]:
    """Return the seconds of each step, and how many deposits each made due."""
    pending, took, due = Pending(CHAIN), [], []
    for height in range(START + 1, START + 1 + HEADS):
        fresh = [
            Waiting(f"dep_{height}_{one}", height, RULES[one % len(RULES)])
            for one in range(PER_BLOCK)
        ]
        told = Heights(height, height - SAFE_BELOW, height - FINAL_BELOW)
        begun = time.perf_counter()
        found = pending.step(place(height - 1), place(height), fresh, told)
        took.append(time.perf_counter() - begun)
        due.append(len(found))
        pending.settled(found)
    return took[1:], due[1:]


def trips() -> list[float]:
    """Return the seconds of bare round trips."""
    return [seconds_of(bell.live().ping) for _ in range(HEADS)]


def pops() -> list[float]:
    """Return the seconds of bare pops from one sorted set."""
    redis = bell.live()
    redis.delete("bench:floor")
    for start in range(0, PENDING, 5_000):
        batch = {f"dep_{one}": one // PER_BLOCK for one in range(start, start + 5_000)}
        redis.zadd("bench:floor", batch)
    return [
        seconds_of(lambda height=height: redis.eval(POP, 1, "bench:floor", height))  # type: ignore[misc]
        for height in range(HEADS)
    ]


def seconds_of(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def spread(seconds: list[float]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * statistics.median(ordered), 1000 * ordered[int(len(ordered) * 0.99)]


def place(height: int) -> Place:
    """Return a block of the bench's chain."""
    return height, height.to_bytes(32, "big")


if __name__ == "__main__":
    main()
