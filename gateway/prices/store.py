"""The tables of prices: policies, sources, what they said last, quotes, and how each price stands.

`price_policy` and `price_source` are written by the command line alone.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db


class PricePolicy(db.Base):
    """How the price of an asset is made; percentages of the median, and of the pin."""

    __tablename__ = "price_policy"

    asset: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    minimum: Mapped[int]
    spread_percent: Mapped[Decimal]
    pin: Mapped[Decimal | None]
    depeg_percent: Mapped[Decimal | None]
    set_by: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(server_default="now()")


class PriceSource(db.Base):
    """Who is asked: an exchange's ticker by its `symbol`, or a feed's contract on a chain."""

    __tablename__ = "price_source"

    id: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str]
    currency: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    symbol: Mapped[str | None]
    base_url: Mapped[str | None]
    chain: Mapped[str | None]
    contract: Mapped[bytes | None]
    sequencer: Mapped[bytes | None]
    age_seconds: Mapped[int]
    set_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class RateReading(db.Base):
    """What a source said last; `error` since `failing_since` when it is away or lies."""

    __tablename__ = "rate_reading"

    source_id: Mapped[str] = mapped_column(ForeignKey("price_source.id"), primary_key=True)
    rate: Mapped[Decimal | None]
    said_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    tried_at: Mapped[datetime]
    error: Mapped[str | None]
    failing_since: Mapped[datetime | None]


class RateQuote(db.Base):
    """A price with the readings it was made of; never changed."""

    __tablename__ = "rate_quote"

    id: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str]
    currency: Mapped[str]
    rate: Mapped[Decimal]
    source: Mapped[str]
    at: Mapped[datetime]
    readings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class RateState(db.Base):
    """How a price stands: its quote counts until `expires_at`, or `refusal` says why none does."""

    __tablename__ = "rate_state"

    asset: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    quote_id: Mapped[str | None] = mapped_column(ForeignKey("rate_quote.id"))
    expires_at: Mapped[datetime | None]
    refusal: Mapped[str | None]
    detail: Mapped[str | None]
    judged_at: Mapped[datetime]


def policies(session: Session) -> list[PricePolicy]:
    """Return every policy, by asset."""
    return list(session.scalars(select(PricePolicy).order_by(PricePolicy.asset)))


def sources(session: Session) -> list[tuple[PriceSource, RateReading | None]]:
    """Return every source with what it said last, by asset and name."""
    query = select(PriceSource, RateReading).outerjoin(
        RateReading, RateReading.source_id == PriceSource.id
    )
    query = query.order_by(PriceSource.asset, PriceSource.currency, PriceSource.name)
    found = session.execute(query.execution_options(populate_existing=True))
    return [(row[0], row[1]) for row in found]
