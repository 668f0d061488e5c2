"""What was found and turned out to be a payment after all is no question to a person any more."""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.inbox import rules
from gateway.inbox.service import locked, tell
from gateway.inbox.store import Decision

BY = "mizan rescan"
LESS = text("update inbox_arrival set units = :units where item_id = :item")


def less(session: Session, item_id: str, units: int, why: str) -> None:
    """Take units of the chain off an unattributed item that nobody decided about.

    With nothing left it is dismissed, with the reason. Raises NotFound.
    """
    item = locked(session, item_id)
    item.units = Decimal(int(item.units) - units)  # decimals round at 28 digits
    session.execute(LESS, {"item": item_id, "units": item.units})
    if item.units == 0:
        item.status, item.reason = rules.DISMISSED, why
        item.decided_at, item.decided_by = datetime.now(UTC), BY
        facts = Decision(item_id=item_id, decision=rules.DISMISSED, decided_by=BY, reason=why)
        session.add(facts)
        tell(session, item, rules.DISMISSED)
    session.flush()
