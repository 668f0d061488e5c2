"""Gather the facts of a withdrawal, judge them, and keep the decision."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway.book import service as book
from gateway.book.rules import BookFacts
from gateway.chain import store as chains
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.policy import book_rules, limit_rules, limits, rules, screening_rules
from gateway.policy.rules import Judgement, Outgoing, Rule
from gateway.policy.store import PolicyDecision
from gateway.screening import service as screening
from gateway.screening.rules import ScreeningFacts
from gateway.settings import settings

log = structlog.get_logger()


def book_facts(session: Session, out: Outgoing) -> BookFacts:
    """Return what is known of where it goes; a refund goes to its payer, whom no book knows.

    But where an account's money goes to its book only, its key must not find another way out: what
    it names has to be there, and what a refund's page is told, whose address the key reads too, is
    as if it had been added this moment.
    """
    facts = book.facts_of(session, out.account_id, out.chain, out.to_address)
    if out.refund_id is None:
        return facts
    if out.payee == "known" or not facts.required:
        return replace(facts, required=False, used_before=True)
    if out.payee == "page":
        active_after = facts.active_after or facts.now + settings().book_delay
        return replace(facts, active_after=active_after, used_before=True)
    return facts


def screening_facts(session: Session, out: Outgoing) -> ScreeningFacts:
    """Return what the lists say of where it goes and what is sent."""
    listed = chains.chain_asset(session, out.chain, out.amount.asset.code)
    return screening.facts_of(session, out.to_address, listed.contract)


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing policy looks at: how its facts are gathered, and the rules about them."""

    gather: Callable[[Session, Outgoing], Any]
    rules: tuple[Rule, ...]


CONCERNS: dict[str, Concern] = {
    "limits": Concern(limits.gather, limit_rules.RULES),
    "book": Concern(book_facts, book_rules.RULES),
    "screening": Concern(screening_facts, screening_rules.RULES),
}


def judge(session: Session, out: Outgoing) -> Judgement:
    """Judge a withdrawal, and keep the decision with its facts and the version of the rules.

    What its account's limits allow is reserved for it; `free` gives that back.
    """
    facts = {name: gathered(session, name, out) for name in CONCERNS}
    judgement = rules.judge(facts, {name: concern.rules for name, concern in CONCERNS.items()})
    record(session, out, facts, judgement)
    return judgement


def gathered(session: Session, name: str, out: Outgoing) -> Any:
    """Return the facts of a concern; a failure leaves no trace in the database and is a fact.

    Raises DBAPIError only when the database itself went away.
    """
    try:
        with session.begin_nested():
            return CONCERNS[name].gather(session, out)
    except Exception as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise  # the database is away: nothing can be decided, and nothing was
        log.exception("policy.gather_failed", concern=name, withdrawal=out.id)
        return rules.Unknown()


def free(session: Session, withdrawal_id: str) -> None:
    """Give back what a withdrawal that was not paid has reserved of its limits."""
    limits.free(session, withdrawal_id)


def record(
    session: Session, out: Outgoing, facts: dict[str, Any], judgement: Judgement
) -> PolicyDecision:
    """Keep the decision."""
    decision = PolicyDecision(
        id=new_id("dec"),
        withdrawal_id=out.id,
        outcome=type(judgement).__name__.lower(),
        reason=None if isinstance(judgement, rules.Allow) else judgement.reason,
        rules_version=rules.VERSION,
        facts={name: written(part) for name, part in facts.items()},
    )
    session.add(decision)
    session.flush()
    journal.write(
        session,
        actor=journal.POLICY,
        action=f"withdrawal.{decision.outcome}",
        subject=out.id,
        reason=decision.reason,
        facts={"decision": decision.id, "rules": rules.VERSION},
    )
    return decision


def written(part: Any) -> Any:
    """Return facts as JSON can hold them."""
    if isinstance(part, rules.Unknown):
        return None
    return {
        name: value if value is None or isinstance(value, bool | int | tuple) else str(value)
        for name, value in asdict(part).items()
    }
