"""Gather the facts of a withdrawal, judge them, and keep the decision."""

from dataclasses import asdict
from decimal import Decimal

from sqlalchemy.orm import Session

from gateway.errors import DependencyAway
from gateway.ids import new_id
from gateway.money import Money
from gateway.policy import rules
from gateway.policy.store import PolicyDecision
from gateway.prices import service as prices
from gateway.settings import settings


def facts_of(session: Session, amount: Money) -> rules.Facts:
    """Return what the rules need to know; a price that is away is a fact too."""
    try:
        worth = prices.worth(session, amount)
    except DependencyAway:
        worth = None
    return rules.Facts(worth_usd=worth, hold_above_usd=Decimal(settings().hold_above_usd))


def record(
    session: Session, *, withdrawal_id: str, facts: rules.Facts, judgement: rules.Judgement
) -> None:
    """Keep the decision with its facts and the version of the rules."""
    session.add(
        PolicyDecision(
            id=new_id("dec"),
            withdrawal_id=withdrawal_id,
            outcome=type(judgement).__name__.lower(),
            reason=None if isinstance(judgement, rules.Allow) else judgement.reason,
            rules_version=rules.VERSION,
            facts={
                name: None if value is None else str(value) for name, value in asdict(facts).items()
            },
        )
    )
