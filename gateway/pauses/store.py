"""The table of switches."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gateway import db


class Pause(db.Base):
    """A switch that stops what leaves, or one side of an account."""

    __tablename__ = "pause"

    id: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str]
    subject: Mapped[str]
    side: Mapped[str | None]
    reason: Mapped[str]
    placed_by: Mapped[str]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
