"""No bad answer is ever taken: the only endpoint of a chain is asked until it tells a good one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chain.endpoints import DOLLAR, open_reader
from tests.sim.scripted import Pay, World

LIVE: list[dict[str, Any]] = [
    {"html": True},
    {"status": 500},
    {"half": True},
    {"down": True},
    {"chain_id": 1},
    {"duplicate_logs": True},
    {"no_receipts": True},
    {"forge": 5, "forge_logs_only": True},
    {"refuse": ("eth_getLogs",)},
    {"refuse": ("eth_getBlockByHash",)},
]
RANGES: list[dict[str, Any]] = [
    {"html": True, "status": 502},
    {"half": True},
    {"down": True},
    {"duplicate_logs": True},
    {"no_receipts": True},
    {"forge": 5, "forge_logs_only": True},
    {"batches": False},
]
OLDER = 20


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


@pytest.mark.parametrize(
    ("above", "faults"), [(0, LIVE), (OLDER, RANGES)], ids=["block by block", "in ranges"]
)
def test_a_bad_answer_is_never_taken_and_the_next_good_one_is(
    world: World, faults: list[dict[str, Any]], above: int
) -> None:
    view = world.view()
    reader = open_reader(world, view)
    paid = 0
    for place, fault in enumerate(faults, 1):
        world.mine(reader.pay(place * DOLLAR), world.tx(Pay(bytes(20), 1, token=reader.token)))
        world.empty(above)
        for name, value in fault.items():
            setattr(view, name, value)
        reader.failures.clear()
        reader.wait(1)
        assert reader.failures, fault
        assert sum(units for units, _ in reader.deposits()) == paid, fault
        view.heal()
        world.empty(3)
        reader.follow()
        paid += place * DOLLAR
        assert reader.at == world.head.number
        assert sum(units for units, status in reader.deposits() if status == "credited") == paid
    assert reader.alarms() == []


@pytest.mark.parametrize("fault", ["empty_logs", "foreign_logs"])
def test_an_endpoint_that_finds_no_logs_is_asked_for_receipts(world: World, fault: str) -> None:
    view = world.view(**{fault: True})
    reader = open_reader(world, view)
    world.mine(reader.pay(3 * DOLLAR))
    reader.follow()
    assert reader.deposits() == [(3 * DOLLAR, "confirming")]
    world.mine(reader.pay(5 * DOLLAR))
    reader.wait(1)
    seen = [(5 * DOLLAR, "confirming")] if fault == "empty_logs" else []
    assert reader.deposits() == [(3 * DOLLAR, "confirming"), *seen]
    assert bool(reader.failures) is not bool(seen)


def test_an_older_head_is_waited_for(world: World) -> None:
    view = world.view()
    reader = open_reader(world, view)
    world.mine(reader.pay(3 * DOLLAR))
    world.empty(2)
    reader.follow()
    view.lag = 2
    reader.wait(2)
    assert (reader.at, reader.deposits()) == (3, [(3 * DOLLAR, "credited")])
    view.heal()
    world.empty(1)
    reader.follow()
    assert (reader.at, reader.failures, reader.alarms()) == (4, [], [])
