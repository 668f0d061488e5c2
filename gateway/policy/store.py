"""The table of decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway import db


class PolicyDecision(db.Base):
    """What was decided about a withdrawal, on which facts, by which version of the rules."""

    __tablename__ = "policy_decision"

    id: Mapped[str] = mapped_column(primary_key=True)
    withdrawal_id: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    rules_version: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
