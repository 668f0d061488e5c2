"""The state of an invoice as a pure function of its payments and the clock.

A payment is weighed by the share of the price it covers: its amount over the whole price in that
asset, as quoted. Shares add up across assets without another rounding, so the order in which
payments are heard of cannot matter, and paying each quoted amount covers exactly its share.

How much was paid, when, and how final it is are three questions. All that arrived is paid; what
came too late for the merchant's terms settles nothing until a person accepts it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from gateway.errors import InvalidAmount
from gateway.money import UNITS_MAX, Asset, Money

Status = Literal["open", "processing", "paid", "expired", "void"]
PaidState = Literal["none", "partial", "exact", "over"]
PaymentStatus = Literal["confirming", "credited", "orphaned", "reversed"]
LateElse = Literal["credit", "refund"]
LateAction = Literal["review", "refund"]

# A payer is asked for no more decimals than make a difference of a hundredth of a US cent.
STEP_WORTH_MAX = Decimal("0.0001")
EXPIRES_SECONDS_MIN = 5
EXPIRES_SECONDS_MAX = 7 * 86_400
EXPIRES_SECONDS_DEFAULT = 3_600
SEEN = frozenset({"confirming", "credited"})
FINAL = frozenset({"credited"})


@dataclass(frozen=True, slots=True)
class Option:
    """One way to pay: the whole price in an asset on a chain, asked with `places` decimals.

    `rate` is what one unit cost in the invoice's currency when it was quoted.
    """

    chain: str
    whole: Money
    places: int
    rate: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Payment:
    """What arrived for the invoice; `seen_at` is the time of its block, `heard_at` ours then.

    `rate` is the market's when it was heard of, None where nobody asked or knew. What a person
    `accepted` settles whenever it came, at `counted_rate` where that is given, else as quoted.
    """

    chain: str
    amount: Money
    status: PaymentStatus
    seen_at: datetime
    heard_at: datetime | None = None
    rate: Decimal | None = None
    accepted: bool = False
    counted_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """When a payment after the end still settles the invoice; None sets no bound.

    `percent` is how far the market may have moved from the quote, up or down. What is later or
    further off is credited to the merchant all the same, for review or to be sent back.
    """

    hours: int | None = None
    percent: Decimal | None = None
    otherwise: LateElse = "credit"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked, until when, and if it was taken back.

    `under` may be missing of the price and `over` come above it without anybody being told. What
    was `returned` before the invoice was paid has to come once more.
    """

    price: Money
    options: tuple[Option, ...]
    expires_at: datetime
    voided: bool = False
    under: Money | None = None
    over: Money | None = None
    late: Late = Late()
    returned: Money | None = None

    @property
    def whole(self) -> Money:
        """What must have come in all for the price to be there."""
        return self.price + self.returned if self.returned else self.price

    @property
    def enough(self) -> Money:
        """The least that pays the invoice."""
        return self.whole - self.under if self.under else self.whole

    @property
    def too_much(self) -> Money:
        """The most that is not too much."""
        return self.whole + self.over if self.over else self.whole


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is true of an invoice now; `paid` counts what was seen, `credited` what is final.

    `late_action` is what is to be done about enough money that came too late to settle.
    """

    status: Status
    paid_state: PaidState
    late: bool
    paid: Money
    credited: Money
    late_action: LateAction | None = None


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
    value, per = rate.as_integer_ratio()
    exact = Fraction(price.units * per * 10**asset.decimals, 10**price.asset.decimals * value)
    units = rounded_up(exact, asset, shown)
    if units > UNITS_MAX:
        raise InvalidAmount(f"no amount of {asset.code} can express this price", field="amount")
    return Money(units, asset)


def rounded_up(units: Fraction, asset: Asset, shown: int) -> int:
    """Return the least multiple of the last shown decimal that is not below `units`."""
    step: int = 10 ** (asset.decimals - shown)
    return -(-units // step) * step


def option_of(options: Iterable[Option], payment: Payment) -> Option | None:
    """Return the option a payment is weighed by: its asset's, by preference on its own chain."""
    same = [option for option in options if option.whole.asset == payment.amount.asset]
    return next((one for one in same if one.chain == payment.chain), same[0] if same else None)


def worth(terms: Terms, payment: Payment) -> Fraction:
    """Return the share of the price a payment covers: as quoted, or at the rate it was accepted at.

    Zero in an asset that was not offered.
    """
    price, amount = terms.price, payment.amount
    if payment.counted_rate is not None:
        given = Fraction(amount.units, 10**amount.asset.decimals) * Fraction(payment.counted_rate)
        return given / Fraction(price.units, 10**price.asset.decimals)
    match = option_of(terms.options, payment)
    return Fraction(amount.units, match.whole.units) if match else Fraction(0)


def share(terms: Terms, payments: Iterable[Payment], statuses: frozenset[str]) -> Fraction:
    """Return the share of the price that payments in these statuses cover together."""
    counted = (payment for payment in payments if payment.status in statuses)
    return sum((worth(terms, payment) for payment in counted), Fraction(0))


def made_at(payment: Payment) -> datetime:
    """Return when a payment was made, by the clock that set the invoice's end.

    The block's clock decides: we may hear of it hours later. But we never hear of a block before
    it is made, so what we heard of in time was in time, however far ahead the chain's clock is.
    """
    return min(payment.seen_at, payment.heard_at or payment.seen_at)


def came_late(terms: Terms, payment: Payment) -> bool:
    """True if the payment was made after the end."""
    return made_at(payment) > terms.expires_at


def moved_percent(terms: Terms, payment: Payment) -> Fraction | None:
    """Return how far the market was from the quote when a payment was heard of, in per cent.

    None when no rate was known then.
    """
    match = option_of(terms.options, payment)
    if match is None or payment.rate is None:
        return None
    return 100 * abs(Fraction(payment.rate) / Fraction(match.rate) - 1)


def settles(terms: Terms, payment: Payment) -> bool:
    """True if a payment counts towards the price: in time, late within the terms, or accepted.

    A market that nobody could read is no market that stood still.
    """
    if payment.accepted or not came_late(terms, payment):
        return True
    late = terms.late
    if late.hours is not None and made_at(payment) > terms.expires_at + timedelta(hours=late.hours):
        return False
    if late.percent is None:
        return True
    moved = moved_percent(terms, payment)
    return moved is not None and moved <= late.percent


def outcome(terms: Terms, payments: Iterable[Payment], now: datetime) -> Outcome:
    """Return what is true of the invoice. What came too late is paid, but settles nothing."""
    known = list(payments)
    good = [payment for payment in known if settles(terms, payment)]
    seen, final = share(terms, known, SEEN), share(terms, known, FINAL)
    paid = part(terms.price, seen)
    settled, for_good = (part(terms.price, share(terms, good, kinds)) for kinds in (SEEN, FINAL))
    found = status(terms, settled, for_good, now)
    return Outcome(
        status=found,
        paid_state=paid_state(terms, seen, paid),
        late=any(p.status in SEEN and came_late(terms, p) for p in known),
        paid=paid,
        credited=part(terms.price, final),
        late_action=late_action(terms, found, paid),
    )


def part(price: Money, share: Fraction) -> Money:
    """Return this share of the price, rounded down."""
    return Money(int(price.units * share), price.asset)


def status(terms: Terms, seen: Money, final: Money, now: datetime) -> Status:
    """Return the status: money decides before the clock, and taking it back before money."""
    if terms.voided:
        return "void"
    if final >= terms.enough:
        return "paid"
    if seen >= terms.enough:
        return "processing"
    return "expired" if now >= terms.expires_at else "open"


def paid_state(terms: Terms, seen: Fraction, paid: Money) -> PaidState:
    """Return how much was paid; "over" begins one unit of the currency above what is tolerated."""
    if paid < terms.enough:
        return "partial" if seen else "none"
    return "over" if paid > terms.too_much else "exact"


def late_action(terms: Terms, found: Status, paid: Money) -> LateAction | None:
    """Return what is to be done when only being late keeps the money from settling."""
    if found != "expired" or paid < terms.enough:
        return None
    return "refund" if terms.late.otherwise == "refund" else "review"


def remaining(terms: Terms, payments: Iterable[Payment], option: Option) -> Money:
    """Return what is still to be paid if it is paid by this option, rounded up as it is asked.

    Nothing once enough was paid: a payer is not asked for what the merchant does without.
    """
    known, asset = list(payments), option.whole.asset
    if not known and not terms.returned:
        return option.whole
    seen = share(terms, known, SEEN)
    if part(terms.price, seen) >= terms.enough:
        return Money(0, asset)
    missing = Fraction(terms.whole.units, terms.price.units) - seen
    return Money(rounded_up(missing * option.whole.units, asset, option.places), asset)


def due(terms: Terms, paid: Money) -> Money:
    """Return what is still to be paid in the invoice's currency; nothing once it is enough."""
    return Money(0, paid.asset) if paid >= terms.enough else terms.whole - paid


def missing(terms: Terms, paid: Money) -> Money:
    """Return what is short of the price, asked for or not."""
    return Money(max(0, terms.whole.units - paid.units), paid.asset)


def above(terms: Terms, paid: Money) -> Money:
    """Return what came above the price once that is more than is tolerated, else nothing."""
    return paid - terms.whole if paid > terms.too_much else Money(0, paid.asset)
