"""A list as CSV (RFC 4180): every field of every row, for programs and spreadsheets."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from gateway.errors import Refused
from gateway.money import PLAIN_DECIMAL
from gateway.shop.listings import Filters, Listing
from gateway.shop.visit import Visit
from gateway.web.pages import LIMIT_MAX, Cursor

ROWS_MAX = 10_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def rows(visit: Visit, listing: Listing, where: Cursor, chosen: Filters) -> Iterator[Any]:
    """Yield every row of a list; raises Refused beyond ROWS_MAX."""
    cursor = where.model_copy(update={"limit": LIMIT_MAX, "starting_after": None})
    count = 0
    while True:
        page = listing.fetch(visit, cursor, chosen)
        count += len(page.data)
        if count > ROWS_MAX:
            raise Refused(f"more than {ROWS_MAX} rows: choose fewer days", code="range_too_large")
        yield from page.data
        if not page.has_more:
            return
        cursor = cursor.model_copy(update={"starting_after": page.data[-1].id})


def as_csv(listing: Listing, found: Iterable[Any]) -> str:
    """Write rows under a header of their fields; the list's own columns when there are none."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    header: list[str] = []
    for row in found:
        shown = row.model_dump(mode="json")
        if not header:
            header = list(shown)
            writer.writerow(header)
        writer.writerow([cell(shown[name]) for name in header])
    if not header:
        writer.writerow([column.key for column in listing.columns])
    return out.getvalue()


def cell(value: object) -> str:
    """Write a cell; text can never be read as a formula, an amount may be negative."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.startswith(FORMULA_STARTS) and not PLAIN_DECIMAL.fullmatch(text.removeprefix("-")):
        return f"'{text}"
    return text
