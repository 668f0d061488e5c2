"""Payouts by schedule: once each time, and what waits says why."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway import db
from gateway.accounts import service as accounts
from gateway.book import service as book
from gateway.ids import new_id
from gateway.money import Money
from gateway.payouts import schedules, service
from gateway.payouts.store import Payout, PayoutSchedule
from gateway.settings import settings
from gateway.withdrawals.store import Withdrawal
from tests.flow.books import assert_proofs_are_empty, fund
from tests.flow.outgoing import DOLLAR, rich
from tests.flow.paying_out import (
    again,
    balance,
    open_book,
    open_shop,
    put,
    rows,
    save,
    shown,
    told,
)
from workers.payouts import payouts

RACERS = 8


@pytest.fixture
def account(database: str, redis_url: str) -> str:
    return open_shop()


@pytest.fixture
def entry(account: str) -> str:
    return open_book(account)


def test_a_schedule_pays_its_time_once_however_often_it_is_asked(account: str, entry: str) -> None:
    schedule = put(account, entry, keep=100 * DOLLAR)
    for _ in range(3):
        payouts()
        again()
        with db.transaction() as session:  # as if nobody had noted that its time was begun
            fund(session, account, 50 * DOLLAR, key=f"more {len(told())} {datetime.now(UTC)}")
            session.get_one(PayoutSchedule, schedule).next_at = datetime.now(UTC)
    assert [shown(row) for row in rows()] == [("pending", "399.85", None)]
    with db.transaction() as session:
        assert session.query(Withdrawal).count() == 1
        assert_proofs_are_empty(session)


def test_many_workers_at_once_pay_once(account: str, entry: str) -> None:
    schedule = put(account, entry)
    start = threading.Barrier(RACERS)
    failed: list[Exception] = []

    def race() -> None:
        start.wait()
        try:
            for _ in range(3):
                with db.transaction() as session:
                    schedules.begin(session, schedule)
                for row in rows():
                    with db.transaction() as session:
                        service.attempt(session, row.id)
                with db.transaction() as session:
                    fund(session, account, 50 * DOLLAR, key=new_id("more"))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=race) for _ in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [row.status for row in rows()] == ["pending"]
    with db.transaction() as session:
        assert session.query(Withdrawal).count() == 1


def test_a_crash_between_any_two_steps_pays_once(
    account: str, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = put(account, entry)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    def begin_and_die() -> None:
        with db.transaction() as session:
            schedules.begin(session, schedule)
            die()

    with pytest.raises(KeyboardInterrupt):
        begin_and_die()
    assert rows() == []
    with monkeypatch.context() as patched:
        patched.setattr(service, "finish", die)  # the withdrawal is written, nothing is committed
        with pytest.raises(KeyboardInterrupt):
            payouts()
    assert [row.status for row in rows()] == ["waiting"]
    assert balance(account).held.units == 0
    again()
    again()
    assert [row.status for row in rows()] == ["pending"]
    with db.transaction() as session:
        assert session.query(Withdrawal).count() == 1


def lacks_price(monkeypatch: pytest.MonkeyPatch, account: str) -> None:
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "ETH=2000")
    settings.cache_clear()


def has_price(monkeypatch: pytest.MonkeyPatch, account: str) -> None:
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "ETH=2000 USDC=1")
    settings.cache_clear()


def freeze(_: pytest.MonkeyPatch, account: str) -> None:
    with db.transaction() as session:
        accounts.freeze(session, account)


def unfreeze(_: pytest.MonkeyPatch, account: str) -> None:
    with db.transaction() as session:
        accounts.unfreeze(session, account)


Happening = Callable[[pytest.MonkeyPatch, str], None]


@pytest.mark.parametrize(("breaks", "mends"), [(lacks_price, has_price), (freeze, unfreeze)])
def test_what_cannot_go_waits_and_goes_when_it_can(
    account: str,
    entry: str,
    monkeypatch: pytest.MonkeyPatch,
    breaks: Happening,
    mends: Happening,
) -> None:
    put(account, entry)
    breaks(monkeypatch, account)
    payouts()
    again()
    (row,) = rows()
    assert row.status == "waiting"
    assert row.waiting_reason in ("dependency_away", "rate_unavailable", "account_frozen")
    assert told() == ["waiting"]  # the same reason is told once
    mends(monkeypatch, account)
    payouts()
    assert rows()[0].status == "waiting"  # not before its minute is over
    again()
    assert rows()[0].status == "pending"


def test_nothing_begins_before_its_time_or_twice(account: str, entry: str) -> None:
    schedule = put(account, entry, due=False, minimum=600 * DOLLAR)
    payouts()
    with db.transaction() as session:
        schedules.begin(session, schedule)
    assert rows() == []
    for _ in range(2):
        with db.transaction() as session:
            session.get_one(PayoutSchedule, schedule).next_at = datetime.now(UTC)
            schedules.begin(session, schedule)
    assert [row.status for row in rows()] == ["waiting"]


def test_too_little_waits_until_it_is_enough(account: str, entry: str) -> None:
    put(account, entry, minimum=600 * DOLLAR)
    payouts()
    assert shown(rows()[0]) == ("waiting", None, "below_minimum")
    with db.transaction() as session:
        fund(session, account, 200 * DOLLAR, key="more")
    again()
    assert shown(rows()[0]) == ("pending", "699.85", None)
    assert told() == ["waiting", "created"]


def test_what_still_waits_when_the_next_time_comes_is_skipped(account: str, entry: str) -> None:
    schedule = put(account, entry, minimum=600 * DOLLAR)
    now = datetime.now(UTC)
    for day in range(3):
        with db.transaction() as session:
            session.get_one(PayoutSchedule, schedule).next_at = now
            schedules.begin(session, schedule, now + timedelta(days=day))
    found = rows()
    assert [row.status for row in found] == ["skipped", "skipped", "waiting"]
    assert len({row.due_at for row in found}) == 3


def test_times_that_passed_unseen_are_not_made_up_for(account: str, entry: str) -> None:
    schedule = put(account, entry)
    with db.transaction() as session:
        session.get_one(PayoutSchedule, schedule).next_at = datetime.now(UTC) - timedelta(days=9)
    payouts()
    payouts()
    (row,) = rows()
    assert row.due_at is not None
    assert datetime.now(UTC) - row.due_at < timedelta(days=1)


def test_a_changed_schedule_changes_what_waits_and_one_switched_off_ends_it(
    account: str, entry: str
) -> None:
    first = put(account, entry, minimum=600 * DOLLAR)
    payouts()
    assert put(account, entry, due=False, minimum=10 * DOLLAR, keep=490 * DOLLAR) == first
    again()
    assert shown(rows()[0]) == ("waiting", None, "below_minimum")
    put(account, entry, due=False, active=False)
    assert rows()[0].status == "skipped"
    again()
    assert [row.status for row in rows()] == ["skipped"]
    assert balance(account).held.units == 0


def test_an_address_taken_out_of_the_book_is_paid_no_more(account: str, entry: str) -> None:
    put(account, entry)
    with db.transaction() as session:
        book.remove(session, book.get(session, account, entry), by="key_a")
    payouts()
    assert shown(rows()[0]) == ("waiting", None, "address_not_in_book")


def test_one_payout_that_fails_keeps_no_other_waiting(
    account: str, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction() as session:
        other = rich(session, "karim", 50)
        theirs = save(session, other, bytes([9] * 20))
    put(account, entry)
    put(other, theirs)
    real = service.everything

    def fails_for_one(session: Any, row: Payout, **terms: Any) -> Money:
        if row.account_id == account:
            raise ZeroDivisionError
        return real(session, row, **terms)

    monkeypatch.setattr(service, "everything", fails_for_one)
    payouts()
    assert {row.account_id: row.status for row in rows()} == {account: "waiting", other: "pending"}
