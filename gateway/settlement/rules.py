"""Ranges of time, the report's columns, what a cell may look like. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from gateway.errors import Refused
from gateway.money import Asset, Money

COLUMNS = (
    "date",
    "type",
    "id",
    "invoice",
    "order_id",
    "asset",
    "chain",
    "gross",
    "fee",
    "net",
    "rate",
    "quote_currency",
    "quote_amount",
    "tx_hash",
    "block_number",
    "block_hash",
    "log_index",
    "balance_after",
    "rate_source",
    "rate_at",
    "account",
)
# What clients type: a spreadsheet runs a cell that begins like a formula (OWASP, CSV injection).
FREE_TEXT = frozenset({"order_id"})
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
DIGITS_MAX = 200

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)


def moment(text: str | None, default: datetime, field: str) -> datetime:
    """Read a day (its midnight, UTC) or an RFC 3339 time; raises Refused."""
    if text is None:
        return default
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), time.min, UTC)
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError("no time zone")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused(
            f"{field} is a day (2026-01-31) or an RFC 3339 time with its zone",
            code="invalid_range",
            field=field,
        ) from error


def span(since: str | None, until: str | None) -> tuple[datetime, datetime]:
    """Return the range, `since` inclusive, `until` exclusive; raises Refused if it is reversed."""
    start, end = moment(since, BEGINNING, "from"), moment(until, END, "to")
    if start > end:
        raise Refused("from is after to", code="invalid_range", field="from")
    return start, end


def day(text: str) -> date:
    """Read a day such as 2026-01-31; raises ValueError."""
    if len(text) != len("2026-01-31"):
        raise ValueError("not a day")
    return date.fromisoformat(text)


def bounds(of: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day and of the next one, UTC."""
    start = datetime.combine(of, time.min, UTC)
    return start, start + timedelta(days=1)


def quoted(money: Money, rate: Decimal, currency: Asset) -> Money:
    """Return what the money is worth at the invoice's rate, in base units of its currency."""
    with localcontext() as context:
        context.prec = DIGITS_MAX
        worth = Decimal(money.units).scaleb(currency.decimals - money.asset.decimals) * rate
        return Money(int(worth.to_integral_value(ROUND_HALF_EVEN)), currency)


def plain(number: Decimal) -> str:
    """Write a number without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cell(column: str, value: object) -> str:
    """Write a CSV cell; text that clients typed can never be read as a formula."""
    text = "" if value is None else str(value)
    if column in FREE_TEXT and text.startswith(FORMULA_STARTS):
        return f"'{text}"
    return text
