"""Native coin that one endpoint's traces tell and the other one's cannot: its balances decide."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.deposits.follow import Follower
from tests.chain.endpoints import CHAIN, FACTORY, Reader, open_reader, rows
from tests.chain.odd_views import OddView
from tests.sim.blocks import STRANGER
from tests.sim.scripted import Pay, View, World

FORGED = 10**18
PROBE_SECONDS = 5.0


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def traced(world: World, *views: View, probe_blocks: int = 0) -> Reader:
    """A reader that finds native coin by traces."""
    reader = open_reader(world, *views)
    with db.transaction() as session:
        session.execute(
            text("update chain set native_driver = 'trace_block', probe_blocks = :blocks"),
            {"blocks": probe_blocks},
        )
    reader.follower = Follower(CHAIN, reader.pool)
    return reader


def forging(world: World, forged: list[bytes]) -> OddView:
    """An endpoint whose traces have a call that pays these addresses, in each transaction."""

    def change(method: str, parameters: list[Any], result: Any) -> Any:
        del parameters
        if method != "trace_block" or not result:
            return result
        value = {"value": hex(FORGED), "from": "0x" + STRANGER.hex()}
        made = [
            result[0]
            | {"action": result[0]["action"] | value | {"to": "0x" + to.hex()}, "traceAddress": [7]}
            for to in forged
        ]
        return result + made

    return OddView(world, change, traces=True)


def test_an_inner_call_that_moved_nothing_at_the_other_endpoint_is_not_taken(
    world: World,
) -> None:
    forged: list[bytes] = []
    reader = traced(world, forging(world, forged), world.view())
    forged.append(reader.address)
    world.mine(Pay(FACTORY, 1))
    world.empty(12)
    reader.wait(5)
    assert reader.deposits() == []
    assert reader.alarms() == [f"endpoints_disagree {CHAIN}"]


def test_an_honest_inner_call_is_credited_beside_what_else_moved(world: World) -> None:
    reader = traced(world, world.view(traces=True), world.view())
    ours = reader.address
    world.mine(Pay(ours, 50))
    sweep = Pay(FACTORY, 50, sender=ours)
    world.mine(world.tx(Pay(ours, 4, path="0.1"), Pay(ours, 5, path="0.2")), sweep, Pay(ours, 6))
    world.empty(3)
    reader.follow()
    assert sorted(reader.deposits()) == [(one, "credited") for one in (4, 5, 6, 50)]
    assert reader.alarms() == []


def test_a_second_endpoint_without_the_state_decides_nothing(world: World) -> None:
    witness = world.view(refuse=("eth_getBalance", "eth_call"))
    reader = traced(world, world.view(traces=True), witness)
    world.mine(world.tx(Pay(reader.address, 4, path="0.1")))
    world.empty(3)
    reader.follow()
    assert reader.deposits() == [(4, "credited")]


@pytest.mark.parametrize("others", [0, 1])
def test_the_probe_books_what_two_endpoints_say_is_there(world: World, others: int) -> None:
    def change(method: str, parameters: list[Any], result: Any) -> Any:
        ours = method == "eth_getBalance" and parameters[0] == "0x" + reader.address.hex()
        return hex(FORGED) if ours else result

    reader = traced(
        world, OddView(world, change), *(world.view() for _ in range(others)), probe_blocks=1
    )
    world.empty(6)
    reader.follow()
    reader.follower.look_closer()
    asking = reader.follower.probe._asking
    assert asking is not None
    asking[1].result(PROBE_SECONDS)
    reader.follower.look_closer()
    found = [int(row.units) for row in rows("select units from found_coin")]
    assert found == ([] if others else [FORGED])
