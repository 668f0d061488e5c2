"""How native coin is found on a chain where nothing happened yet when it was added."""

from collections.abc import Iterator

import pytest

from gateway import db
from gateway.deposits.native.choose import LOOK_BACK_BLOCKS
from tests.chain.endpoints import Reader, open_reader, rows
from tests.sim.scripted import Pay, World


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def undecided(world: World, endpoints: int = 1) -> Reader:
    reader = open_reader(world, *(world.view(traces=True) for _ in range(endpoints)))
    with db.transaction() as session:
        session.connection().exec_driver_sql("update chain set native_driver = null")
    return reader


def driver() -> str | None:
    (row,) = rows("select native_driver from chain")
    found: str | None = row.native_driver
    return found


@pytest.mark.parametrize("endpoints", [1, 2])
def test_the_first_payment_of_a_quiet_chain_is_credited_though_it_is_an_inner_one(
    world: World, endpoints: int
) -> None:
    reader = undecided(world, endpoints)
    world.empty(3)
    reader.follow()
    assert driver() is None
    world.mine(world.tx(Pay(reader.address, 7, path="0.1")))
    world.empty(3)
    reader.wait(1)
    assert reader.deposits() == [(7, "credited")]
    assert driver() == "trace_block"


def test_it_is_credited_also_when_it_is_read_long_after(world: World) -> None:
    reader = undecided(world)
    world.mine(world.tx(Pay(reader.address, 7, path="0.1")))
    world.empty(2 * LOOK_BACK_BLOCKS)
    reader.follow()
    assert reader.deposits() == [(7, "credited")]
    assert driver() == "trace_block"


def test_what_an_operator_said_meanwhile_stands(world: World) -> None:
    reader = undecided(world)
    world.empty(3)
    reader.follow()
    with db.transaction() as session:
        session.connection().exec_driver_sql("update chain set native_driver = 'transactions'")
    world.mine(world.tx(Pay(reader.address, 5), Pay(reader.address, 7, path="0.1")))
    reader.follow()
    assert reader.deposits() == [(5, "confirming")]
    assert driver() == "transactions"
