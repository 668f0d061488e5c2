"""What is held for a person: why, since when, until when, who looks at it, how it ended."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.errors import Conflict, NotFound
from gateway.holds.store import HeldCase
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.settings import settings

WITHDRAWAL, DEPOSIT = "withdrawal", "deposit"
OPEN, APPROVED, REJECTED, EXPIRED, CLOSED = "open", "approved", "rejected", "expired", "closed"


def open_case(
    session: Session, *, kind: str, subject: str, account_id: str, reason: str
) -> HeldCase:
    """Hold something for a person. What leaves is rejected by itself when nobody decides; what
    arrived is kept until somebody does.
    """
    days = settings().hold_days
    case = HeldCase(
        id=new_id("hold"),
        kind=kind,
        subject=subject,
        account_id=account_id,
        reason=reason,
        ends_at=datetime.now(UTC) + timedelta(days=days) if kind == WITHDRAWAL else None,
    )
    session.add(case)
    session.flush()
    facts = {"kind": kind, "subject": subject}
    journal.write(
        session,
        actor=journal.POLICY,
        action="hold.opened",
        subject=case.id,
        reason=reason,
        facts=facts,
    )
    return case


def close(
    session: Session, subject: str, status: str, *, by: str, note: str | None = None
) -> HeldCase | None:
    """End the open case of a subject as it was decided; None if there is none."""
    query = select(HeldCase).where(HeldCase.subject == subject, HeldCase.status == OPEN)
    case = session.scalar(query.with_for_update())
    if case is None:
        return None
    case.status, case.decided_by, case.decided_at = status, by, datetime.now(UTC)
    case.note = note or case.note
    session.flush()
    journal.write(
        session,
        actor=by,
        action=f"hold.{status}",
        subject=case.id,
        reason=case.note,
        facts={"kind": case.kind, "subject": case.subject},
    )
    return case


def get(session: Session, case_id: str) -> HeldCase:
    """Return a case; raises NotFound."""
    case = session.get(HeldCase, case_id)
    if case is None:
        raise NotFound("no such hold")
    return case


def undecided(session: Session, case_id: str) -> HeldCase:
    """Return a case that waits for a decision; raises NotFound, Conflict."""
    case = get(session, case_id)
    if case.status != OPEN:
        raise Conflict(f"this hold is {case.status}", code="wrong_state")
    return case


def take(session: Session, case_id: str, *, by: str) -> HeldCase:
    """Say who looks at a case. Raises NotFound, Conflict when it is decided."""
    case = undecided(session, case_id)
    case.owner = by
    session.flush()
    journal.write(session, actor=by, action="hold.taken", subject=case.id)
    return case


def overdue(session: Session, most: int) -> list[HeldCase]:
    """Return cases whose time is over, the oldest first."""
    query = select(HeldCase).where(HeldCase.status == OPEN, HeldCase.ends_at <= datetime.now(UTC))
    return list(session.scalars(query.order_by(HeldCase.ends_at).limit(most)))
