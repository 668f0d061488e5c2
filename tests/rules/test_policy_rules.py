"""Policy's rules, without a database: what holds, what is refused, and which answer counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from gateway.policy import limit_rules
from gateway.policy.limit_rules import LimitFacts
from gateway.policy.rules import Allow, Hold, Judgement, Refuse, Unknown, Wait, judge

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def limits(worth: str | None = "1", **facts: Any) -> LimitFacts:
    given: dict[str, Any] = {
        "tier": 0,
        "worth": None if worth is None else Decimal(worth),
        "approval_above": Decimal(1000),
        "limits_needed": False,
        "limits_set": True,
        "passed": None,
        "left": None,
        "frees_at": None,
        "count": 0,
        "count_max": None,
    }
    return LimitFacts(**(given | facts))


def judged(facts: LimitFacts) -> Judgement:
    return judge({"limits": facts}, {"limits": limit_rules.RULES})


def test_what_is_worth_more_than_the_threshold_waits_for_a_person() -> None:
    assert judged(limits("1000")) == Allow()
    assert judged(limits("1000.000001")) == Hold("above_limit")
    assert judged(limits(None)) == Hold("price_unavailable")


def test_a_limit_without_room_is_told_with_what_is_left_and_when_more_is() -> None:
    answer = judged(limits("5", passed="day", left=Decimal("2.50"), frees_at=NOON))
    told = "2.50 USD are left of the day's limit, more from 2026-01-01 12:00 UTC"
    assert answer == Refuse("over_limit", told)
    assert judged(limits("5000", passed="month", left=Decimal(0))) == Refuse(
        "over_limit", "0.00 USD are left of the month's limit"
    )


def test_where_limits_must_be_set_money_waits_until_they_are() -> None:
    assert judged(limits(limits_needed=True, limits_set=False)) == Hold("no_limit_set")
    assert judged(limits(limits_needed=False, limits_set=False)) == Allow()


def test_too_many_a_day_wait_for_a_person() -> None:
    assert judged(limits(count=2, count_max=3)) == Allow()
    assert judged(limits(count=3, count_max=3)) == Hold("too_many_today")


def broken(_: Any) -> Judgement:
    raise ZeroDivisionError


def test_a_rule_that_fails_or_knows_nothing_holds() -> None:
    assert judge({"a": 1}, {"a": (broken,)}) == Hold("rule_failed")
    assert judge({}, {"a": (lambda _: Allow(),)}) == Hold("rule_failed")
    assert judge({"a": Unknown()}, {"a": (lambda _: Allow(),)}) == Hold("rule_failed")


ANSWERS = some.one_of(
    some.just(Allow()),
    some.integers(1, 9).map(lambda n: Wait("cooling_off", NOON + timedelta(hours=n))),
    some.sampled_from([Hold("a"), Hold("b")]),
    some.sampled_from([Refuse("c"), Refuse("d")]),
)


@given(some.lists(ANSWERS))
def test_the_strictest_answer_counts_whatever_the_order(answers: list[Judgement]) -> None:
    rules = tuple(lambda _, answer=answer: answer for answer in answers)
    found = judge({"a": 1}, {"a": rules})
    for kind in (Refuse, Hold, Wait):
        if any(isinstance(answer, kind) for answer in answers):
            assert isinstance(found, kind)
            break
    else:
        assert found == Allow()
    waits = [answer.until for answer in answers if isinstance(answer, Wait)]
    if isinstance(found, Wait):
        assert found.until == max(waits)
