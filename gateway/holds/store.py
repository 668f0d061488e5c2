"""The table of what is held for a person."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gateway import db


class HeldCase(db.Base):
    """Something a person must decide: a withdrawal that is held, a deposit that is kept."""

    __tablename__ = "held_case"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    account_id: Mapped[str]
    reason: Mapped[str]
    owner: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="open")
    ends_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
