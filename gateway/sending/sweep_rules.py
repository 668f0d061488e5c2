"""When a vault is swept, and when a signer has too little for gas. Pure.

Amounts of a vault are ledger units, gas is priced in wei a unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

Reason = Literal["need", "worth", "age"]


@dataclass(frozen=True, slots=True)
class Content:
    """A vault and what the books say is in it that no sweep took, for so many seconds."""

    address: bytes
    salt: bytes
    unswept: int
    age_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """A chain's rules: worth so many times the gas, or this old."""

    worth_gas: Decimal
    age_seconds: int


def gas_share(gas: int, gas_price: int, vaults: int) -> Fraction:
    """Return one vault's part of what a sweep of `vaults` costs, wei."""
    return Fraction(gas * gas_price, vaults)


def least_worth(
    share: Fraction, terms: Terms, *, rate: Decimal | None, coin_decimals: int, decimals: int
) -> int | None:
    """Return from how many ledger units on a vault is worth its share of the gas.

    `rate` is what one coin costs in the asset, `coin_decimals` makes a coin of wei, `decimals` a
    whole of the ledger's units. None without a rate: it is not known, and nothing is guessed.
    """
    if terms.worth_gas == 0:
        return 1
    if rate is None:
        return None
    coins = share * Fraction(terms.worth_gas) / 10**coin_decimals
    units: Fraction = coins * Fraction(rate) * Fraction(10) ** decimals
    return max(1, -(-units.numerator // units.denominator))


def reason(content: Content, least: int | None, terms: Terms) -> Reason | None:
    """Return why a vault is swept though nobody needs its coins now; None: it is left."""
    if least is not None and content.unswept >= least:
        return "worth"
    return "age" if content.age_seconds >= terms.age_seconds else None


def chosen(contents: Sequence[Content], least: int | None, terms: Terms) -> list[Content]:
    """Return the vaults that are worth it or old, in the order given."""
    return [content for content in contents if reason(content, least, terms) is not None]


def needed(contents: Sequence[Content], lacking: int) -> list[Content]:
    """Return as many vaults, the fullest first, as it takes to bring `lacking` units together."""
    taken: list[Content] = []
    for content in sorted(contents, key=lambda one: -one.unswept):
        if lacking <= 0:
            break
        taken.append(content)
        lacking -= content.unswept
    return taken


def payable(balance: int, gas: int, gas_price: int) -> int:
    """Return how many transactions of this gas a signer can pay for at this price."""
    return balance // max(1, gas * gas_price)


def gas_missing(balance: int, *, gas: int, gas_price: int, low: int, fill: int) -> int:
    """Return what to send a signer that can pay for fewer than `low` transactions, wei.

    Enough for `fill`; 0 while it has plenty.
    """
    if payable(balance, gas, gas_price) >= low:
        return 0
    return fill * gas * gas_price - balance
