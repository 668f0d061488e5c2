"""The tables of decisions, tiers and limits."""

from datetime import datetime
from decimal import Decimal
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


class AccountTier(db.Base):
    """How well an account is known since a moment, on what evidence, and who says so."""

    __tablename__ = "account_tier"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    tier: Mapped[int]
    valid_from: Mapped[datetime]
    evidence: Mapped[str]
    set_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class TierLimit(db.Base):
    """What a tier allows since a moment: dollars a day or month, a count, or without approval."""

    __tablename__ = "tier_limit"

    id: Mapped[str] = mapped_column(primary_key=True)
    tier: Mapped[int]
    kind: Mapped[str]
    amount: Mapped[Decimal]
    valid_from: Mapped[datetime]
    set_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
