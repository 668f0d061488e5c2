"""May this leave? What a rule may answer, and how answers are put together. Pure.

A rule that raises holds: a mistake of ours must stop money, never let it go.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from gateway.money import Money

VERSION = "2"
FAILED = "rule_failed"

Payee = Literal["asked", "page", "known"]
"""Who says that a place is the right one: whoever asks; whoever has a refund's page; or nobody has
to, because the money came from there or an operator sends it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A withdrawal that is judged; `id` names it in what is reserved and written for it."""

    id: str
    account_id: str
    chain: str
    to_address: bytes
    amount: Money
    requested_by: str
    refund_id: str | None = None
    payee: Payee = "asked"


@dataclass(frozen=True, slots=True)
class Allow:
    """It may go."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It may go, but not before `until`; in the meantime its owner can call it off."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """A person must approve it first."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """It must not go; `detail` tells its owner what to change."""

    reason: str
    detail: str = ""


Judgement = Allow | Wait | Hold | Refuse
Rule = Callable[[Any], Judgement]


class Unknown:
    """What stands in the place of facts that could not be gathered."""


def judge(facts: Mapping[str, Any], rules: Mapping[str, Iterable[Rule]]) -> Judgement:
    """Ask every rule about the facts of its concern; the strictest answer counts.

    Refuse before hold before wait before allow; of waits the longest. A concern without facts
    holds.
    """
    answers = [
        ask(rule, facts.get(concern, Unknown())) for concern, own in rules.items() for rule in own
    ]
    for kind in (Refuse, Hold):
        for answer in answers:
            if isinstance(answer, kind):
                return answer
    waits = [answer for answer in answers if isinstance(answer, Wait)]
    return max(waits, key=lambda wait: wait.until, default=Allow())


def ask(rule: Rule, facts: Any) -> Judgement:
    """Ask one rule; one that fails, or whose facts are unknown, holds."""
    if isinstance(facts, Unknown):
        return Hold(FAILED)
    try:
        return rule(facts)
    except Exception:  # whatever went wrong, the money waits for a person
        return Hold(FAILED)
