"""May money go to this address already? Pure.

Adding an address and making the book optional wait; removing and requiring work at once: whoever
takes over an account must wait, whoever protects it need not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class BookFacts:
    """What is known of a target: `known_since` None, when it is in no book."""

    now: datetime
    required: bool
    known_since: datetime | None
    active_after: datetime | None
    proven: bool
    used_before: bool
    cooling_off: timedelta
    cooling_off_proven: timedelta


def is_required(required: bool, optional_from: datetime | None, now: datetime) -> bool:
    """True while an account's money goes to its book only."""
    return required or (optional_from is not None and now < optional_from)


def cool_until(facts: BookFacts) -> datetime:
    """Return when a target that was never paid may be: later unless its owner proved it."""
    length = facts.cooling_off_proven if facts.proven else facts.cooling_off
    return (facts.known_since or facts.now) + length
