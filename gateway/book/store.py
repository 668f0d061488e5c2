"""The tables of addresses money may go to, of proofs asked for, and of whose book is required."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gateway import db


class BookEntry(db.Base):
    """An address an account sends to; it may be used after `active_after`."""

    __tablename__ = "address_book"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    chain: Mapped[str]
    address: Mapped[bytes]
    label: Mapped[str]
    active_after: Mapped[datetime]
    proven_at: Mapped[datetime | None]
    added_by: Mapped[str]
    removed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Challenge(db.Base):
    """A message whose signature proves an address; good once."""

    __tablename__ = "address_challenge"

    nonce: Mapped[str] = mapped_column(primary_key=True)
    entry_id: Mapped[str]
    message: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class BookRule(db.Base):
    """Whether an account's money goes to its book only, and from when on it need not."""

    __tablename__ = "address_book_rule"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    required: Mapped[bool]
    optional_from: Mapped[datetime | None]
    set_by: Mapped[str]
