"""A source that is told its prices: for stable coins pinned by policy, and for development."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from gateway.prices.port import Rate

CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Fixed:
    """Prices in USD per unit, as the settings give them."""

    prices: dict[str, Decimal]
    name: str = "fixed"

    def rate(self, asset: str, currency: str) -> Rate | None:
        """Return the price of an asset in USD, None for anything else."""
        price = self.prices.get(asset)
        if price is None or currency != CURRENCY:
            return None
        return Rate(asset, currency, price, self.name, datetime.now(UTC))


@lru_cache(maxsize=8)
def fixed(text: str) -> Fixed:
    """Read prices such as "USDC=1 ETH=2000"; raises ValueError unless they are positive."""
    prices = {}
    for item in text.split():
        asset, _, price = item.partition("=")
        prices[asset] = positive(item, price)
    return Fixed(prices)


def positive(item: str, text: str) -> Decimal:
    """Return the number; raises ValueError unless it is finite and more than zero."""
    try:
        price = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"MIZAN_FIXED_PRICES: {item!r} is not of the form USDC=1") from error
    if not price.is_finite() or price <= 0:
        raise ValueError(f"MIZAN_FIXED_PRICES: {item!r} is not a positive price")
    return price
