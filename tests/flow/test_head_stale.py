"""A chain that nobody reads any more calls an operator, whatever became of its watcher."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gateway import bell, db
from tests.chain.money_out import role
from tests.flow.books import CHAIN
from tests.flow.day import open_chain, read_to
from workers.freshness import freshness

OLD, NEW = timedelta(hours=1), timedelta()


@pytest.fixture(autouse=True)
def chain(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "send", lambda *_: None)
    monkeypatch.setattr(bell, "speak", lambda _: None)
    open_chain()


def read(number: int, age: timedelta) -> None:
    """Let the watcher have read a block that was mined so long ago."""
    read_to(number, datetime.now(UTC) - age)
    with db.transaction() as session:
        session.execute(text("update watch_cursor set block_time = now() - :age"), {"age": age})


def look() -> list[tuple[str, str]]:
    """Look as the worker does, with its rights; returns the kinds and subjects of open alarms."""
    with role("mizan_worker"):
        freshness()
    with db.transaction() as session:
        found = session.execute(
            text("select kind, subject from alarm where acknowledged_at is null")
        )
        return [(row.kind, row.subject) for row in found]


def wait(seconds: int) -> None:
    with db.transaction() as session:
        session.execute(
            text("update stale_chain set since = since - make_interval(secs => :s)"), {"s": seconds}
        )


def test_a_head_that_stays_old_calls_an_operator_once() -> None:
    read(5, OLD)
    assert look() == []
    wait(55)
    assert look() == []
    wait(10)
    assert look() == look() == [("head_stale", CHAIN)]
    with db.transaction() as session:
        detail = session.scalars(text("select detail from alarm")).one()
    assert "block 5" in detail


def test_a_chain_of_which_nothing_was_ever_read_calls_an_operator_too() -> None:
    look()
    wait(65)
    assert look() == [("head_stale", CHAIN)]


def test_a_head_that_is_fresh_again_begins_anew() -> None:
    read(5, OLD)
    look()
    read(6, NEW)
    assert look() == []
    read(7, OLD)
    look()
    wait(55)
    assert look() == []


def test_a_chain_that_is_not_served_any_more_calls_nobody() -> None:
    look()
    wait(65)
    with db.transaction() as session:
        session.execute(text("update chain set active = false"))
    assert look() == []
