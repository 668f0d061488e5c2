"""The tables of lists and what stands in them."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gateway import db


class ListVersion(db.Base):
    """One content of a source's list, accepted or refused."""

    __tablename__ = "watchlist_version"

    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    kind: Mapped[str]
    sha256: Mapped[bytes]
    published: Mapped[str | None]
    fetched_at: Mapped[datetime] = mapped_column(server_default="now()")
    confirmed_at: Mapped[datetime] = mapped_column(server_default="now()")
    count: Mapped[int]
    accepted: Mapped[bool]
    refusal: Mapped[str | None]


class WatchAddress(db.Base):
    """An address in a version, and whose it is."""

    __tablename__ = "watch_address"

    version_id: Mapped[str] = mapped_column(ForeignKey("watchlist_version.id"), primary_key=True)
    address: Mapped[bytes] = mapped_column(primary_key=True)
    party: Mapped[str]
