"""May this withdrawal go? A pure judgement over stated facts.

A rule that raises holds: a mistake of ours must stop money, never let it go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

VERSION = "1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a withdrawal when it is judged; `worth_usd` is None without a price."""

    worth_usd: Decimal | None
    hold_above_usd: Decimal


@dataclass(frozen=True, slots=True)
class Allow:
    """It may go."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A person must approve it first."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """It must not go."""

    reason: str


Judgement = Allow | Hold | Refuse
Rule = Callable[[Facts], Judgement]


def limit(facts: Facts) -> Judgement:
    """Hold what is worth more than the limit, or what cannot be valued."""
    if facts.worth_usd is None:
        return Hold("price_unavailable")
    return Hold("above_limit") if facts.worth_usd > facts.hold_above_usd else Allow()


RULES: tuple[Rule, ...] = (limit,)


def judge(facts: Facts, rules: tuple[Rule, ...] = RULES) -> Judgement:
    """Ask every rule; the strictest answer counts: refuse, then hold, then allow."""
    answers = [ask(rule, facts) for rule in rules]
    for kind in (Refuse, Hold):
        for answer in answers:
            if isinstance(answer, kind):
                return answer
    return Allow()


def ask(rule: Rule, facts: Facts) -> Judgement:
    """Ask one rule; one that fails holds."""
    try:
        return rule(facts)
    except Exception:  # whatever went wrong, the money waits for a person
        return Hold("rule_failed")
