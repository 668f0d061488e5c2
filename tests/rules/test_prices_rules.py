"""Prices are told, never guessed."""

from decimal import Decimal

import pytest

from gateway.prices.fixed import fixed


def test_a_fixed_price_is_in_dollars_per_unit() -> None:
    rate = fixed("USDC=1 ETH=2000.50").rate("ETH", "USD")
    assert rate is not None
    assert (rate.rate, rate.source) == (Decimal("2000.50"), "fixed")
    assert rate.at.tzinfo is not None


def test_what_is_not_known_has_no_price() -> None:
    assert fixed("USDC=1").rate("ETH", "USD") is None
    assert fixed("USDC=1").rate("USDC", "EUR") is None
    assert fixed("").rate("USDC", "USD") is None


@pytest.mark.parametrize(
    "text", ["ETH", "ETH=", "ETH=x", "ETH=0", "ETH=-1", "ETH=NaN", "ETH=Infinity"]
)
def test_a_price_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="MIZAN_FIXED_PRICES"):
        fixed(text)
