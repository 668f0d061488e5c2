"""How much, how often, and from what on a person looks. Pure.

Amounts are US dollars. None as a limit means that none was set: in production that holds, because
a limit is never guessed; in development money flows.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from gateway.policy.rules import Allow, Hold, Judgement, Refuse, Rule


@dataclass(frozen=True, slots=True)
class LimitFacts:
    """What a withdrawal is worth, and what its account's tier allows; `worth` None: no price.

    `passed` names the window, day or month, whose limit had no room; `left` and `frees_at` say
    what it has, and when more is free.
    """

    tier: int
    worth: Decimal | None
    approval_above: Decimal
    limits_needed: bool
    limits_set: bool
    passed: str | None
    left: Decimal | None
    frees_at: datetime | None
    count: int
    count_max: int | None


def valued(facts: LimitFacts) -> Judgement:
    """Hold what cannot be valued: no limit can be counted for it."""
    return Hold("price_unavailable") if facts.worth is None else Allow()


def within_limits(facts: LimitFacts) -> Judgement:
    """Refuse what is more than the tier's day or month has left."""
    if facts.passed is not None:
        more = f", more from {facts.frees_at:%Y-%m-%d %H:%M} UTC" if facts.frees_at else ""
        return Refuse(
            "over_limit", f"{facts.left:.2f} USD are left of the {facts.passed}'s limit{more}"
        )
    if facts.limits_needed and not facts.limits_set:
        return Hold("no_limit_set")
    return Allow()


def not_too_often(facts: LimitFacts) -> Judgement:
    """Hold the withdrawals of a day beyond the tier's count."""
    if facts.count_max is not None and facts.count >= facts.count_max:
        return Hold("too_many_today")
    return Allow()


def not_large(facts: LimitFacts) -> Judgement:
    """Hold what is worth more than goes without a second person."""
    if facts.worth is not None and facts.worth > facts.approval_above:
        return Hold("above_limit")
    return Allow()


RULES: tuple[Rule, ...] = (within_limits, valued, not_large, not_too_often)
