"""A new list may name somebody whom money is about to go to: hold what is not signed."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.holds import service as cases
from gateway.withdrawals import rules
from gateway.withdrawals.service import get, locked, step, take_out
from gateway.withdrawals.store import Withdrawal

REVIEW = "policy_review"
"""What its owner is told; why stands in the case."""
LISTED = text("""
    select w.id from withdrawal w where w.chain = :chain and w.status = 'approved'
        and exists (select from watched_address a
                    where a.address = w.to_address and a.kind = 'addresses')
    order by w.id
""")


def hold_listed(session: Session, chain: str) -> list[Withdrawal]:
    """Hold approved withdrawals to listed addresses, out of their plans unless those are signed."""
    found = list(session.scalars(LISTED, {"chain": chain}))
    if not found:
        return []
    take_out(session, [get(session, withdrawal_id) for withdrawal_id in found])
    held = []
    for withdrawal_id in found:
        row = locked(session, withdrawal_id)
        if row.status != rules.APPROVED or row.intent_id is not None:
            continue
        row.held_reason, row.waiting_reason = REVIEW, None
        step(session, row, "hold")
        cases.open_case(
            session,
            kind=cases.WITHDRAWAL,
            subject=row.id,
            account_id=row.account_id,
            reason="listed_address",
        )
        held.append(row)
    return held
