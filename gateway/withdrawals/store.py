"""The table of withdrawals."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.sending.store import Intent  # noqa: F401 - the foreign key's table must be mapped


class Withdrawal(db.Base):
    """Money on its way out; `amount` goes to the recipient, `fee` comes on top."""

    __tablename__ = "withdrawal"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    chain: Mapped[str]
    asset: Mapped[str]
    to_address: Mapped[bytes]
    amount: Mapped[Decimal]
    fee: Mapped[Decimal]
    status: Mapped[str]
    held_reason: Mapped[str | None]
    waiting_reason: Mapped[str | None]
    failure_reason: Mapped[str | None]
    failure_detail: Mapped[str | None]
    not_before: Mapped[datetime | None]
    requested_by: Mapped[str]
    decided_by: Mapped[str | None]
    refund_id: Mapped[str | None]
    intent_id: Mapped[str | None] = mapped_column(ForeignKey("intent.id"))
    tx_hash: Mapped[bytes | None]
    block_number: Mapped[int | None]
    confirmations: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


def lock(session: Session, withdrawal_id: str) -> Withdrawal | None:
    """Return the row, locked, as it is now."""
    return session.get(Withdrawal, withdrawal_id, with_for_update=True, populate_existing=True)


def of_intent(session: Session, intent_id: str, *, locked: bool = False) -> list[Withdrawal]:
    """Return what an intent pays, in the order of its payments."""
    query = select(Withdrawal).where(Withdrawal.intent_id == intent_id).order_by(Withdrawal.id)
    if locked:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(query))
