"""What a link offers, what a payer's wish costs by it, and whether it takes payments now."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.errors import BadRequest, InvalidAmount, Refused
from gateway.money import UNITS_MAX, Asset, Money

Assets = tuple[tuple[str, str], ...]
Status = Literal["active", "inactive", "expired", "used_up"]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a merchant offers by a link; without an amount the payer chooses one."""

    title: str
    currency: Asset
    amount: Money | None = None
    """The price, of one piece where the payer chooses how many."""
    min_amount: Money | None = None
    max_amount: Money | None = None
    suggested: tuple[Money, ...] = ()
    max_quantity: int | None = None
    """How many pieces a payer may take at once; None where nobody is asked."""
    assets: Assets | None = None
    success_url: str | None = None
    max_uses: int | None = None
    expires_at: datetime | None = None
    invoice_seconds: int | None = None
    """How long an invoice of this link can be paid; None for the default."""
    active: bool = True
    inactive_message: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of a link, counted from its invoices."""

    uses: int = 0
    """Invoices that are open, being paid, or paid."""
    paid: int = 0
    credited_units: int = 0
    """Final, of all its invoices, in base units of the link's currency."""


def check(offer: Offer) -> None:
    """Raise Refused where what is offered contradicts itself."""
    if offer.amount is not None:
        bounds = {
            "min_amount": offer.min_amount,
            "max_amount": offer.max_amount,
            "suggested_amounts": offer.suggested,
        }
        for name, value in bounds.items():
            if value:
                raise contradiction("the amount is fixed: the payer does not choose one", name)
        if offer.amount.units * (offer.max_quantity or 1) > UNITS_MAX:
            raise contradiction("so many pieces cost more than can be expressed", "max_quantity")
        return
    if offer.max_quantity is not None:
        raise contradiction("pieces need an amount: the price of one", "max_quantity")
    low, high = offer.min_amount, offer.max_amount
    if low is not None and high is not None and low > high:
        raise contradiction(f"min_amount {low} is more than max_amount {high}", "min_amount")
    for one in offer.suggested:
        if (low is not None and one < low) or (high is not None and one > high):
            raise contradiction(f"{one} is not between the bounds", "suggested_amounts")


def contradiction(detail: str, name: str) -> Refused:
    """Return the refusal of an offer that contradicts itself in this field."""
    return Refused(detail, code="link_contradiction", field=name)


def price(offer: Offer, wish: Money | None, quantity: int | None) -> Money:
    """Return what a payer's wish costs; the wished amount counts only where the offer has none.

    Raises BadRequest without an amount, Refused for one out of the bounds or too many pieces.
    """
    pieces = 1 if quantity is None else quantity
    if not 1 <= pieces <= (offer.max_quantity or 1):
        least_and_most = f"1 to {offer.max_quantity}" if offer.max_quantity else "one piece"
        raise Refused(
            f"this link sells {least_and_most} at once", code="quantity_refused", field="quantity"
        )
    if offer.amount is not None:
        return Money(offer.amount.units * pieces, offer.amount.asset)
    if wish is None:
        raise BadRequest("name the amount", code="amount_required", field="amount")
    if offer.min_amount is not None and wish < offer.min_amount:
        raise InvalidAmount(f"at least {offer.min_amount}", code="amount_too_small", field="amount")
    if offer.max_amount is not None and wish > offer.max_amount:
        raise InvalidAmount(f"at most {offer.max_amount}", code="amount_too_large", field="amount")
    return wish


def status(offer: Offer, uses: int, now: datetime) -> Status:
    """Return whether the link takes payments, and if not, why: the merchant's word comes first."""
    if not offer.active:
        return "inactive"
    if offer.expires_at is not None and now >= offer.expires_at:
        return "expired"
    if offer.max_uses is not None and uses >= offer.max_uses:
        return "used_up"
    return "active"


def titled(title: str, quantity: int | None) -> str:
    """Return what the invoice is for: the link's title, and how many pieces."""
    return title if quantity in (None, 1) else f"{title} \N{MULTIPLICATION SIGN} {quantity}"
