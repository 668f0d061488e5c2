"""Approve or reject what is held, whatever it is."""

from sqlalchemy.orm import Session

from gateway.deposits import blocked
from gateway.deposits import service as deposits
from gateway.holds import service as holds
from gateway.holds.store import HeldCase
from gateway.refunds import service as refunds
from gateway.withdrawals import service as withdrawals


def approve(session: Session, case_id: str, *, by: str, note: str | None) -> HeldCase:
    """Let it go. Raises NotFound, Conflict (decided, or a list names the address), and Forbidden
    for who asked for it.
    """
    case = holds.undecided(session, case_id)
    case.note = note
    if case.kind == holds.DEPOSIT:
        head = deposits.head(session, case.subject)
        blocked.release(session, case.subject, head=head)
        holds.close(session, case.subject, holds.APPROVED, by=by, note=note)
    else:
        withdrawals.approve(session, case.subject, by=by)
    return holds.get(session, case_id)


def reject(session: Session, case_id: str, *, by: str, note: str | None) -> HeldCase:
    """Refuse it: the money of a withdrawal is free again, a deposit stays where it is kept apart.

    Raises NotFound, Conflict.
    """
    case = holds.undecided(session, case_id)
    case.note = note
    if case.kind == holds.DEPOSIT:
        holds.close(session, case.subject, holds.REJECTED, by=by, note=note)
        return holds.get(session, case_id)
    row = withdrawals.reject(session, case.subject, by=by)
    if row.refund_id is not None:
        refunds.refund_ended(
            session, refund_id=row.refund_id, withdrawal_id=row.id, status=row.status
        )
    return holds.get(session, case_id)
