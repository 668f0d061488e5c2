"""What one endpoint leaves out of a block is noticed, by its header or by another endpoint."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chain.endpoints import CHAIN, DOLLAR, FACTORY, open_reader
from tests.chain.odd_views import OddView, of_blocks, of_receipts
from tests.sim.scripted import Pay, World


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def test_a_block_that_is_said_to_be_idle_and_has_a_filter_is_read(world: World) -> None:
    reader = open_reader(world, OddView(world, of_blocks(gasUsed="0x0")))
    world.mine(reader.pay(DOLLAR))
    world.empty(3)
    reader.follow()
    assert reader.deposits() == [(DOLLAR, "credited")]


@pytest.mark.parametrize("native", [True, False], ids=["native", "token"])
def test_a_block_that_one_endpoint_says_is_idle_waits_for_the_other_ones(
    world: World, native: bool
) -> None:
    liar = OddView(world, of_blocks(gasUsed="0x0", logsBloom="0x" + "00" * 256))
    reader = open_reader(world, liar, world.view(), world.view())
    world.mine(Pay(reader.address, DOLLAR) if native else reader.pay(DOLLAR))
    world.empty(3)
    reader.wait(3)
    assert reader.deposits() == [(DOLLAR, "credited")]
    assert reader.alarms() == [f"endpoint_benched {CHAIN} {reader.nodes[0].name}"]


@pytest.mark.parametrize("lacking", [None, "another block's"])
def test_receipts_that_are_not_all_of_a_block_are_not_taken_for_it(
    world: World, lacking: str | None
) -> None:
    """A node may have a block before it has its receipts."""
    world.mine(Pay(FACTORY, 1))
    stranger = "0x" + world.head.txs[0].hash.hex()

    def change(receipt: dict[str, Any]) -> Any:
        if receipt["transactionHash"] != stranger:
            return receipt
        return lacking and receipt | {"blockHash": "0x" + "11" * 32}

    world.rollback(1)
    view = OddView(world, of_receipts(change), empty_logs=True)
    reader = open_reader(world, view)
    tx = reader.pay(DOLLAR)
    world.mine(world.left[next(iter(world.left))].txs[0], tx)
    reader.wait(1)
    assert reader.failures
    assert (reader.at, reader.deposits()) == (0, [])
    view.__dict__["change"] = lambda method, parameters, result: result
    world.empty(3)
    reader.follow()
    assert reader.deposits() == [(DOLLAR, "credited")]


@pytest.mark.parametrize("above", [0, 20], ids=["live", "final"])
def test_one_event_of_a_transaction_left_out_is_found_in_its_receipt(
    world: World, above: int
) -> None:
    view = world.view(drop_log=1)
    reader = open_reader(world, view)
    world.mine(world.tx(*reader.pay(5).pays, *reader.pay(7).pays))
    world.empty(above)
    reader.wait(1)
    assert (reader.at, reader.deposits()) == (0, [])
    assert "told 1 of 2 Transfer events" in reader.failures[0]
    view.heal()
    world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited"), (7, "credited")]


@pytest.mark.parametrize("others", [1, 2])
def test_one_event_of_a_block_left_out_is_told_by_another_endpoint(
    world: World, others: int
) -> None:
    """The block's filter says nothing: there are other events of the token in it."""
    reader = open_reader(world, world.view(drop_log=1), *(world.view() for _ in range(others)))
    world.mine(Pay(FACTORY, 1, token=reader.token), reader.pay(5))
    world.empty(3)
    reader.wait(3)
    if others == 1:
        assert reader.deposits() == []
        assert reader.alarms() == [f"endpoints_disagree {CHAIN}"]
    else:
        assert reader.deposits() == [(5, "credited")]
        assert reader.alarms() == [f"endpoint_benched {CHAIN} {reader.nodes[0].name}"]


def test_a_second_endpoint_that_tells_no_logs_holds_nothing_up(world: World) -> None:
    reader = open_reader(world, world.view(), world.view(refuse=("eth_getLogs",)))
    world.mine(Pay(FACTORY, 1, token=reader.token), reader.pay(5))
    world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited")]
