"""A chain that does not get on is never silent: an operator is called, whatever the reason is."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from gateway import db
from gateway.deposits.follow import Step
from tests.chain.endpoints import CHAIN, DOLLAR, Reader, open_reader, rows
from tests.chain.test_poison import BREAK, MEND
from tests.sim.answers import Told
from tests.sim.scripted import View, World
from workers import watch

AWAY_ALARM = f"node_away {CHAIN}"
LONG_AGO = "update watch_cursor set away_since = away_since - interval '5 minutes'"


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def run(statement: str) -> None:
    with db.transaction() as session:
        session.connection().exec_driver_sql(statement)


def hide(view: View, number: int) -> None:
    """Let an endpoint know no block of this height, and those above it."""
    honest = view.spoiled

    def spoiled(method: str, parameters: list[Any]) -> Any:
        return None if parameters[:1] == [hex(number)] else honest(method, parameters)

    view.__dict__["spoiled"] = spoiled


@pytest.mark.parametrize("method", ["eth_getLogs", "trace_block"])
def test_a_node_that_tells_its_head_but_not_what_is_in_it_calls_an_operator(
    world: World, method: str
) -> None:
    view = world.view(traces=True)
    reader = open_reader(world, view)
    run("update chain set native_driver = 'trace_block'")
    world.mine(reader.pay(3 * DOLLAR))
    view.refuse = (method,)
    assert reader.turn() is None
    assert reader.alarms() == []
    run(LONG_AGO)
    assert reader.turn() is None
    assert reader.alarms() == [AWAY_ALARM]
    view.heal()
    assert reader.turn() is Step.MOVED
    assert [row.away_since for row in rows("select away_since from watch_cursor")] == [None]
    assert reader.deposits() == [(3 * DOLLAR, "confirming")]


def test_an_endpoint_that_never_has_the_block_after_ours_calls_an_operator(world: World) -> None:
    view = world.view()
    reader = open_reader(world, view)
    world.empty(3)
    hide(view, 1)
    assert reader.turn() is None
    run(LONG_AGO)
    assert reader.turn() is None
    assert reader.alarms() == [AWAY_ALARM]


def slice_of(reader: Reader) -> None:
    """Watch as a worker does, but shortly."""
    watch.watch_until(reader.follower, time.monotonic() + 0.5)


def test_a_step_that_fails_calls_an_operator_once_and_is_not_swallowed(world: World) -> None:
    reader = open_reader(world, world.view())
    world.mine(reader.pay(3 * DOLLAR))
    run(BREAK.format(table="block", code="P0001"))
    for _ in range(2):
        with pytest.raises(DBAPIError, match="broken"):
            slice_of(reader)
    (alarm,) = rows("select kind, subject, detail from alarm")
    assert (alarm.kind, alarm.subject) == ("watch_failed", CHAIN)
    assert "broken" in alarm.detail
    assert "insert into" not in alarm.detail
    run(MEND.format(table="block"))
    slice_of(reader)
    assert reader.deposits() == [(3 * DOLLAR, "confirming")]


def test_a_failure_before_the_first_step_calls_an_operator_too(world: World) -> None:
    reader = open_reader(world, world.view())
    run("alter table watch_cursor rename column safe to unsafe")
    with pytest.raises(DBAPIError):
        slice_of(reader)
    run("alter table watch_cursor rename column unsafe to safe")
    assert reader.alarms() == [f"watch_failed {CHAIN}"]


def test_a_database_that_asks_for_patience_calls_nobody(world: World) -> None:
    reader = open_reader(world, world.view())
    world.mine(reader.pay(3 * DOLLAR))
    run(BREAK.format(table="block", code="40001"))
    with pytest.raises(DBAPIError):
        slice_of(reader)
    assert reader.alarms() == []


def test_what_no_column_takes_of_a_nodes_words_keeps_no_alarm_back(world: World) -> None:
    view = world.view()
    reader = open_reader(world, view)
    world.mine(reader.pay(3 * DOLLAR))

    def refuse(method: str, parameters: list[Any]) -> Any:
        raise Told(-32000, "nothing\x00 today")

    view.__dict__["spoiled"] = refuse
    reader.turn()
    run(LONG_AGO)
    reader.turn()
    (alarm,) = rows("select kind, detail from alarm")
    assert alarm.kind == "node_away"
    assert "nothing today" in alarm.detail
