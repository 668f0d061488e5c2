"""What several endpoints of a chain tell: late, lying, away, or all of them right."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.chain.pool import BENCH_SECONDS
from gateway.deposits.follow import Step
from tests.chain.endpoints import CHAIN, DOLLAR, Reader, open_reader, rows
from tests.sim.scripted import Pay, World

FORGED = 1_000_000 * DOLLAR
LAG_SECONDS = 5


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def credited(reader: Reader) -> int:
    return sum(units for units, status in reader.deposits() if status == "credited")


def benched(reader: Reader, place: int) -> str:
    return f"endpoint_benched {CHAIN} {reader.nodes[place].name}"


def test_two_honest_endpoints_agree_and_nobody_is_alarmed(world: World) -> None:
    first, second = world.view(), world.view()
    reader = open_reader(world, first, second)
    world.mine(reader.pay(3 * DOLLAR))
    reader.follow()
    world.empty(3)
    reader.wait(3)
    assert credited(reader) == 3 * DOLLAR
    assert "eth_getTransactionReceipt" in second.calls
    assert second.calls.count("eth_getLogs") == 1  # of the one block with a listed token
    assert reader.alarms() == reader.failures == []


@pytest.mark.parametrize(
    ("fault", "place"), [({"html": True}, 0), ({"down": True}, 1), ({"chain_id": 7}, 0)], ids=str
)
def test_an_endpoint_that_is_away_is_benched_and_the_other_one_goes_on(
    world: World, fault: dict[str, Any], place: int
) -> None:
    views = world.view(), world.view()
    reader = open_reader(world, *views)
    for name, value in fault.items():
        setattr(views[place], name, value)
    world.mine(reader.pay(3 * DOLLAR))
    world.empty(3)
    reader.follow()
    assert credited(reader) == 3 * DOLLAR
    assert reader.alarms() == [benched(reader, place)]
    assert reader.resting() == [place]
    (told,) = rows("select endpoints, endpoints_benched from watch_cursor")
    assert tuple(told) == (2, 1)


def test_an_endpoint_that_tells_no_logs_is_found_out_by_the_other(world: World) -> None:
    reader = open_reader(world, world.view(empty_logs=True), world.view())
    world.mine(reader.pay(3 * DOLLAR))
    world.empty(3)
    reader.follow()
    assert credited(reader) == 3 * DOLLAR


@pytest.mark.parametrize("place", [0, 1])
def test_an_endpoint_that_stays_behind_is_benched_with_an_alarm(world: World, place: int) -> None:
    views = world.view(), world.view()
    reader = open_reader(world, *views)
    world.empty(2)
    reader.follow()
    views[place].lag = 10
    world.mine(reader.pay(3 * DOLLAR))
    world.empty(12)
    reader.wait(LAG_SECONDS - 1)
    assert reader.alarms() == []
    reader.wait(2)
    assert reader.alarms() == [benched(reader, place)]
    assert credited(reader) == 3 * DOLLAR
    assert reader.at == world.head.number


def test_an_endpoint_a_little_late_is_waited_for(world: World) -> None:
    first, second = world.view(), world.view(lag=1)
    reader = open_reader(world, first, second)
    for _ in range(8):
        world.mine(reader.pay(DOLLAR))
        reader.wait(1)
        assert reader.at == world.head.number - 1
    assert (reader.resting(), reader.alarms()) == ([], [])


@pytest.mark.parametrize("place", [0, 1])
def test_with_two_that_tell_different_amounts_nothing_is_taken(world: World, place: int) -> None:
    views = world.view(), world.view()
    reader = open_reader(world, *views)
    views[place].forge = FORGED
    world.mine(reader.pay(3 * DOLLAR))
    world.empty(12)
    reader.wait(60)
    assert reader.deposits() == []
    assert reader.at == 0
    assert reader.alarms() == [f"endpoints_disagree {CHAIN}"]
    (told,) = rows("select node_head - number as behind from watch_cursor")
    assert told.behind == 13
    views[place].heal()
    reader.follow()
    assert credited(reader) == 3 * DOLLAR


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("native", [True, False], ids=["native", "token"])
def test_with_three_the_one_that_lies_is_benched(world: World, place: int, native: bool) -> None:
    views = world.view(), world.view(), world.view()
    reader = open_reader(world, *views)
    views[place].forge = FORGED
    world.mine(Pay(reader.address, 3) if native else reader.pay(3))
    world.empty(3)
    reader.wait(3)
    assert reader.deposits() == [(3, "credited")]
    assert reader.alarms() == [benched(reader, place)]


@pytest.mark.parametrize("others", [1, 2])
def test_a_branch_that_one_endpoint_makes_up_is_not_followed(world: World, others: int) -> None:
    liar, *honest = (world.view() for _ in range(1 + others))
    reader = open_reader(world, liar, *honest)
    world.mine(reader.pay(3 * DOLLAR))
    world.empty(3)
    reader.follow()
    assert credited(reader) == 3 * DOLLAR
    liar.head = world.branch(4, [], [], [], [], [reader.pay(FORGED)], [], [], [])[-1]
    for _ in range(3 * LAG_SECONDS):
        world.empty(1)
        reader.wait(1)
    assert reader.deposits() == [(3 * DOLLAR, "credited")]
    if others == 1:
        assert reader.alarms() == [f"endpoints_disagree {CHAIN}"]
        liar.heal()
    else:
        assert reader.alarms() == [benched(reader, 0)]
    reader.wait(LAG_SECONDS)
    assert reader.at == world.head.number


@pytest.mark.parametrize(("place", "ahead"), [(0, 40), (1, 1)])
def test_blocks_that_one_endpoint_makes_up_ahead_of_the_other_are_not_taken(
    world: World, place: int, ahead: int
) -> None:
    views = world.view(), world.view()
    reader = open_reader(world, *views)
    world.empty(3)
    reader.follow()
    blocks = [[], [reader.pay(FORGED)], *([[]] * ahead)]
    views[place].head = world.branch(0, *blocks)[-1]
    for _ in range(6 * LAG_SECONDS):
        reader.wait(1)
        world.empty(1)
    assert reader.deposits() == []
    assert f"endpoints_disagree {CHAIN}" in reader.alarms()
    assert reader.resting() == []


def test_a_head_that_goes_down_while_another_does_not_is_late(world: World) -> None:
    first, second = world.view(), world.view()
    reader = open_reader(world, first, second)
    world.mine(reader.pay(3 * DOLLAR))
    world.empty(1)
    reader.follow()
    first.lag = 2
    reader.wait(LAG_SECONDS)
    assert reader.at == 2
    assert reader.deposits() == [(3 * DOLLAR, "confirming")]
    assert reader.alarms() == [], "it may be there again in a moment"
    reader.wait(1)
    assert reader.alarms() == [benched(reader, 0)]
    world.empty(2)
    reader.follow()
    assert credited(reader) == 3 * DOLLAR


@pytest.mark.parametrize("endpoints", [1, 2])
def test_a_head_that_goes_down_everywhere_is_believed_when_it_lasts(
    world: World, endpoints: int
) -> None:
    reader = open_reader(world, *(world.view() for _ in range(endpoints)))
    world.empty(2)
    world.mine(reader.pay(3 * DOLLAR))
    reader.follow()
    world.rollback(1)
    reader.wait(2)
    assert (reader.at, reader.deposits()) == (3, [(3 * DOLLAR, "confirming")])
    reader.wait(2)
    assert (reader.at, reader.deposits()) == (2, [(3 * DOLLAR, "orphaned")])
    assert reader.alarms() == []


def test_a_reorganisation_that_both_follow_is_followed(world: World) -> None:
    first, second = world.view(), world.view()
    reader = open_reader(world, first, second)
    world.empty(2)
    world.mine(reader.pay(3 * DOLLAR))
    reader.follow()
    second.head = world.head  # it hears of the other branch later
    world.reorg(1, [], [reader.pay(5 * DOLLAR)])
    reader.wait(2)
    assert reader.deposits() == [(3 * DOLLAR, "confirming")]
    second.head = None
    world.empty(3)
    reader.wait(2)
    assert reader.deposits() == [(3 * DOLLAR, "orphaned"), (5 * DOLLAR, "credited")]
    assert reader.alarms() == []


def test_without_a_healthy_endpoint_the_least_bad_is_used(world: World) -> None:
    first, second = world.view(), world.view()
    reader = open_reader(world, first, second)
    world.mine(reader.pay(3 * DOLLAR))
    first.down = second.down = True
    reader.follow()
    reader.follow()
    assert sorted(reader.resting()) == [0, 1]
    assert reader.alarms() == sorted([benched(reader, 0), benched(reader, 1)])
    second.down = False
    world.empty(3)
    for _ in range(3):
        reader.follow()
    assert credited(reader) == 3 * DOLLAR  # though both still rest


def test_a_benched_endpoint_comes_back(world: World) -> None:
    first, second = world.view(html=True), world.view()
    reader = open_reader(world, first, second)
    world.mine(reader.pay(3 * DOLLAR))
    reader.follow()
    assert reader.resting() == [0]
    first.heal()
    reader.clock.now += BENCH_SECONDS
    world.empty(3)
    assert reader.turn() is Step.MOVED
    assert reader.resting() == []
    assert reader.pool.primary() is reader.nodes[1]
    assert reader.pool.witness(reader.nodes[1]) is reader.nodes[0]
