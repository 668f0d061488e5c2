"""When a payout schedule is due, and how much of a balance goes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.money import Asset, Money
from gateway.payouts import rules
from gateway.payouts.rules import Calendar

USDC = Asset("USDC", 6)
CALENDARS = st.one_of(
    st.builds(Calendar, every=st.just("day"), day=st.just(1), hour=st.integers(0, 23)),
    st.builds(Calendar, every=st.just("week"), day=st.integers(1, 7), hour=st.integers(0, 23)),
    st.builds(Calendar, every=st.just("month"), day=st.integers(1, 28), hour=st.integers(0, 23)),
)
SECONDS = st.integers(0, 10**9)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "now", "last", "following"),
    [
        (Calendar("day", 1, 6), "2026-03-01 05:59", "2026-02-28 06:00", "2026-03-01 06:00"),
        (Calendar("day", 1, 6), "2026-03-01 06:00", "2026-03-01 06:00", "2026-03-02 06:00"),
        (Calendar("week", 1, 0), "2026-11-24 00:00", "2026-11-23 00:00", "2026-11-30 00:00"),
        (Calendar("month", 28, 23), "2026-02-28 22:59", "2026-01-28 23:00", "2026-02-28 23:00"),
        (Calendar("month", 1, 0), "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
    ],
)
def test_the_time_before_and_after(calendar: Calendar, now: str, last: str, following: str) -> None:
    assert rules.last_due(calendar, at(now)) == at(last)
    assert rules.next_due(calendar, at(now)) == at(following)


@given(CALENDARS, SECONDS)
def test_now_lies_between_two_neighbouring_times(calendar: Calendar, seconds: int) -> None:
    now = at("2024-01-01") + timedelta(seconds=seconds)
    last, following = rules.last_due(calendar, now), rules.next_due(calendar, now)
    assert last <= now < following
    assert rules.last_due(calendar, following - timedelta(seconds=1)) == last
    assert rules.next_due(calendar, last) == following
    assert {last.hour, following.hour} == {calendar.hour}


@pytest.mark.parametrize(("every", "day"), [("day", 2), ("week", 8), ("month", 29), ("week", 0)])
def test_a_day_that_not_every_period_has_is_refused(every: rules.Every, day: int) -> None:
    with pytest.raises(Refused) as refusal:
        rules.check_day(every, day)
    assert refusal.value.field == "day"


def whole(available: int, keep: int = 0, fee: int = 10, minimum: int = 0, step: int = 1) -> int:
    money = {
        name: Money(units, USDC)
        for name, units in (
            ("available", available),
            ("keep", keep),
            ("fee", fee),
            ("minimum", minimum),
        )
    }
    return rules.whole(**money, step=step).units


def test_everything_is_what_is_left_of_reserve_and_fee() -> None:
    assert whole(1_000) == 990
    assert whole(1_000, keep=400) == 590
    assert whole(1_000, minimum=990) == 990
    assert whole(1_050, step=100) == 1_000


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"available": 0}, "nothing_to_pay_out"),
        ({"available": 10}, "nothing_to_pay_out"),
        ({"available": 500, "keep": 600}, "nothing_to_pay_out"),
        ({"available": 109, "step": 100}, "nothing_to_pay_out"),
        ({"available": 19}, "amount_below_fee"),
        ({"available": 1_000, "minimum": 991}, "below_minimum"),
    ],
)
def test_too_little_is_refused_with_its_reason(facts: dict[str, int], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        whole(**facts)
    assert refusal.value.code == code


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 10**6), st.integers(1, 1000))
def test_a_payout_with_its_fee_never_touches_the_reserve(
    available: int, keep: int, fee: int, step: int
) -> None:
    try:
        amount = whole(available, keep, fee, step=step)
    except Refused:
        assert available - keep - fee < max(fee, step)
    else:
        assert amount % step == 0
        assert available - amount - fee >= keep


def test_an_end_of_the_withdrawal_is_an_end_of_the_payout() -> None:
    assert rules.status("pending", "sent") == "pending"
    assert rules.status("pending", "rejected") == "rejected"
    assert rules.status("waiting", None) == "waiting"
