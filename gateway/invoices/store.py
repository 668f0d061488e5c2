"""The tables of payment links, invoices, their options and payments, and merchants' terms."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.ledger import service as ledger
from gateway.money import USD, Asset

# What did not arrive is the merchant's again.
# Fixed when a refund is first heard of, under the invoice's lock.
MARK = text("""
    update refund set before_paid = :unpaid where invoice_id = :id and before_paid is null
""")
RETURNED = text("""
    select coalesce(sum(currency_amount), 0) from refund where invoice_id = :id and before_paid
        and deposit_id is null
        and status not in ('failed', 'rejected', 'cancelled', 'expired')
""")


class Invoice(db.Base):
    """A price asked of one payer; `status` to `amount_credited` are rules.outcome(), stored."""

    __tablename__ = "invoice"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    link_id: Mapped[str | None]
    """The payment link it came from: a room above this one."""
    quantity: Mapped[int | None]
    order_id: Mapped[str | None]
    request_hash: Mapped[bytes]
    title: Mapped[str | None]
    currency: Mapped[str]
    amount: Mapped[Decimal]
    status: Mapped[str]
    paid_state: Mapped[str]
    late: Mapped[bool]
    amount_paid: Mapped[Decimal]
    amount_credited: Mapped[Decimal]
    expires_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    success_url: Mapped[str | None]
    details: Mapped[dict[str, str]] = mapped_column("metadata", JSONB)
    created_at: Mapped[datetime]
    under_tolerance: Mapped[Decimal] = mapped_column(server_default="0")
    over_tolerance: Mapped[Decimal] = mapped_column(server_default="0")
    late_percent: Mapped[Decimal | None]
    late_hours: Mapped[int | None]
    late_else: Mapped[str] = mapped_column(server_default="credit")
    late_action: Mapped[str | None]
    reverted_at: Mapped[datetime | None]
    requoted_at: Mapped[datetime | None]
    amount_returned: Mapped[Decimal] = mapped_column(server_default="0")
    """What went back before the invoice was paid: it has to come once more."""


class InvoiceOption(db.Base):
    """One way to pay an invoice, with the rate it was quoted at."""

    __tablename__ = "invoice_option"

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str]
    asset: Mapped[str]
    address: Mapped[bytes]
    amount: Mapped[Decimal]
    minimum: Mapped[Decimal] = mapped_column(server_default="1")
    places: Mapped[int]
    rate: Mapped[Decimal]
    rate_source: Mapped[str]
    rate_at: Mapped[datetime]
    rate_quote_id: Mapped[str | None]
    dropped_at: Mapped[datetime | None]
    """Since when a new quote left it out: it had no price, or nobody served it."""


class InvoicePayment(db.Base):
    """A deposit to an invoice's address, as deposits told of it last."""

    __tablename__ = "invoice_payment"

    deposit_id: Mapped[str] = mapped_column(primary_key=True)
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"))
    chain: Mapped[str]
    asset: Mapped[str]
    amount: Mapped[Decimal]
    status: Mapped[str]
    tx_hash: Mapped[bytes]
    from_address: Mapped[bytes | None]
    block_number: Mapped[int | None]
    seen_at: Mapped[datetime]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    heard_at: Mapped[datetime | None]
    rate: Mapped[Decimal | None]
    rate_missed_at: Mapped[datetime | None]
    """When the rate was asked for first and nobody knew it."""
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None]
    counted_rate: Mapped[Decimal | None]
    counted_source: Mapped[str | None]
    counted_at: Mapped[datetime | None]
    refund_id: Mapped[str | None]
    """The refund that carries it back whole."""


class CheckoutTerms(db.Base):
    """What a merchant does without and how late it takes money; amounts are US cents."""

    __tablename__ = "checkout_terms"

    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), primary_key=True)
    under_percent: Mapped[Decimal]
    under_amount: Mapped[Decimal]
    over_percent: Mapped[Decimal]
    over_amount: Mapped[Decimal]
    late_percent: Mapped[Decimal | None]
    late_hours: Mapped[int | None]
    late_else: Mapped[str]
    support_url: Mapped[str | None]
    """Where payers ask the merchant; no term of any invoice."""
    changed_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default="now()")


def currency(session: Session, code: str) -> Asset:
    """Return what an amount in `code` is made of: US cents, or an asset; raises UnknownAsset."""
    return USD if code == USD.code else ledger.asset(session, code)


def options_of(
    session: Session, ids: Sequence[str], *, dropped: bool = False
) -> list[InvoiceOption]:
    """Return the options of some invoices, as a payer sees them; or `dropped` ones, too."""
    query = select(InvoiceOption).where(InvoiceOption.invoice_id.in_(ids))
    if not dropped:
        query = query.where(InvoiceOption.dropped_at.is_(None))
    return list(session.scalars(query.order_by(InvoiceOption.invoice_id, InvoiceOption.position)))


def payments_of(session: Session, ids: Sequence[str]) -> list[InvoicePayment]:
    """Return the payments of some invoices, oldest first, fresh from the table."""
    query = select(InvoicePayment).where(InvoicePayment.invoice_id.in_(ids))
    query = query.order_by(InvoicePayment.deposit_id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def locked(session: Session, invoice_id: str) -> Invoice | None:
    """Return the invoice for change; rows that only refer to it are not kept waiting."""
    query = select(Invoice).where(Invoice.id == invoice_id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalar(query)


def returned(session: Session, invoice_id: str, *, unpaid: bool) -> int:
    """Return what of a locked invoice goes back since before it was paid, in base units.

    `unpaid` is what it is now: refunds promised from now on are marked with it.
    """
    session.execute(MARK, {"id": invoice_id, "unpaid": unpaid})
    return int(session.execute(RETURNED, {"id": invoice_id}).scalar_one())
