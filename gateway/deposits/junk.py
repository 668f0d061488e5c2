"""Events of contracts we do not list, which cost a stranger next to nothing, in bounds. Pure.

Of one token at one address so many are looked at, and the rest is summed; of all of them together
so many, and the rest is counted for an alarm. Were such a token listed later, reading the blocks
again makes deposits of all of it.
"""

from collections import Counter
from dataclasses import replace
from typing import TypeAlias

from gateway.deposits.matching import Event
from gateway.deposits.payment import UNKNOWN_TOKEN
from gateway.deposits.watched import Watched
from gateway.inbox.rules import ARRIVALS_KEPT_MAX

LOOKED_AT_MAX = 200
"""In blocks that are taken in one transaction, which the next holder of the lease waits for."""

CROWD = "crowd"
"""The position of a sum, which has none."""

Place: TypeAlias = tuple[str, bytes]


def thinned(blocks: list[list[Event]], watched: Watched) -> tuple[list[list[Event]], list[int]]:
    """Return the events of blocks with what is worthless in bounds, and how many each lost."""
    left, seen = LOOKED_AT_MAX, Counter[Place]()
    crowds: dict[Place, tuple[int, int]] = {}
    kept: list[list[Event]] = []
    lost: list[int] = []
    for number, events in enumerate(blocks):
        kept.append([])
        lost.append(0)
        for event in events:
            place = event.log.address_hex, event.to
            if event.log.address in watched.listed:
                kept[number].append(event)
            elif left and seen[place] < ARRIVALS_KEPT_MAX:
                left -= 1
                seen[place] += 1
                kept[number].append(event)
            elif event.kind == UNKNOWN_TOKEN and seen[place]:
                at = crowds.setdefault(place, (number, len(kept[number])))
                join(kept[at[0]], at[1], event)
            else:
                lost[number] += 1
    return kept, lost


def join(events: list[Event], at: int, event: Event) -> None:
    """Add an event to the sum at a place, or begin it there."""
    if at == len(events):
        events.append(replace(event, count=1, position=CROWD))
        return
    known = events[at]
    assert known.transfer is not None
    assert event.transfer is not None, "a token that is not listed is unknown by its transfers"
    units = known.transfer.units + event.transfer.units
    transfer = known.transfer._replace(units=units)
    events[at] = replace(known, transfer=transfer, count=known.count + 1)
