"""From readings to a price: the median of fresh ones, and no guess."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.prices.rules import (
    CLOCK_SKEW_MAX,
    READ_AGE_MAX,
    Policy,
    Reading,
    is_plausible,
    judge,
    median,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(seconds=60)
TWO = Policy(minimum=2, spread=Decimal("0.02"))
DOLLAR = Policy(minimum=1, spread=Decimal("0.02"), pin=Decimal(1), depeg=Decimal("0.02"))

prices = st.decimals(min_value="0.000001", max_value="1000000", places=8)
spreads = st.decimals(min_value="0.0001", max_value="0.2", places=4)


def said(*rates: object, at: datetime = NOW) -> list[Reading]:
    return [
        Reading(f"s{place}", Decimal(str(rate)), at, at, MINUTE) for place, rate in enumerate(rates)
    ]


def test_the_price_is_the_median_and_says_of_whom() -> None:
    verdict = judge(TWO, said("2001", "1999", "2000.5"), NOW)
    assert (verdict.rate, verdict.source) == (Decimal("2000.5"), "median(s0,s1,s2)")
    assert verdict.refusal is None
    assert judge(TWO, said("2000", "2001"), NOW).rate == Decimal("2000.5")


@pytest.mark.parametrize("factor", ["0.5", "1.5", "0.0000001", "1000000"])
@pytest.mark.parametrize("liar", [0, 1, 2])
def test_one_that_lies_moves_nothing_and_is_named(liar: int, factor: str) -> None:
    readings = said("2000", "2001", "2002")
    readings[liar] = replace(readings[liar], rate=readings[liar].rate * Decimal(factor))
    verdict = judge(TWO, readings, NOW)
    assert verdict.rate is not None
    assert Decimal("2000") <= verdict.rate <= Decimal("2002")
    assert [one.source for one in verdict.outliers] == [f"s{liar}"]


def test_of_two_that_differ_neither_is_believed() -> None:
    verdict = judge(TWO, said("2000", "3000"), NOW)
    assert (verdict.rate, verdict.refusal) == (None, "rate_disagreement")
    assert verdict.detail == "too far apart: s0 2000, s1 3000"
    assert len(verdict.outliers) == 2


def test_without_enough_fresh_sources_there_is_no_price() -> None:
    one = judge(TWO, said("2000"), NOW)
    assert (one.refusal, one.detail) == ("rate_source_away", "1 of 2 sources have a fresh rate")
    old = [*said("2000"), *said("2000", at=NOW - MINUTE - timedelta(seconds=1))]
    assert judge(TWO, old, NOW).refusal == "rate_source_away"
    assert judge(DOLLAR, [], NOW).refusal == "rate_source_away"


def test_a_reading_is_fresh_by_its_own_time_and_by_ours() -> None:
    heartbeat = Reading("feed", Decimal(1), NOW - timedelta(hours=1), NOW, timedelta(hours=2))
    assert heartbeat.is_fresh(NOW)
    assert not replace(heartbeat, age_max=timedelta(minutes=59)).is_fresh(NOW)
    late = NOW + READ_AGE_MAX + timedelta(seconds=1)
    assert not heartbeat.is_fresh(late)  # we did not read it again
    ahead = replace(heartbeat, said_at=NOW + CLOCK_SKEW_MAX)
    assert ahead.is_fresh(NOW)
    assert not replace(ahead, said_at=ahead.said_at + timedelta(seconds=1)).is_fresh(NOW)


def test_a_price_lasts_as_long_as_enough_of_its_readings() -> None:
    readings = said("2000", "2000", "2000")
    readings[0] = replace(readings[0], read_at=NOW - timedelta(seconds=50))
    readings[1] = replace(readings[1], read_at=NOW - timedelta(seconds=20))
    for minimum, seconds in ((1, 60), (2, 40), (3, 10)):
        verdict = judge(replace(TWO, minimum=minimum), readings, NOW)
        assert verdict.expires_at == NOW + timedelta(seconds=seconds)


def test_a_stable_coin_has_its_pin_while_the_market_agrees() -> None:
    verdict = judge(DOLLAR, said("0.9991"), NOW)
    assert (verdict.rate, verdict.source) == (Decimal(1), "pinned, median(s0)")
    gone = judge(DOLLAR, said("0.97"), NOW)
    assert (gone.rate, gone.refusal) == (None, "rate_depegged")
    assert gone.detail == "pinned to 1, but the market is elsewhere: s0 0.97"
    assert judge(DOLLAR, said("0.98"), NOW).rate == Decimal(1)
    assert judge(DOLLAR, said("1.0201"), NOW).refusal == "rate_depegged"


def test_a_pin_that_needs_no_market_is_checked_where_there_is_one() -> None:
    free = replace(DOLLAR, minimum=0)
    assert (judge(free, [], NOW).rate, judge(free, [], NOW).source) == (Decimal(1), "pinned")
    assert judge(free, said("0.5"), NOW).refusal == "rate_depegged"


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-1", "0", "1e-13", "1e13", "1" * 60])
def test_what_cannot_be_a_price(text: str) -> None:
    assert not is_plausible(Decimal(text))


@given(st.lists(prices, min_size=1, max_size=9))
def test_the_median_has_as_many_above_as_below(rates: list[Decimal]) -> None:
    middle = median(rates)
    assert sum(rate < middle for rate in rates) <= len(rates) / 2
    assert sum(rate > middle for rate in rates) <= len(rates) / 2
    assert min(rates) <= middle <= max(rates)


@given(st.data(), st.lists(prices, min_size=2, max_size=7), spreads)
def test_a_minority_can_stop_a_price_but_not_move_it_past_the_honest(
    data: st.DataObject, honest: list[Decimal], spread: Decimal
) -> None:
    lies = data.draw(st.lists(prices, max_size=len(honest) - 1))
    readings = data.draw(st.permutations(said(*honest, *lies)))
    verdict = judge(Policy(minimum=2, spread=spread), readings, NOW)
    if verdict.rate is None:
        assert verdict.refusal == "rate_disagreement"
    else:
        assert min(honest) <= verdict.rate <= max(honest)


@given(st.lists(prices, max_size=6), spreads, st.integers(min_value=1, max_value=4))
def test_a_price_is_never_made_of_fewer_than_asked_for(
    rates: list[Decimal], spread: Decimal, minimum: int
) -> None:
    verdict = judge(Policy(minimum=minimum, spread=spread), said(*rates), NOW)
    agreeing = len(rates) - len(verdict.outliers)
    if verdict.rate is not None:
        assert agreeing >= minimum
        assert agreeing > len(rates) / 2
        assert verdict.expires_at is not None
        assert verdict.expires_at > NOW
    assert (verdict.rate is None) == (verdict.refusal is not None)
