"""The tables of closed days, and one frozen view of everything for reports."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db


class Settlement(db.Base):
    """One merchant's day in one asset, closed."""

    __tablename__ = "settlement"

    id: Mapped[str] = mapped_column(primary_key=True)
    date: Mapped[date]
    account_id: Mapped[str]
    asset: Mapped[str]
    gross: Mapped[Decimal]
    fees: Mapped[Decimal]
    refunds: Mapped[Decimal]
    net: Mapped[Decimal]
    payouts: Mapped[Decimal]
    opening_balance: Mapped[Decimal]
    closing_balance: Mapped[Decimal]
    count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


@contextmanager
def snapshot() -> Iterator[Session]:
    """Give a session in which every query sees the same moment, for sums that must agree."""
    with db.new_session() as session:
        session.connection(
            execution_options={
                "isolation_level": "REPEATABLE READ",
                "postgresql_readonly": True,
            }
        )
        yield session
        session.rollback()
