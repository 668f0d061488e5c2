"""Switches: everything that leaves, a chain, an asset, one side of an account.

Placing one works at once and needs one operator. Lifting the switch that stops everything needs
another operator than the one who placed it. What is stopped waits and says so; nothing fails.
"""

from datetime import UTC, datetime

import structlog
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway import bell
from gateway.accounts import service as accounts
from gateway.chain import store as chains
from gateway.errors import Conflict, Forbidden, NotFound
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.pauses.store import Pause

ALL, CHAIN, ASSET, ACCOUNT = "all", "chain", "asset", "account"
DEBIT, CREDIT = "debit", "credit"
STOPPED = text("""
    select scope from pause where lifted_at is null and (scope = 'all'
        or (scope = 'chain' and subject = :chain) or (scope = 'asset' and subject = :asset))
    order by scope limit 1
""")

log = structlog.get_logger()


def stopped(session: Session, chain: str, asset: str) -> str | None:
    """Return why nothing of an asset may leave by a chain now, such as "paused_chain"; or None."""
    scope = session.execute(STOPPED, {"chain": chain, "asset": asset}).scalar_one_or_none()
    return None if scope is None else f"paused_{scope}"


def place(
    session: Session, *, scope: str, subject: str, side: str | None, reason: str, by: str
) -> Pause:
    """Stop what leaves, or one side of an account. Raises Conflict if that is stopped already,
    and what the subject's room raises when there is no such chain, asset or account.
    """
    pause = Pause(
        id=new_id("pau"),
        scope=scope,
        subject=named(session, scope, subject),
        side=side,
        reason=reason,
        placed_by=by,
    )
    try:
        with session.begin_nested():
            session.add(pause)
    except IntegrityError as error:
        raise Conflict("this is paused already", code="already_paused") from error
    set_side(session, pause, stop=True)
    write(session, pause, "pause.placed", by)
    session.refresh(pause)
    return pause


def named(session: Session, scope: str, subject: str) -> str:
    """Return the id of what is paused; raises as its room does."""
    if scope == CHAIN:
        return chains.chain(session, subject).id
    if scope == ASSET:
        return ledger.asset(session, subject).code
    if scope == ACCOUNT:
        return accounts.get(session, subject).id
    return ""


def lift(session: Session, pause_id: str, *, by: str) -> Pause:
    """Let it move again. Raises NotFound, Conflict if it is lifted, and Forbidden when who stopped
    everything would start it alone.
    """
    pause = session.get(Pause, pause_id, with_for_update=True)
    if pause is None:
        raise NotFound("no such pause")
    if pause.lifted_at is not None:
        raise Conflict("this pause is lifted", code="wrong_state")
    if pause.scope == ALL and pause.placed_by == by:
        raise Forbidden("another operator must start everything again", code="same_person")
    pause.lifted_by, pause.lifted_at = by, datetime.now(UTC)
    session.flush()
    set_side(session, pause, stop=False)
    write(session, pause, "pause.lifted", by)
    for chain in chains.chains(session):
        bell.ring(session, "pay", chain.id)
    return pause


def set_side(session: Session, pause: Pause, *, stop: bool) -> None:
    """Freeze or free the side of an account."""
    if pause.side == DEBIT:
        (accounts.freeze if stop else accounts.unfreeze)(session, pause.subject)
    elif pause.side == CREDIT:
        accounts.freeze_credit(session, pause.subject, stop)


def write(session: Session, pause: Pause, action: str, by: str) -> None:
    """Write it into the journal and the log."""
    facts = {"scope": pause.scope, "subject": pause.subject, "side": pause.side}
    journal.write(
        session, actor=by, action=action, subject=pause.id, reason=pause.reason, facts=facts
    )
    log.warning(action, pause=pause.id, **facts)
