"""The table of transfers."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Mapped, mapped_column

from gateway import db


class Transfer(db.Base):
    """Money that moved from one account to another."""

    __tablename__ = "transfer"

    id: Mapped[str] = mapped_column(primary_key=True)
    from_account: Mapped[str]
    to_account: Mapped[str]
    asset: Mapped[str]
    amount: Mapped[Decimal]
    memo: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
