"""Money is a whole number of base units with its asset: exact, never a float, never a bare int."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from gateway.errors import InvalidAmount

UNITS_MAX = 2**256 - 1
PLAIN_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,59})(\.[0-9]{1,36})?", re.ASCII)
DECIMALS_SHOWN_MIN = 2


@dataclass(frozen=True, slots=True, order=True)
class Asset:
    """What money is made of: its code ("USDC") and how many decimals its base unit has."""

    code: str
    decimals: int


USD = Asset("USD", 2)


@dataclass(frozen=True, slots=True)
class Money:
    """`units` base units of `asset`; two Money of different assets never add or compare."""

    units: int
    asset: Asset

    @classmethod
    def parse(cls, text: str, asset: Asset) -> Self:
        """Read a plain positive decimal such as "12.50".

        Raises InvalidAmount for zero, a sign, an exponent, or more decimals than the asset has.
        """
        if not PLAIN_DECIMAL.fullmatch(text):
            raise InvalidAmount(f"{text[:80]!r} is not a plain positive decimal such as 12.50")
        whole, _, fraction = text.partition(".")
        if len(fraction) > asset.decimals:
            raise InvalidAmount(f"{asset.code} has {asset.decimals} decimals, {text} has more")
        units = int(whole + fraction.ljust(asset.decimals, "0"))
        if units == 0:
            raise InvalidAmount("the amount must be more than zero")
        if units > UNITS_MAX:
            raise InvalidAmount("the amount is greater than any token can express")
        return cls(units, asset)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.units + self.same(other).units, self.asset)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.units - self.same(other).units, self.asset)

    def __neg__(self) -> Self:
        return type(self)(-self.units, self.asset)

    def __lt__(self, other: Self) -> bool:
        return self.units < self.same(other).units

    def __le__(self, other: Self) -> bool:
        return self.units <= self.same(other).units

    def __gt__(self, other: Self) -> bool:
        return self.units > self.same(other).units

    def __ge__(self, other: Self) -> bool:
        return self.units >= self.same(other).units

    def __bool__(self) -> bool:
        return self.units != 0

    def same(self, other: Self) -> Self:
        """Return `other`, asserting that it is of this asset: mixing them is our own mistake."""
        assert other.asset == self.asset, f"{self.asset.code} and {other.asset.code} do not mix"
        return other

    @property
    def decimal(self) -> Decimal:
        """The exact amount in the asset's unit."""
        return Decimal(f"{self.units}E-{self.asset.decimals}")  # scaleb would round to 28 digits

    def __str__(self) -> str:
        """Write the amount in the asset's unit with at least two decimals: "12.50", "0.000001"."""
        sign = "-" if self.units < 0 else ""
        digits = str(abs(self.units)).rjust(self.asset.decimals + 1, "0")
        cut = len(digits) - self.asset.decimals
        fraction = digits[cut:].rstrip("0").ljust(min(DECIMALS_SHOWN_MIN, self.asset.decimals), "0")
        return f"{sign}{digits[:cut]}.{fraction}" if fraction else f"{sign}{digits[:cut]}"
