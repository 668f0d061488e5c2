"""The rate of an asset, or a refusal: a price is never guessed.

What a worker made of the sources is read from one small table, at most once a second by each
process: rates are asked for with every invoice.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.errors import DependencyAway
from gateway.money import Money
from gateway.prices.fixed import fixed
from gateway.prices.port import Rate
from gateway.settings import settings

REMEMBERED_SECONDS = 1.0
STANDING = text("""
    select p.asset, p.currency, q.id, q.rate, q.source, q.at, s.expires_at, s.detail
    from price_policy p
    left join rate_state s on s.asset = p.asset and s.currency = p.currency
    left join rate_quote q on q.id = s.quote_id and s.refusal is null
""")

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """The quote of a pair and until when it counts, or why there is none."""

    rate: Rate | None
    expires_at: datetime | None
    detail: str


class Board:
    """What this process last read of how prices stand."""

    def __init__(self) -> None:
        self._read: tuple[str, float, dict[Pair, Standing]] = ("", 0.0, {})

    def standing(self, session: Session) -> dict[Pair, Standing]:
        """Return how every pair with a policy stands, read at most REMEMBERED_SECONDS ago."""
        where, since, found = self._read
        now = time.monotonic()
        if where == db.url() and now - since < REMEMBERED_SECONDS:
            return found
        found = {(row.asset, row.currency): self._of(row) for row in session.execute(STANDING)}
        self._read = (db.url(), now, found)
        return found

    def forget(self) -> None:
        """Read again when asked next."""
        self._read = ("", 0.0, {})

    @staticmethod
    def _of(row: Any) -> Standing:
        rate = None
        if row.id is not None:
            rate = Rate(row.asset, row.currency, row.rate, row.source, row.at, row.id)
        return Standing(rate, row.expires_at, row.detail or "no source was read yet")


board = Board()


def rate(session: Session, asset: str, currency: str = "USD") -> Rate:
    """Return what one unit of `asset` costs in `currency`; raises DependencyAway when nobody knows.

    An asset in its own currency is worth itself: that needs no source. A pair with a policy has the
    price its sources make, any other the one that settings fix.
    """
    if asset == currency:
        return Rate(asset, currency, Decimal(1), "identity", datetime.now(UTC))
    standing = board.standing(session).get((asset, currency))
    if standing is None:
        found, why = fixed(settings().fixed_prices).rate(asset, currency), "nothing prices it"
    else:
        found, why = current(standing)
    if found is None:
        raise DependencyAway(
            f"no rate for {asset} in {currency} now: {why}", code="rate_unavailable"
        )
    return found


def current(standing: Standing) -> tuple[Rate | None, str]:
    """Return the quote while it counts, and why it does not."""
    if standing.rate is None or standing.expires_at is None:
        return None, standing.detail
    if datetime.now(UTC) > standing.expires_at:
        return None, "what was read last is too old"
    return standing.rate, ""


def rates(session: Session, assets: Iterable[str], currency: str = "USD") -> dict[str, Rate]:
    """Return the rates of many assets; one that has none now is left out."""
    found = {}
    for asset in dict.fromkeys(assets):
        try:
            found[asset] = rate(session, asset, currency)
        except DependencyAway:
            continue  # the others go on
    return found


def worth(session: Session, money: Money, currency: str = "USD") -> Decimal:
    """Return what the money is worth in `currency`, exactly; raises DependencyAway."""
    return money.decimal * rate(session, money.asset.code, currency).rate
