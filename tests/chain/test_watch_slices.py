"""What a process knows of a chain outlives the slices in which it watches it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway import db
from gateway.accounts import service as accounts
from gateway.addresses import service as addresses
from gateway.deposits.follow import Follower
from tests.chain.endpoints import CHAIN, DOLLAR, Reader, open_reader
from tests.sim.scripted import Pay, World
from workers.app import SLICE_SECONDS

SLOW_BLOCK_SECONDS = 12
LASTS_SECONDS = 3 * SLOW_BLOCK_SECONDS
"""For so long an endpoint may be late there, which is longer than a slice."""


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def slow(reader: Reader) -> Reader:
    """Let the chain's blocks come every twelve seconds."""
    with db.transaction() as session:
        session.connection().exec_driver_sql(
            f"update chain set block_seconds = {SLOW_BLOCK_SECONDS}"
        )
    return next_slice(reader)


def next_slice(reader: Reader) -> Reader:
    """Watch on as the next slice does in the same process."""
    return replace(reader, follower=Follower(CHAIN, reader.pool))


def watch(reader: Reader, seconds: int) -> None:
    """Watch for so long, slice after slice."""
    for _ in range(seconds // SLICE_SECONDS):
        reader = next_slice(reader)
        reader.wait(SLICE_SECONDS)


def benched(reader: Reader, place: int) -> str:
    return f"endpoint_benched {CHAIN} {reader.nodes[place].name}"


@pytest.mark.parametrize("place", [0, 1])
def test_an_endpoint_that_stays_behind_is_benched_where_blocks_are_slow(
    world: World, place: int
) -> None:
    views = world.view(), world.view()
    reader = slow(open_reader(world, *views))
    world.empty(2)
    reader.follow()
    views[place].lag = 10
    world.mine(reader.pay(3 * DOLLAR))
    world.empty(12)
    watch(reader, SLICE_SECONDS)
    assert reader.alarms() == []
    watch(reader, SLICE_SECONDS)
    assert reader.alarms() == [benched(reader, place)]
    assert reader.at == world.head.number


def test_an_endpoint_that_stays_back_is_benched_where_blocks_are_slow(world: World) -> None:
    views = world.view(), world.view()
    reader = slow(open_reader(world, *views))
    world.empty(3)
    reader.follow()
    views[0].lag = 2
    watch(reader, SLICE_SECONDS)
    assert reader.alarms() == []
    watch(reader, 2 * SLICE_SECONDS)
    assert reader.alarms() == [benched(reader, 0)]
    assert reader.at == world.head.number


def test_an_endpoint_that_refuses_a_block_is_benched_where_blocks_are_slow(world: World) -> None:
    views = world.view(refuse=("eth_getLogs",)), world.view()
    reader = slow(open_reader(world, *views))
    world.mine(reader.pay(3 * DOLLAR))
    watch(reader, 2 * SLICE_SECONDS)
    assert reader.alarms() == [benched(reader, 0)]
    assert reader.deposits() == [(3 * DOLLAR, "confirming")]


def test_an_endpoint_that_lacks_a_block_is_benched_where_blocks_are_slow(world: World) -> None:
    reader = slow(open_reader(world, world.view(), world.view(lag=1)))
    world.mine(reader.pay(3 * DOLLAR))
    watch(reader, 2 * SLICE_SECONDS)
    assert reader.alarms() == [benched(reader, 1)]
    assert reader.deposits() == [(3 * DOLLAR, "confirming")]


def test_a_head_that_goes_down_is_believed_where_blocks_are_slower_than_slices(
    world: World,
) -> None:
    reader = open_reader(world, world.view())
    run = "update chain set block_seconds = 20"
    with db.transaction() as session:
        session.connection().exec_driver_sql(run)
    world.empty(2)
    world.mine(reader.pay(3 * DOLLAR))
    reader.follow()
    world.rollback(1)
    watch(reader, 2 * SLICE_SECONDS)
    assert (reader.at, reader.deposits()) == (2, [(3 * DOLLAR, "orphaned")])


def test_what_was_true_before_somebody_else_watched_the_chain_counts_no_more(
    world: World,
) -> None:
    first, second = world.view(), world.view()
    reader = slow(open_reader(world, first, second))
    world.empty(20)
    first.lag = 10
    reader.wait(1)
    reader.clock.now += 10 * SLICE_SECONDS
    next_slice(reader).wait(1)
    assert (reader.resting(), reader.alarms()) == ([], [])
    watch(reader, 2 * SLICE_SECONDS)
    assert reader.alarms() == [benched(reader, 0)]


def test_an_address_is_known_that_another_database_gave_out_when_it_took_over(
    world: World,
) -> None:
    reader = open_reader(world, world.view())
    world.empty(1)
    reader.follow()
    # the one before had counted further: a restored one begins to count anew
    reader.follower.watched._since = str(2**40)
    with db.transaction() as session:
        account = accounts.open_account(session, handle="basma", kind="person").id
        address = addresses.allocate(session, account_id=account, chain=CHAIN).address
    reader = next_slice(reader)
    world.mine(Pay(address, 3 * DOLLAR, token=reader.token))
    reader.follow()
    assert reader.deposits() == [(3 * DOLLAR, "confirming")]
