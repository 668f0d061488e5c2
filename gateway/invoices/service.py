"""Open and find invoices; the other verbs of the room are named here for its callers."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.errors import Conflict, NotFound
from gateway.ids import new_id
from gateway.invoices import offer
from gateway.invoices.facts import Facts, load
from gateway.invoices.offer import offers
from gateway.invoices.refund import refund_ended
from gateway.invoices.rules import EXPIRES_SECONDS_DEFAULT
from gateway.invoices.settle import expire_due, payment_changed, void
from gateway.invoices.store import Invoice, currency
from gateway.money import Money

__all__ = [
    "Order",
    "expire_due",
    "find",
    "get",
    "offers",
    "open_invoice",
    "payment_changed",
    "refund_ended",
    "void",
]

log = get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """What a merchant asks for; two equal orders under one order_id are one invoice."""

    price: Money
    order_id: str | None = None
    assets: tuple[tuple[str, str], ...] | None = None
    expires_in: int = EXPIRES_SECONDS_DEFAULT
    title: str | None = None
    success_url: str | None = None
    link_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """What makes two orders the same."""
        facts = (
            self.price.units,
            self.price.asset.code,
            self.assets,
            self.expires_in,
            self.title,
            self.success_url,
            self.metadata,
        )
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).digest()


def price(session: Session, amount: str, code: str) -> Money:
    """Read an amount in USD or in an asset; raises UnknownAsset or InvalidAmount."""
    return Money.parse(amount, currency(session, code))


def open_invoice(session: Session, *, account_id: str, order: Order) -> tuple[Facts, bool]:
    """Open an invoice with its own address on every chain; True if it is new.

    The same order again returns the invoice it made before. Raises Conflict when the order_id was
    used for another order, DependencyAway without a rate, UnknownChain, UnknownAsset, Refused.
    """
    known = ordered(session, account_id, order)
    if known is not None:
        return known, False
    offered = offer.quotes(session, order.price, order.assets)
    invoice = insert_once(session, account_id, order)
    if invoice is None:
        known = ordered(session, account_id, order)
        assert known is not None, "the row that was in the way is there"
        return known, False
    offer.attach(session, invoice, offered)
    log.info("invoice.opened", invoice_id=invoice.id, account_id=account_id)
    return load(session, [invoice])[0], True


def ordered(session: Session, account_id: str, order: Order) -> Facts | None:
    """Return the invoice of the same order; raises Conflict for another order of that id."""
    if order.order_id is None:
        return None
    found = session.scalar(
        select(Invoice).where(Invoice.account_id == account_id, Invoice.order_id == order.order_id)
    )
    if found is None:
        return None
    if found.request_hash != order.digest:
        raise Conflict("this order_id has an invoice with another body", code="order_id_taken")
    return load(session, [found])[0]


def insert_once(session: Session, account_id: str, order: Order) -> Invoice | None:
    """Insert the invoice's row; None when the same order_id won a race."""
    now = datetime.now(UTC)
    made: Invoice | None = session.scalar(
        insert(Invoice)
        .values(
            id=new_id("inv"),
            account_id=account_id,
            link_id=order.link_id,
            order_id=order.order_id,
            request_hash=order.digest,
            title=order.title,
            currency=order.price.asset.code,
            amount=order.price.units,
            expires_at=now + timedelta(seconds=order.expires_in),
            success_url=order.success_url,
            details=order.metadata,
        )
        .on_conflict_do_nothing(constraint="invoice_order")
        .returning(Invoice)
    )
    return made


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
