"""What a payer can still do once the time is over: a new quote, or the link's next invoice."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from gateway.errors import Conflict, Refused
from gateway.invoices import requote
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts
from gateway.links import service as links


def quotable(session: Session, facts: Facts) -> bool:
    """True if a new quote would be given now, as far as can be told before rates are asked."""
    if not requote.possible(facts, datetime.now(UTC)):
        return False
    try:
        check(session, facts)
    except (Conflict, Refused):
        return False
    return True


def startable(session: Session, facts: Facts) -> bool:
    """True if the link that an ended invoice came from would make another one now."""
    row = facts.invoice
    if row.status != "expired" or row.link_id is None:
        return False
    return links.status(session, links.get(session, row.link_id)) == "active"


def check(session: Session, facts: Facts, *, lock: bool = False) -> None:
    """Raise Conflict where the invoice's link is closed, Refused where nothing that could pay it is
    served any more.
    """
    row = facts.invoice
    if row.link_id is not None:
        links.refuse_closed(session, links.get(session, row.link_id, lock=lock))
    requote.served(session, facts)


def quote_again(session: Session, invoice_id: str) -> None:
    """Quote it anew unless it is open or paid by now. Raises as `check` and requote().

    An expired invoice gave its use of a link back, so it takes one again, before another payer.
    """
    facts = invoices.get(session, invoice_id)
    if facts.invoice.status in ("open", "processing", "paid"):
        return
    check(session, facts, lock=True)
    requote.requote(session, invoice_id)
