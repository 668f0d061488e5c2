"""How every price stands, with its sources' health: for the API and the command line."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.ledger import service as ledger
from gateway.money import USD
from gateway.prices.fixed import fixed
from gateway.prices.reading import reading_of
from gateway.prices.shapes import REFUSALS, RateShape, SourceShape
from gateway.prices.store import (
    PricePolicy,
    PriceSource,
    RateQuote,
    RateReading,
    RateState,
    policies,
    sources,
)
from gateway.settings import settings

OLD = "what was read last is too old"
UNREAD = "no source was read yet"

Row = tuple[PricePolicy, RateState | None, RateQuote | None]


def every(session: Session) -> list[RateShape]:
    """Return the rate in US dollars of every asset, by code."""
    known = {policy.asset: policy for policy in policies(session) if policy.currency == USD.code}
    asked: dict[str, list[SourceShape]] = {}
    for source, row in sources(session):
        if source.currency == USD.code:
            asked.setdefault(source.asset, []).append(source_shape(source, row))
    return [
        made(session, known[asset.code], asked.get(asset.code, []))
        if asset.code in known
        else told(asset.code)
        for asset in ledger.assets(session)
    ]


def source_shape(source: PriceSource, row: RateReading | None) -> SourceShape:
    """Show a source with its health."""
    good = row is not None and row.rate is not None
    fresh = good and row is not None and reading_of(source, row).is_fresh(datetime.now(UTC))
    return SourceShape.of(source, row, fresh=fresh)


def told(asset: str) -> RateShape:
    """Show the price that settings fix, or that there is none."""
    rate = fixed(settings().fixed_prices).rate(asset, USD.code)
    return RateShape(
        asset=asset,
        currency=USD.code,
        status="ok" if rate else "unpriced",
        rate=f"{rate.rate.normalize():f}" if rate else None,
        source=rate.source if rate else None,
        at=rate.at if rate else None,
        expires_at=None,
        quote=None,
        detail=None if rate else "nothing prices it",
        sources=[],
    )


def made(session: Session, policy: PricePolicy, asked: list[SourceShape]) -> RateShape:
    """Show the price that sources make."""
    query = select(RateState).where(
        RateState.asset == policy.asset, RateState.currency == policy.currency
    )
    state = session.scalar(query.execution_options(populate_existing=True))
    quote = session.get(RateQuote, state.quote_id) if state and state.quote_id else None
    detail = UNREAD if state is None else state.detail
    if state is not None and state.expires_at and state.expires_at < datetime.now(UTC):
        detail = OLD
    good = quote is not None and detail is None
    refusal = state.refusal if state else None
    return RateShape(
        asset=policy.asset,
        currency=policy.currency,
        status="ok" if good else REFUSALS.get(refusal, "away"),
        rate=f"{quote.rate.normalize():f}" if good and quote else None,
        source=quote.source if good and quote else None,
        at=quote.at if good and quote else None,
        expires_at=state.expires_at if good and state else None,
        quote=quote.id if good and quote else None,
        detail=detail,
        sources=asked,
    )
