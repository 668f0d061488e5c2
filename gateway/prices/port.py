"""What we need of a source of rates."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from gateway.errors import DependencyAway


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of `asset` costs in `currency`, who said so and when.

    `quote_id` names the stored quote with the readings it was made of, where there is one.
    """

    asset: str
    currency: str
    rate: Decimal
    source: str
    at: datetime
    quote_id: str | None = None


class SourceAway(DependencyAway):
    """A source did not answer, or what it answered is no price; `detail` says which."""

    code = "rate_unavailable"


class Source(Protocol):
    """A place that knows prices; it answers None for what it does not know, never a guess."""

    @property
    def name(self) -> str:
        """Who says so, as quotes and reports print it."""
        ...

    def rate(self, asset: str, currency: str) -> Rate | None:
        """Return what it knows now, None for nothing; raises SourceAway."""
        ...
