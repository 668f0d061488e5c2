"""How fast blocks are caught up with, against a loop that only fetches the same answers.

Everything reads the same final blocks from one Anvil, in turns; the tables have medians, and ratios
turn by turn. The bare loop sends the very requests the watcher sent, one after the other, and looks
at no answer. Each number of addresses is a chain of its own in the tables, and a process of its
own, which also tells its memory.
"""

import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import lru_cache
from multiprocessing.pool import Pool as Process
from typing import NamedTuple

import structlog
from sqlalchemy import text

from bench.busy_chain import LOGS, PAID_EVERY, TXS, BusyChain, busy_chain
from bench.memory import memory_now
from bench.table import servers, show
from gateway import db
from gateway.accounts import service as accounts
from gateway.chain.add import NewAsset, add_asset, add_chain
from gateway.chain.deploy import Deployed
from gateway.chain.evm import Evm, at_url
from gateway.chain.pool import Pool
from gateway.chain.rpc import Endpoint
from gateway.deposits.follow import Follower, Step
from gateway.deposits.watched import watched
from gateway.migrations import migrate
from gateway.settings import settings

BLOCKS, ROUNDS = 180, 7
SIZES = (1_000, 100_000, 1_000_000)
THOUSAND, MILLION = SIZES[0], SIZES[-1]
OURS = bytes([0x0A]) * 20
FILL = text("""
    insert into address (chain, address, salt, account_id, invoice_id)
    select :chain, substr(sha256(n::text::bytea), 1, 20), sha256(n::text::bytea), :account,
        'bench_' || :chain || n
    from generate_series(1, cast(:count as int)) as n
""")
GIVE_OURS = text("""
    insert into address (chain, address, salt, account_id)
    values (:chain, :address, sha256(:address), :account)
""")
RESET = (
    "delete from sighting where chain = :chain",
    "delete from deposit where chain = :chain",
    "delete from block where chain = :chain",
    "update watch_cursor set number = :number, hash = null, safe = null, finalized = null"
    " where chain = :chain",
)
MS = 1000


class Turn(NamedTuple):
    """Seconds for all blocks: of the watcher, of the bare loop, and of the watcher's processor."""

    ours: float
    bare: float
    processor: float


class Memory(NamedTuple):
    """Megabytes now and at most; seconds it took to load the addresses."""

    now: float
    most: float
    loading: float


def main() -> None:
    """Measure and print the tables."""
    with ExitStack() as stack:
        servers_of_ours = stack.enter_context(servers())
        os.environ.update(servers_of_ours.environment())
        settings.cache_clear()
        migrate(servers_of_ours.environment()["DATABASE_URL"])
        chain = stack.enter_context(busy_chain(BLOCKS, OURS))
        with db.transaction() as session:
            account = accounts.open_account(session, handle="busy", kind="merchant").id
        for size in SIZES:
            give_out(chain, account, size)
        spawn = multiprocessing.get_context("spawn")
        processes = {size: stack.enter_context(spawn.Pool(1)) for size in SIZES}
        peer = stack.enter_context(spawn.Pool(1))
        loading = {size: one.apply(load, (chain.url, size)) for size, one in processes.items()}
        turns, peers = logs_only(chain, processes, peer)
        inner = with_inner_transfers(chain, processes[MILLION])
        memory = {
            size: Memory(*one.apply(memory_now), loading[size]) for size, one in processes.items()
        }
    tell(turns, inner, memory, peers)


def logs_only(
    chain: BusyChain, processes: Mapping[int, Process], peer: Process
) -> tuple[dict[int, list[Turn]], list[float]]:
    """Let everybody read the blocks, one after the other, several times."""
    place = chain.url, chain.first, chain.last
    turns: dict[int, list[Turn]] = {size: [] for size in processes}
    peers = []
    for number in range(ROUNDS):
        for size, one in processes.items():
            turns[size].append(one.apply(turn, (*place, size)))
        peers.append(peer.apply(by_web3, place))
        told = " ".join(f"{of[-1].ours:.2f}/{of[-1].bare:.2f}" for of in turns.values())
        print(f"round {number + 1} of {ROUNDS}: {told} {peers[-1]:.2f} s", flush=True)
    return turns, peers


def with_inner_transfers(chain: BusyChain, process: Process) -> list[Turn]:
    """Have the native coin listed, too, and let the watcher read the blocks again."""
    with db.transaction() as session:
        add_asset(session, name_of(MILLION), NewAsset("ETH", "Ether", None, 18))
    place = chain.url, chain.first, chain.last
    turns = [process.apply(turn, (*place, MILLION)) for _ in range(ROUNDS)]
    print("inner transfers: " + " ".join(f"{one.ours:.2f}/{one.bare:.2f}" for one in turns))
    return turns


def name_of(size: int) -> str:
    """Return the id of the chain with so many addresses."""
    return f"eip155:{size}"


def give_out(chain: BusyChain, account: str, size: int) -> None:
    """Write a chain's rows with so many addresses; one of them is paid."""
    place = size.to_bytes(20, "big")
    with db.transaction() as session:
        add_chain(
            session,
            chain_id=size,
            name="Bench",
            confirmations=1,
            block_seconds=Decimal(1),
            deployed=Deployed(place, place, place, 0),
            start_block=chain.first,
            assets=[NewAsset("USDC", "USD Coin", chain.token, 6)],
        )
        values = {"chain": name_of(size), "account": account}
        session.execute(GIVE_OURS, values | {"address": OURS})
        session.execute(FILL, values | {"count": size - 1})


@lru_cache(maxsize=1)
def node_at(url: str) -> Evm:
    """Return this process's node."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    return at_url(url)


def load(url: str, size: int) -> float:
    """Load the addresses of a chain, as a watcher that takes over does; returns seconds."""
    node_at(url)
    began = time.perf_counter()
    known = watched(name_of(size))
    seconds = time.perf_counter() - began
    assert len(known.addresses) == size
    return seconds


def turn(url: str, first: int, last: int, size: int) -> Turn:
    """Catch up, then send the same requests again and look at nothing."""
    node, chain = node_at(url), name_of(size)
    with db.transaction() as session:
        for statement in RESET:
            values = {"chain": chain, "number": first - 1}
            session.execute(text(statement), values)
    follower = Follower(chain, Pool.of(node))
    follower.resume()
    with recorded(node.endpoint) as requests:
        began, processor = time.perf_counter(), time.process_time()
        follow_to(follower, last)
        ours, processor = time.perf_counter() - began, time.process_time() - processor
    began = time.perf_counter()
    for request in requests:
        node.endpoint.exchange(request)
    bare = time.perf_counter() - began
    check(chain, last - first + 1)
    return Turn(ours, bare, processor)


def follow_to(follower: Follower, last: int) -> None:
    """Step until a block is taken."""
    place = follower.cursor()
    while place[0] < last:
        step, place = follower.step_from(place)
        assert step is Step.MOVED, f"the watcher came to rest at {place[0]}"


def check(chain: str, blocks: int) -> None:
    """See that what was measured did its work."""
    with db.transaction() as session:
        query = text("select count(*) from deposit where chain = :chain and status = 'credited'")
        found = session.execute(query, {"chain": chain}).scalar_one()
    assert found == blocks // PAID_EVERY, f"{found} deposits were credited"


@contextmanager
def recorded(endpoint: Endpoint) -> Iterator[list[bytes]]:
    """Note the requests that are sent meanwhile."""
    requests: list[bytes] = []
    send = endpoint.exchange

    def exchange(body: bytes) -> bytes:
        requests.append(body)
        return send(body)

    endpoint.exchange = exchange  # type: ignore[method-assign]
    try:
        yield requests
    finally:
        endpoint.exchange = send  # type: ignore[method-assign]


def by_web3(url: str, first: int, last: int) -> float:
    """Measure the peer, whose libraries are loaded in its own process only."""
    from bench import plain_loop

    return plain_loop.by_web3(url, first, last)


def tell(
    turns: Mapping[int, Sequence[Turn]],
    inner: Sequence[Turn],
    memory: Mapping[int, Memory],
    peers: Sequence[float],
) -> None:
    """Print what was measured."""
    print(
        f"\n{BLOCKS} blocks of {TXS} transactions and {LOGS} token transfers; one transfer in every"
        f" {PAID_EVERY} blocks is to us, is written and credited. Medians of {ROUNDS}."
    )
    show(
        f"Catch-up with {MILLION:,} addresses, blocks per second",
        ("what", "ours", "bare fetch", "of bare", "at least", "CPU ms/block", "at most"),
        [
            line("logs only", turns[MILLION], 0.8, 5),
            line("with internal transfers", inner, 0.8, ""),
        ],
    )
    ours = [one.ours / BLOCKS for one in turns[MILLION]]
    times = statistics.median(p / o for p, o in zip(peers, ours, strict=True))
    show(
        "Logs only, against a plain web3.py loop (block, get_logs, process_log)",
        ("what", "blocks per second", "times", "at least"),
        [
            ("web3.py", 1 / statistics.median(peers), 1.0, ""),
            ("ours", 1 / statistics.median(ours), times, 20),
        ],
    )
    show(
        "By the number of addresses, logs only; a block may cost 1.1 of that with 1,000, 400 MB",
        ("addresses", "ms/block", "of 1,000", "CPU ms/block", "of 1,000", "loaded s", "MB", "most"),
        [by_size(size, turns[size], turns[THOUSAND], memory[size]) for size in SIZES],
    )


def line(name: str, turns: Sequence[Turn], least: object, most: object) -> tuple[object, ...]:
    """Return a line of the first table."""
    ratio = statistics.median(one.bare / one.ours for one in turns)
    ours = statistics.median(BLOCKS / one.ours for one in turns)
    bare = statistics.median(BLOCKS / one.bare for one in turns)
    processor = statistics.median(one.processor for one in turns) / BLOCKS * MS
    return name, ours, bare, ratio, least, processor, most


def by_size(
    size: int, turns: Sequence[Turn], base: Sequence[Turn], memory: Memory
) -> tuple[object, ...]:
    """Return a line of the last table."""
    pairs = list(zip(turns, base, strict=True))
    return (
        f"{size:,}",
        statistics.median(one.ours for one in turns) / BLOCKS * MS,
        statistics.median(one.ours / other.ours for one, other in pairs),
        statistics.median(one.processor for one in turns) / BLOCKS * MS,
        statistics.median(one.processor / other.processor for one, other in pairs),
        memory.loading,
        memory.now,
        memory.most,
    )


if __name__ == "__main__":
    main()
