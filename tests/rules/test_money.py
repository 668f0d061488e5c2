"""Money is exact: what is read is what is written, and what an asset cannot express is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidAmount
from gateway.money import USD, Asset, Money

USDC = Asset("USDC", 6)
ETH = Asset("ETH", 18)


@pytest.mark.parametrize(
    ("text", "asset", "units"),
    [
        ("12.50", USDC, 12_500_000),
        ("0.000001", USDC, 1),
        ("1", ETH, 10**18),
        ("0.01", USD, 1),
    ],
)
def test_a_plain_decimal_is_read_exactly(text: str, asset: Asset, units: int) -> None:
    assert Money.parse(text, asset).units == units


@pytest.mark.parametrize(
    "text",
    ["0", "0.00", "-1", "+1", "1e3", "NaN", "Infinity", "1.", ".5", "01", "1,5", " 1", "1\n", "١"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        Money.parse(text, USDC)


def test_more_decimals_than_the_asset_has_are_refused_even_if_zero() -> None:
    with pytest.raises(InvalidAmount, match="6 decimals"):
        Money.parse("1.0000000", USDC)
    with pytest.raises(InvalidAmount):
        Money.parse("0.001", USD)


@given(units=st.integers(min_value=1, max_value=10**60 - 1), decimals=st.integers(0, 36))
def test_what_is_written_reads_back(units: int, decimals: int) -> None:
    money = Money(units, Asset("X", decimals))
    assert Money.parse(str(money), money.asset) == money


def test_amounts_show_at_least_two_decimals() -> None:
    assert str(Money(12_500_000, USDC)) == "12.50"
    assert str(Money(1, USDC)) == "0.000001"
    assert str(Money(-1_500_000, USDC)) == "-1.50"
    assert str(Money(7, Asset("JPY", 0))) == "7"


def test_assets_do_not_mix() -> None:
    with pytest.raises(AssertionError):
        Money(1, USDC) + Money(1, ETH)
    with pytest.raises(AssertionError):
        _ = Money(1, USDC) < Money(1, ETH)
