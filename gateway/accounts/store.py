"""The tables of accounts and API keys."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import Text

from gateway import db


class Account(db.Base):
    """A person or a merchant of the platform."""

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(primary_key=True)
    handle: Mapped[str]
    kind: Mapped[str]
    external_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="active")
    credit_frozen: Mapped[bool] = mapped_column(default=False)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class ApiKey(db.Base):
    """A key that acts for an account, or for the house when it has none."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    hash: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
    revoked_at: Mapped[datetime | None]


def find(session: Session, name: str) -> Account | None:
    """Return the account by id or by @handle."""
    if name.startswith("@"):
        return session.scalar(select(Account).where(Account.handle == name[1:].lower()))
    return session.get(Account, name)
