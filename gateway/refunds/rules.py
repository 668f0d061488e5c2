"""How much of an invoice may go back, and what that is in the asset it goes back in. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Literal

from gateway.errors import Conflict, Refused
from gateway.invoices.rules import Payment, Terms, worth
from gateway.money import Asset, Money

Kind = Literal["full", "partial", "overpaid"]
RateKind = Literal["quote", "current"]
Status = Literal[
    "awaiting_address", "pending", "confirmed", "failed", "rejected", "cancelled", "expired"
]

AWAITING, PENDING, CONFIRMED = "awaiting_address", "pending", "confirmed"
CANCELLED, EXPIRED, REJECTED = "cancelled", "expired", "rejected"
COUNTED = (AWAITING, PENDING, CONFIRMED)
"""What is taken off what can still be refunded: a refund that did not arrive is not."""

EXPIRES_SECONDS_MIN = 3_600
EXPIRES_SECONDS_MAX = 90 * 86_400
EXPIRES_SECONDS_DEFAULT = 14 * 86_400
REFUSALS_MAX = 5
"""Addresses policy may refuse of one refund: its page is no place to ask what the lists hold."""
PASSING = ("over_limit",)
"""Refusals of policy that are not about the address, and are over tomorrow."""
RATE_SHOWN = Context(prec=12)
DELEGATION = bytes.fromhex("ef0100")
"""The code of a plain account that lent itself a contract's (EIP-7702)."""


@dataclass(frozen=True, slots=True)
class Received:
    """What is final of an invoice in one asset on one chain.

    `covered` is what it counts for, in base units of the invoice's currency, not rounded.
    """

    chain: str
    money: Money
    covered: Fraction


def kind_of(kind: Kind | None, amount: str | None) -> Kind:
    """Return which refund is meant; an amount means a part. Raises Refused where they disagree."""
    meant: Kind = kind or ("full" if amount is None else "partial")
    if (meant == "partial") != (amount is not None):
        raise Refused(
            "a partial refund names its amount, any other does not",
            code="amount_does_not_fit",
            field="amount",
        )
    return meant


def refund_amount(
    kind: Kind, amount: Money | None, *, price: Money, credited: Money, refunded: Money
) -> Money:
    """Return what a refund gives back, in the invoice's currency; "full" is all that is left.

    "overpaid" leaves the merchant the price. Raises Refused when nothing is left, or less than
    `amount`: what is final minus what was refunded before.
    """
    left = credited - refunded
    if left.units <= 0:
        raise Refused("nothing final is left to refund", code="nothing_to_refund")
    if kind == "overpaid":
        if left <= price:
            raise Refused("no more than the price is left", code="nothing_overpaid", field="kind")
        return left - price
    if amount is not None and amount > left:
        raise Refused(
            f"at most {left} {left.asset.code} can be refunded",
            code="refund_exceeds_payment",
            field="amount",
        )
    return amount or left


def received(terms: Terms, payments: Iterable[Payment]) -> list[Received]:
    """Return what is final by asset and chain, what covers most first."""
    found: dict[tuple[str, Asset], Received] = {}
    for payment in payments:
        if payment.status != "credited":
            continue
        key = payment.chain, payment.amount.asset
        before = found.get(key, Received(key[0], Money(0, key[1]), Fraction(0)))
        found[key] = Received(
            chain=payment.chain,
            money=before.money + payment.amount,
            covered=before.covered + worth(terms, payment) * terms.price.units,
        )
    return sorted(found.values(), key=lambda one: one.covered, reverse=True)


def credited(came: Iterable[Received], currency: Asset) -> Money:
    """Return what all of it counts for, rounded down to the currency's smallest unit."""
    return Money(int(sum((one.covered for one in came), Fraction(0))), currency)


def chosen(paid: list[Received], asset: str | None, chain: str | None) -> Received:
    """Return in what a refund leaves: what covered most, of what fits a choice.

    Raises Refused when nothing is final, or it was not paid in that asset on that chain.
    """
    if not paid:
        raise Refused("nothing final is left to refund", code="nothing_to_refund")
    fitting = [
        one for one in paid if asset in (None, one.money.asset.code) and chain in (None, one.chain)
    ]
    if not fitting:
        raise Refused(
            "nothing of this invoice was paid in that asset on that chain",
            code="asset_not_paid",
            field="asset" if asset is not None else "chain",
        )
    return fitting[0]


def payout_as_paid(amount: Money, paid: Received, on_chain: int, *, whole: bool = False) -> Money:
    """Return a refund in an asset at the rate its payments were counted at, rounded down.

    `whole`: nothing else came and all of it goes back, so exactly what came does, parts of a cent
    included. `on_chain` is the chain's decimals. Raises Refused for what was paid in no quoted
    asset, and as `expressible`.
    """
    if paid.covered == 0:
        raise Refused(
            f"{paid.money.asset.code} was not quoted: refund it at the current rate",
            code="no_quote",
            field="rate",
        )
    if whole:
        return expressible(Fraction(paid.money.units), paid.money.asset, on_chain)
    units = paid.money.units * amount.units / paid.covered
    return expressible(units, paid.money.asset, on_chain)


def payout_at(amount: Money, rate: Decimal, asset: Asset, on_chain: int) -> Money:
    """Return a refund in an asset worth `rate` now, rounded down; raises as `expressible`."""
    exact = Fraction(amount.units, 10**amount.asset.decimals) / Fraction(rate)
    return expressible(exact * 10**asset.decimals, asset, on_chain)


def expressible(units: Fraction, asset: Asset, on_chain: int) -> Money:
    """Round down to what the chain can express; raises Refused when that is nothing."""
    step = 10 ** (asset.decimals - on_chain)
    whole = int(units) // step * step
    if whole == 0:
        raise Refused(f"less than the smallest unit of {asset.code}", code="invalid_amount")
    return Money(whole, asset)


def rate_as_paid(paid: Received, currency: Asset) -> Decimal:
    """Return what one unit of the asset counted for in the currency, as people write a rate."""
    one = paid.covered * 10**paid.money.asset.decimals / paid.money.units / 10**currency.decimals
    return RATE_SHOWN.divide(Decimal(one.numerator), Decimal(one.denominator))


def is_plain(code: bytes) -> bool:
    """True for an account that a key controls, lent to a contract or not (EIP-7702)."""
    return not code or code.startswith(DELEGATION)


def check_awaiting(status: str) -> None:
    """Raise Conflict unless nobody has said yet where the refund goes."""
    if status == PENDING:
        raise Conflict("it is on its way: cancel its withdrawal", code="wrong_state")
    if status != AWAITING:
        raise Conflict(f"the refund is {status}", code="wrong_state")
