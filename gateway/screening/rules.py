"""When a list counts, and what a hit means. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

STALE_AFTER = timedelta(hours=26)
"""A day, and two hours for the fetch that failed."""
SHRINK_MAX = 0.2


@dataclass(frozen=True, slots=True)
class ScreeningFacts:
    """What the lists say of a counterparty and its token; `versions` names what was asked."""

    needed: bool
    versions: tuple[str, ...]
    hits: tuple[str, ...]
    token_denied: bool


def is_stale(confirmed_at: datetime, now: datetime) -> bool:
    """True for a list too old to let money go by."""
    return now - confirmed_at > STALE_AFTER


def refusal_of(count: int, before: int | None) -> str | None:
    """Return why a list of `count` addresses does not replace one of `before`; None if it does."""
    if count == 0:
        return "it names no address"
    if before is not None and count < before * (1 - SHRINK_MAX):
        return f"it shrank from {before} to {count} addresses"
    return None
