"""The tables of payout schedules and of payouts."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.book.store import BookEntry  # noqa: F401 - the foreign key's table must be mapped
from gateway.withdrawals.store import Withdrawal


class PayoutSchedule(db.Base):
    """When what an account has of an asset goes to an address of its book; one for each chain."""

    __tablename__ = "payout_schedule"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    chain: Mapped[str]
    asset: Mapped[str]
    entry_id: Mapped[str] = mapped_column(ForeignKey("address_book.id"))
    every: Mapped[str]
    day: Mapped[int]
    hour: Mapped[int]
    minimum: Mapped[Decimal]
    keep: Mapped[Decimal]
    active: Mapped[bool]
    next_at: Mapped[datetime]
    set_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Payout(db.Base):
    """A payout: it waits, or a withdrawal carries it. `due_at` names the time of its schedule."""

    __tablename__ = "payout"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    chain: Mapped[str]
    asset: Mapped[str]
    entry_id: Mapped[str] = mapped_column(ForeignKey("address_book.id"))
    to_address: Mapped[bytes]
    amount: Mapped[Decimal | None]
    status: Mapped[str]
    waiting_reason: Mapped[str | None]
    retry_at: Mapped[datetime] = mapped_column(server_default="now()")
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("payout_schedule.id"))
    due_at: Mapped[datetime | None]
    withdrawal_id: Mapped[str | None] = mapped_column(ForeignKey("withdrawal.id"))
    requested_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
    ended_at: Mapped[datetime | None]


def due_schedules(session: Session, now: datetime, most: int) -> list[str]:
    """Return the schedules whose time has come, the one due longest first."""
    query = select(PayoutSchedule.id).where(PayoutSchedule.active, PayoutSchedule.next_at <= now)
    return list(session.scalars(query.order_by(PayoutSchedule.next_at).limit(most)))


def waiting(session: Session, now: datetime, most: int) -> list[str]:
    """Return the payouts that wait and may be tried again."""
    query = select(Payout.id).where(Payout.status == "waiting", Payout.retry_at <= now)
    return list(session.scalars(query.order_by(Payout.retry_at).limit(most)))


def ended(session: Session, now: datetime, most: int) -> list[str]:
    """Return the payouts whose withdrawal ended by `now` and that do not say so yet."""
    query = (
        select(Payout.id)
        .join(Withdrawal, Withdrawal.id == Payout.withdrawal_id)
        .where(Payout.status == "pending", Withdrawal.ended_at <= now)
    )
    return list(session.scalars(query.limit(most)))


def claimed(session: Session, payout_id: str) -> Payout | None:
    """Return the payout, locked; None while somebody else has it."""
    query = select(Payout).where(Payout.id == payout_id).with_for_update(skip_locked=True)
    return session.scalar(query.execution_options(populate_existing=True))


def claimed_schedule(session: Session, schedule_id: str) -> PayoutSchedule | None:
    """Return the schedule, locked; None while somebody else has it."""
    query = select(PayoutSchedule).where(PayoutSchedule.id == schedule_id)
    query = query.with_for_update(skip_locked=True)
    return session.scalar(query.execution_options(populate_existing=True))
