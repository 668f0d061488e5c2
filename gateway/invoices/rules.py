"""The state of an invoice as a pure function of its payments and the clock.

A payment is weighed by the share of the price it covers: its amount over the whole price in that
asset, as quoted. Shares add up across assets without another rounding, so the order in which
payments are heard of cannot matter, and paying each quoted amount covers exactly its share.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from gateway.errors import InvalidAmount, Refused
from gateway.money import UNITS_MAX, Asset, Money

Status = Literal["open", "processing", "paid", "expired", "void"]
PaidState = Literal["none", "partial", "exact", "over"]
PaymentStatus = Literal["confirming", "credited", "orphaned", "reversed"]

# A payer is asked for no more decimals than make a difference of a hundredth of a US cent.
STEP_WORTH_MAX = Decimal("0.0001")
EXPIRES_SECONDS_MIN = 5
EXPIRES_SECONDS_MAX = 7 * 86_400
EXPIRES_SECONDS_DEFAULT = 3_600
SEEN = frozenset({"confirming", "credited"})


@dataclass(frozen=True, slots=True)
class Option:
    """One way to pay: the whole price in an asset on a chain, asked with `places` decimals."""

    chain: str
    whole: Money
    places: int


@dataclass(frozen=True, slots=True)
class Payment:
    """What arrived for the invoice; `seen_at` is the time of its block."""

    chain: str
    amount: Money
    status: PaymentStatus
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked, until when, and if it was taken back."""

    price: Money
    options: tuple[Option, ...]
    expires_at: datetime
    voided: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is true of an invoice now; `paid` counts what was seen, `credited` what is final."""

    status: Status
    paid_state: PaidState
    late: bool
    paid: Money
    credited: Money


def places(rate: Decimal, on_chain: int) -> int:
    """Return with how many decimals a price is asked in an asset worth `rate`.

    ETH at 2,000 USD gets eight, USDC four; never more than the chain can express.
    """
    shown = 0
    while shown < on_chain and rate.scaleb(-shown) > STEP_WORTH_MAX:
        shown += 1
    return shown


def quote(price: Money, rate: Decimal, asset: Asset, shown: int) -> Money:
    """Return the price in an asset at `rate`, rounded up to `shown` decimals; exact until then.

    Raises InvalidAmount for more than a token can express.
    """
    exact = Fraction(price.units, 10**price.asset.decimals) / Fraction(rate)
    units = rounded_up(exact * 10**asset.decimals, asset, shown)
    if units > UNITS_MAX:
        raise InvalidAmount(f"no amount of {asset.code} can express this price", field="amount")
    return Money(units, asset)


def rounded_up(units: Fraction, asset: Asset, shown: int) -> int:
    """Return the least multiple of the last shown decimal that is not below `units`."""
    step: int = 10 ** (asset.decimals - shown)
    return -(-units // step) * step


def weight(options: Iterable[Option], payment: Payment) -> Fraction:
    """Return the share of the price a payment covers; zero in an asset that was not offered."""
    offered = {(option.chain, option.whole.asset): option for option in options}
    match = offered.get((payment.chain, payment.amount.asset))
    if match is None:
        match = next((o for o in offered.values() if o.whole.asset == payment.amount.asset), None)
    return Fraction(payment.amount.units, match.whole.units) if match else Fraction(0)


def share(terms: Terms, payments: Iterable[Payment], statuses: frozenset[str]) -> Fraction:
    """Return the share of the price that payments in these statuses cover together."""
    counted = (payment for payment in payments if payment.status in statuses)
    return sum((weight(terms.options, payment) for payment in counted), Fraction(0))


def outcome(terms: Terms, payments: Iterable[Payment], now: datetime) -> Outcome:
    """Return what is true of the invoice. A full payment settles it even when it came late."""
    known = list(payments)
    seen = share(terms, known, SEEN)
    final = share(terms, known, frozenset({"credited"}))
    price = terms.price
    paid = Money(int(price.units * seen), price.asset)
    return Outcome(
        status=status(terms, seen, final, now),
        paid_state=paid_state(price, seen, paid),
        late=any(p.status in SEEN and p.seen_at > terms.expires_at for p in known),
        paid=paid,
        credited=Money(int(price.units * final), price.asset),
    )


def status(terms: Terms, seen: Fraction, final: Fraction, now: datetime) -> Status:
    """Return the status: money decides before the clock, and taking it back before money."""
    if terms.voided:
        return "void"
    if final >= 1:
        return "paid"
    if seen >= 1:
        return "processing"
    return "expired" if now >= terms.expires_at else "open"


def paid_state(price: Money, seen: Fraction, paid: Money) -> PaidState:
    """Return how much was paid; "over" begins at one unit of the invoice's currency."""
    if seen < 1:
        return "partial" if seen else "none"
    return "over" if paid > price else "exact"


def remaining(terms: Terms, payments: Iterable[Payment], option: Option) -> Money:
    """Return what is still to be paid if it is paid by this option, rounded up as it is asked."""
    missing = max(Fraction(0), 1 - share(terms, payments, SEEN))
    asset = option.whole.asset
    return Money(rounded_up(missing * option.whole.units, asset, option.places), asset)


def due(price: Money, paid: Money) -> Money:
    """Return what is still to be paid in the invoice's currency."""
    return price - paid if paid < price else Money(0, price.asset)


def events(price: Money, old: Outcome, new: Outcome) -> list[str]:
    """Return the events of a transition, in the order a reader should hear them."""
    told = []
    covered = ("processing", "paid")
    fell = old.status in covered and new.status not in (*covered, "void")
    if fell or new.credited < old.credited:
        told.append("invoice.payment_reverted")
    if new.paid_state == "partial" and old.paid_state == "none" and new.status != "void":
        told.append("invoice.partially_paid")
    if new.status == "processing" and old.status not in covered:
        told.append("invoice.processing")
    if new.status == "paid" and old.status != "paid":
        told.append("invoice.paid")
    if is_over(price, new) and not is_over(price, old):
        told.append("invoice.overpaid")
    if is_late(new) and not is_late(old):
        told.append("invoice.paid_late")
    if new.status == "expired" and old.status != "expired":
        told.append("invoice.expired")
    return told


def is_over(price: Money, state: Outcome) -> bool:
    """True once more than the price is final."""
    return state.status == "paid" and state.credited > price


def is_late(state: Outcome) -> bool:
    """True once the invoice is paid and some of it came after the end."""
    return state.status == "paid" and state.late


def refund_amount(amount: Money | None, *, credited: Money, refunded: Money) -> Money:
    """Return what a refund gives back, in the invoice's currency; all that is left by default.

    Raises Refused when it is more than what is final minus what was refunded before.
    """
    left = credited - refunded
    if left.units <= 0:
        raise Refused("nothing final is left to refund", code="nothing_to_refund")
    if amount is not None and amount > left:
        raise Refused(
            f"at most {left} {left.asset.code} can be refunded",
            code="refund_exceeds_payment",
            field="amount",
        )
    return amount or left


def refund_payout(amount: Money, option: Option, price: Money, on_chain: int) -> Money:
    """Return a refund in the asset of an option at the rate of the quote, rounded down.

    Raises Refused for less than the chain's smallest unit.
    """
    asset = option.whole.asset
    step = 10 ** (asset.decimals - on_chain)
    units = option.whole.units * amount.units // price.units // step * step
    if units == 0:
        raise Refused(f"less than the smallest unit of {asset.code}", code="invalid_amount")
    return Money(units, asset)
