"""The table of refunds."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.invoices.store import Invoice  # noqa: F401 - the foreign key's table must be mapped
from gateway.refunds import rules


class Refund(db.Base):
    """Money of an invoice on its way back; a withdrawal carries it once its place is known."""

    __tablename__ = "refund"

    id: Mapped[str] = mapped_column(primary_key=True)
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str] = mapped_column(default="partial")
    currency: Mapped[str]
    currency_amount: Mapped[Decimal]
    chain: Mapped[str]
    asset: Mapped[str]
    amount: Mapped[Decimal]
    rate_kind: Mapped[str] = mapped_column(default="quote")
    rate: Mapped[Decimal | None]
    rate_source: Mapped[str | None]
    rate_at: Mapped[datetime | None]
    to_address: Mapped[bytes | None]
    requested_by: Mapped[str | None]
    deposit_id: Mapped[str | None]
    """The payment that goes back whole; None: an amount of the invoice."""
    withdrawal_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(default=rules.PENDING)
    token_hash: Mapped[bytes | None]
    sender: Mapped[bytes | None]
    refusals: Mapped[int] = mapped_column(default=0)
    refusal: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
    ended_at: Mapped[datetime | None]


def alone(session: Session, invoice_id: str) -> None:
    """Let no other refund of the invoice be decided until the commit.

    An advisory lock, not the row's: a deposit being credited holds the merchant's ledger account
    and waits for the row, a refund needs that ledger account.
    """
    session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"refund {invoice_id}"},
    )


def refunded(session: Session, invoice_id: str, *, besides: str | None = None) -> int:
    """Return what is on its way back, promised or there, in base units of the invoice's currency.

    A payment that goes back whole is no money of the invoice, and so not among it. `besides` leaves
    one refund out.
    """
    query = select(func.coalesce(func.sum(Refund.currency_amount), 0)).where(
        Refund.invoice_id == invoice_id,
        Refund.status.in_(rules.COUNTED),
        Refund.deposit_id.is_(None),
    )
    if besides is not None:
        query = query.where(Refund.id != besides)
    return int(session.scalar(query) or 0)


def locked(session: Session, refund_id: str) -> Refund | None:
    """Return the row, locked, as it is now."""
    return session.get(Refund, refund_id, with_for_update=True, populate_existing=True)
