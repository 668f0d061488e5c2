"""The rate of an asset, or a refusal: a price is never guessed."""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from gateway.errors import DependencyAway
from gateway.money import Money
from gateway.prices.fixed import fixed
from gateway.prices.port import Rate, Source
from gateway.settings import settings


def sources(_: Session) -> list[Source]:
    """Return the sources in order of preference; a quoted one will read what it stored."""
    return [fixed(settings().fixed_prices)]


def rate(session: Session, asset: str, currency: str = "USD") -> Rate:
    """Return what one unit of `asset` costs in `currency`; raises DependencyAway when nobody knows.

    An asset in its own currency is worth itself: that needs no source.
    """
    if asset == currency:
        return Rate(asset, currency, Decimal(1), "identity", datetime.now(UTC))
    for source in sources(session):
        found = source.rate(asset, currency)
        if found is not None:
            return found
    raise DependencyAway(f"no rate for {asset} in {currency} now", code="rate_unavailable")


def worth(session: Session, money: Money, currency: str = "USD") -> Decimal:
    """Return what the money is worth in `currency`, exactly; raises DependencyAway."""
    return money.decimal * rate(session, money.asset.code, currency).rate
