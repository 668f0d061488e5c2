"""Rates as the API shows them."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from gateway.prices.store import PriceSource, RateQuote, RateReading
from gateway.web.shapes import Time

Status = Literal["ok", "away", "disagreement", "depegged", "unpriced"]
REFUSALS: dict[str | None, Status] = {
    "rate_source_away": "away",
    "rate_disagreement": "disagreement",
    "rate_depegged": "depegged",
}


class SourceShape(BaseModel):
    """A source: what it said last, when it says that was, and what is wrong with it now."""

    source: str
    kind: str
    rate: str | None
    said_at: Annotated[Time | None, Field(description="the time the source gives its rate")]
    read_at: Time | None
    fresh: Annotated[bool, Field(description="young enough to count")]
    error: str | None
    failing_since: Time | None

    @classmethod
    def of(cls, source: PriceSource, row: RateReading | None, *, fresh: bool) -> Self:
        """Show a source."""
        return cls(
            source=source.name,
            kind=source.kind,
            rate=f"{row.rate.normalize():f}" if row and row.rate is not None else None,
            said_at=row.said_at if row else None,
            read_at=row.read_at if row else None,
            fresh=fresh,
            error=row.error if row else None,
            failing_since=row.failing_since if row else None,
        )


class RateShape(BaseModel):
    """What one unit of an asset costs now; `rate` is null while nobody knows.

    `detail` says why there is none. Without `sources` the price is fixed by the operator.
    """

    asset: str
    currency: str
    status: Status
    rate: str | None
    source: Annotated[str | None, Field(examples=["median(bitstamp,coinbase,kraken)"])]
    at: Time | None
    expires_at: Annotated[Time | None, Field(description="null: it does not run out")]
    quote: Annotated[str | None, Field(description="the stored quote's id")]
    detail: str | None
    sources: list[SourceShape]


class RateList(BaseModel):
    """The rate of every asset."""

    data: list[RateShape]


class QuoteReading(BaseModel):
    """What a source had said when a quote was made."""

    source: str
    rate: str
    said_at: Time
    read_at: Time


class QuoteShape(BaseModel):
    """A stored quote with the readings it was made of."""

    id: str
    asset: str
    currency: str
    rate: str
    source: str
    at: Time
    readings: list[QuoteReading]

    @classmethod
    def of(cls, row: RateQuote) -> Self:
        """Show a quote."""
        return cls.model_validate(
            {name: getattr(row, name) for name in cls.model_fields}
            | {"rate": f"{row.rate.normalize():f}"}
        )
