"""Rules about whom it goes to and in what. Pure.

Who asked is told that policy refused it, not why: the reason stands in the decision.
"""

from gateway.policy.rules import Allow, Judgement, Refuse, Rule
from gateway.screening.rules import ScreeningFacts

REFUSED = "refused_by_policy"


def not_listed(facts: ScreeningFacts) -> Judgement:
    """Refuse a listed counterparty, and a token nobody may be paid in."""
    return Refuse(REFUSED) if facts.hits or facts.token_denied else Allow()


RULES: tuple[Rule, ...] = (not_listed,)
