"""The tables of payment links, invoices, their options and payments, and refunds."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.ledger import service as ledger
from gateway.money import USD, Asset, Money


class PaymentLink(db.Base):
    """A page that makes an invoice for whoever opens it and wants to pay."""

    __tablename__ = "payment_link"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    title: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Decimal | None]
    assets: Mapped[list[dict[str, str]] | None] = mapped_column(JSONB(none_as_null=True))
    success_url: Mapped[str | None]
    max_uses: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    details: Mapped[dict[str, str]] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Invoice(db.Base):
    """A price asked of one payer; `status` to `amount_credited` are rules.outcome(), stored."""

    __tablename__ = "invoice"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    link_id: Mapped[str | None] = mapped_column(ForeignKey("payment_link.id"))
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


class Refund(db.Base):
    """Money of an invoice on its way back; a withdrawal carries it."""

    __tablename__ = "refund"

    id: Mapped[str] = mapped_column(primary_key=True)
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    currency: Mapped[str]
    currency_amount: Mapped[Decimal]
    chain: Mapped[str]
    asset: Mapped[str]
    amount: Mapped[Decimal]
    to_address: Mapped[bytes]
    withdrawal_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="pending")
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
    ended_at: Mapped[datetime | None]


def currency(session: Session, code: str) -> Asset:
    """Return what an amount in `code` is made of: US cents, or an asset; raises UnknownAsset."""
    return USD if code == USD.code else ledger.asset(session, code)


def asked(session: Session, link: PaymentLink) -> Money | None:
    """Return the link's amount, None if the payer chooses."""
    if link.amount is None:
        return None
    return Money(int(link.amount), currency(session, link.currency))


def options_of(session: Session, ids: Sequence[str]) -> list[InvoiceOption]:
    """Return the options of some invoices, as a payer sees them."""
    query = select(InvoiceOption).where(InvoiceOption.invoice_id.in_(ids))
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
