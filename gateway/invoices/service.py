"""Open and find invoices; the other verbs of the room are named here for its callers."""

from sqlalchemy.orm import Session
from structlog import get_logger

from gateway import db
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.invoices import opening
from gateway.invoices.accept import accept
from gateway.invoices.facts import Facts, load
from gateway.invoices.offer import offers
from gateway.invoices.order import Order
from gateway.invoices.settle import (
    expire_due,
    not_sent_back,
    payment_changed,
    refund_changed,
    send_back,
    void,
    weigh_again,
)
from gateway.invoices.store import Invoice, currency
from gateway.invoices.unexpected import unexpected
from gateway.money import Money

__all__ = [
    "Order",
    "accept",
    "expire_due",
    "find",
    "get",
    "not_sent_back",
    "offers",
    "open_invoice",
    "payment_changed",
    "refund_changed",
    "send_back",
    "unexpected",
    "void",
    "weigh_again",
]

ORDERED = "select id from invoice where account_id = %s and order_id = %s"

log = get_logger()


def price(session: Session, amount: str, code: str) -> Money:
    """Read an amount in USD or in an asset; raises UnknownAsset or InvalidAmount."""
    return Money.parse(amount, currency(session, code))


def open_invoice(session: Session, *, account_id: str, order: Order) -> tuple[Facts, bool]:
    """Open an invoice with its own address on every chain; True if it is new.

    The same order again returns the invoice it made before. Raises Conflict when the order_id was
    used for another order, DependencyAway without a rate, UnknownChain, UnknownAsset, Refused.
    """
    try:
        facts = opening.opened(session, account_id, order)
    except GatewayError:  # what could be opened once is there, whatever is away now
        if (known := ordered(session, account_id, order)) is None:
            raise
        return known, False
    if facts is None:
        known = ordered(session, account_id, order)
        assert known is not None, "the row that was in the way is there"
        return known, False
    log.info("invoice.opened", invoice_id=facts.invoice.id, account_id=account_id)
    return facts, True


def ordered(session: Session, account_id: str, order: Order) -> Facts | None:
    """Return the invoice of the same order; raises Conflict for another order of that id."""
    row = db.ask(session, ORDERED, (account_id, order.order_id)).fetchone()
    if row is None:
        return None
    found = session.get_one(Invoice, row[0], populate_existing=True)
    if found.request_hash != order.digest:
        raise Conflict("this order_id has an invoice with another body", code="order_id_taken")
    return load(session, [found])[0]


def find(session: Session, invoice_id: str) -> Facts | None:
    """Return an invoice with its facts, None if there is none."""
    found = session.get(Invoice, invoice_id)
    return load(session, [found])[0] if found else None


def get(session: Session, invoice_id: str) -> Facts:
    """Return an invoice with its facts; raises NotFound."""
    facts = find(session, invoice_id)
    if facts is None:
        raise NotFound("no such invoice")
    return facts
