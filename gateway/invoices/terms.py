"""What a merchant does without and how late it takes money; an invoice keeps what it was told.

A tolerance is the greater of a share of the price and an amount. Amounts of a merchant's terms are
US dollars and count for invoices in dollars alone; those an invoice names are in its currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway import db
from gateway.invoices.store import CheckoutTerms
from gateway.journal import service as journal
from gateway.money import USD, Asset, Money

Fields = Mapping[str, str | int | None]
"""Terms by name, as a client writes them."""

COLUMNS = """
    t.under_percent, t.under_amount, t.over_percent, t.over_amount,
    t.late_percent, t.late_hours, t.late_else
"""
WIDTH = COLUMNS.count(",") + 1
OF_MERCHANT = f"""
    select {COLUMNS}, t.changed_at from checkout_terms t where t.account_id = %s
"""  # noqa: S608  # words of our own
UNDER_PERCENT_MAX = 50
"""Of the price, whatever amount is tolerated: a small invoice must not be paid by nothing."""
LATE_HOURS_MAX = 8_760

DEFAULTS: Fields = {
    "under_percent": "0",
    "under_amount": "0",
    "over_percent": "0",
    "over_amount": "0",
    "late_percent": "5",
    "late_hours": 24,
    "late": "credit",
}


@dataclass(frozen=True, slots=True)
class Agreed:
    """The terms of one invoice; None is no bound."""

    under: Money
    over: Money
    late_percent: Decimal | None
    late_hours: int | None
    late_else: str

    @property
    def columns(self) -> dict[str, Any]:
        """The terms as the invoice's row keeps them."""
        return {
            "under_tolerance": Decimal(self.under.units),
            "over_tolerance": Decimal(self.over.units),
            "late_percent": self.late_percent,
            "late_hours": self.late_hours,
            "late_else": self.late_else,
        }


def amount(text: str, asset: Asset) -> Money:
    """Read an amount that may be zero; raises InvalidAmount."""
    return Money.parse(text, asset) if text.strip("0.") else Money(0, asset)


def of_merchant(session: Session, account_id: str) -> tuple[Fields, datetime | None]:
    """Return the terms of a merchant and when they were changed, None for the defaults."""
    row = db.ask(session, OF_MERCHANT, (account_id,)).fetchone()
    return (told(row[:-1]), row[-1]) if row else (DEFAULTS, None)


def told(columns: Sequence[Any]) -> Fields:
    """Return a merchant's terms, read as COLUMNS; the defaults where all is null."""
    under_percent, under, over_percent, over, late_percent, late_hours, late_else = columns
    if late_else is None:
        return DEFAULTS
    return {
        "under_percent": plain(under_percent),
        "under_amount": str(Money(int(under), USD)),
        "over_percent": plain(over_percent),
        "over_amount": str(Money(int(over), USD)),
        "late_percent": None if late_percent is None else plain(late_percent),
        "late_hours": late_hours,
        "late": late_else,
    }


def plain(number: Decimal) -> str:
    """Write a number without an exponent or zeros at its end."""
    return f"{number.normalize():f}"


def support_url(session: Session, account_id: str) -> str | None:
    """Return where payers ask a merchant, None where it does not say."""
    row = session.get(CheckoutTerms, account_id)
    return row.support_url if row else None


def change(
    session: Session,
    account_id: str,
    fields: Fields,
    *,
    by: str,
    support_url: str | None = None,
) -> None:
    """Set a merchant's terms, for the invoices opened from now on; raises InvalidAmount.

    What is left out is as by default. Where payers ask counts at once, for every invoice.
    """
    told = {**DEFAULTS, **fields}
    values = {
        "under_percent": Decimal(str(told["under_percent"])),
        "under_amount": amount(str(told["under_amount"]), USD).units,
        "over_percent": Decimal(str(told["over_percent"])),
        "over_amount": amount(str(told["over_amount"]), USD).units,
        "late_percent": percent(told["late_percent"]),
        "late_hours": told["late_hours"],
        "late_else": told["late"],
        "support_url": support_url,
        "changed_by": by,
        "changed_at": datetime.now(UTC),
    }
    session.execute(
        insert(CheckoutTerms)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
    )
    journal.write(
        session, actor=by, action="checkout_terms.changed", subject=account_id, facts=told
    )


def percent(value: str | int | None) -> Decimal | None:
    """Read a share in per cent, None for no bound."""
    return None if value is None else Decimal(str(value))


def agreed(merchants: Fields, price: Money, own: Fields | None) -> Agreed:
    """Return what an invoice of this price is opened with: its own terms before the merchant's.

    Raises InvalidAmount for an amount its currency cannot express.
    """
    fields = dict(merchants)
    if price.asset != USD:
        fields |= {"under_amount": "0", "over_amount": "0"}
    fields |= own or {}
    under = tolerance(price, fields["under_percent"], fields["under_amount"])
    most = Money(price.units * UNDER_PERCENT_MAX // 100, price.asset)
    hours = fields["late_hours"]
    return Agreed(
        under=min(under, most),
        over=tolerance(price, fields["over_percent"], fields["over_amount"]),
        late_percent=percent(fields["late_percent"]),
        late_hours=None if hours is None else int(hours),
        late_else=str(fields["late"]),
    )


def tolerance(price: Money, share: str | int | None, text: str | int | None) -> Money:
    """Return the greater of a share of the price, rounded down, and an amount."""
    part, whole = Decimal(str(share)).as_integer_ratio()
    by_share = Money(price.units * part // (100 * whole), price.asset)
    return max(by_share, amount(str(text), price.asset))
