"""The table of decisions of people, policy and signers."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway import db


class Entry(db.Base):
    """One decision; never changed."""

    __tablename__ = "journal"

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default="now()")
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    reason: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
