"""When an endpoint is left alone, probed, trusted again or given up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks import breaker
from gateway.webhooks.breaker import Standing

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def fail(
    standing: Standing,
    object_id: str,
    now: datetime = NOW,
    status: int | None = 500,
    retry_after: float | None = None,
    spread: float = 0,
) -> Standing:
    return breaker.after_bad(
        standing,
        object_id=object_id,
        now=now,
        status=status,
        retry_after=retry_after,
        spread=spread,
    )


def failed(times: int) -> Standing:
    standing = Standing()
    for number in range(times):
        standing = fail(standing, f"inv_{number}")
    return standing


def test_it_opens_after_failures_of_different_objects() -> None:
    assert failed(breaker.OPENS_AT - 1).probe_at is None
    opened = failed(breaker.OPENS_AT)
    assert opened.probe_at == NOW + timedelta(seconds=breaker.PROBE_SECONDS[0])
    assert breaker.state(opened.probe_at, NOW) == "open"
    assert breaker.state(opened.probe_at, NOW + timedelta(seconds=5)) == "half_open"


def test_one_object_alone_never_opens_it() -> None:
    standing = Standing()
    for _ in range(50):
        standing = fail(standing, "inv_1")
    assert (standing.streak, standing.probe_at) == (1, None)
    assert standing.failing_since == NOW


def test_probes_become_rarer_up_to_five_minutes() -> None:
    waits = []
    for times in range(breaker.OPENS_AT, breaker.OPENS_AT + 6):
        probe_at = failed(times).probe_at
        assert probe_at is not None
        waits.append((probe_at - NOW).total_seconds())
    assert waits == [5, 15, 60, 300, 300, 300]
    spread = fail(failed(30), "inv_x", spread=1).probe_at
    assert spread == NOW + timedelta(seconds=360)


def test_one_success_forgives_all() -> None:
    later = NOW + timedelta(hours=1)
    again = breaker.after_good(failed(9), later)
    assert again == Standing(last_success_at=later, last_failure_at=NOW)
    assert breaker.state(again.probe_at, later) == "closed"


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [(429, 120, 120), (503, 30, 30), (429, 10**9, 3_600), (500, 120, None), (429, None, None)],
)
def test_a_receiver_that_asks_for_time_gets_it(
    status: int, retry_after: float | None, seconds: int | None
) -> None:
    probe_at = fail(Standing(), "inv_1", status=status, retry_after=retry_after).probe_at
    assert probe_at == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_it_is_dead_after_five_days_without_any_success() -> None:
    standing = failed(breaker.OPENS_AT)
    day = timedelta(days=1)
    assert not breaker.is_dead(standing, NOW + 5 * day - timedelta(seconds=1))
    assert breaker.is_dead(standing, NOW + 5 * day)
    assert not breaker.is_dead(failed(breaker.OPENS_AT - 1), NOW + 50 * day)
    assert not breaker.is_dead(breaker.after_good(standing, NOW), NOW + 50 * day)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 86_400)), max_size=40))
def test_failing_since_is_the_first_failure_after_the_last_success(
    answers: list[tuple[bool, int, int]],
) -> None:
    standing, now, since = Standing(), NOW, None
    for good, number, seconds in answers:
        now += timedelta(seconds=seconds)
        if good:
            standing, since = breaker.after_good(standing, now), None
        else:
            standing, since = fail(standing, f"inv_{number}", now), since or now
        assert standing.failing_since == since
        assert (standing.streak == 0) == (since is None)
        assert standing.probe_at is None or standing.streak >= breaker.OPENS_AT
        assert breaker.is_dead(standing, now) <= (since is not None and (now - since).days >= 5)
