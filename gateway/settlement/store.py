"""The tables of closed days."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Mapped, mapped_column

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
