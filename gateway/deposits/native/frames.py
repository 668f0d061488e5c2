"""All that moved in a transaction, from its tree of calls (geth's `callTracer`)."""

import sys
from collections.abc import Iterator

import msgspec
from msgspec import field

from gateway.deposits.native.port import NOTHING, PRECOMPILES, TOP_LEVEL, Move

TRACER = {"tracer": "callTracer"}
MOVING = frozenset({"CALL", "CREATE", "CREATE2", "SELFDESTRUCT"})
"""The types of frames whose value moves. DELEGATECALL and CALLCODE show one that does not."""


CALLS_DEEP_MAX = 1_024
"""How deep calls go at most (Yellow Paper, 9.4.2)."""

# A tree of calls is told as an object in a list for each level. Python's limit is half of what
# anybody may put into a block, and such a block must be readable.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 3 * CALLS_DEEP_MAX))


class Frame(msgspec.Struct, frozen=True):
    """A call, creation or selfdestruct, with what it called."""

    type: str
    sender: str = field(name="from")
    to: str | None = None
    value: str | None = None
    error: str | None = None
    calls: list["Frame"] = []


def moves_of(tx_hash: str, root: Frame) -> Iterator[Move]:
    """Return what moved and stood: a failed frame takes back all below it.

    Walked with a list of its own: calls may be 1,024 deep.
    """
    waiting = [(TOP_LEVEL, root)]
    while waiting:
        position, frame = waiting.pop()
        if frame.error is not None:
            continue
        if frame.value not in NOTHING and frame.type in MOVING and frame.to:
            yield Move(tx_hash, position, frame.sender, frame.to, str(frame.value))
        waiting += reversed(
            [(f"{position}.{place}", call) for place, call in enumerate(counted(frame.calls))]
        )


def counted(calls: list[Frame]) -> list[Frame]:
    """Return the calls that have a place of their own.

    Flat traces of some nodes leave out calls of precompiled contracts that carry nothing. Left out
    by every driver, a move has one position however it is told, and is one deposit.
    """
    return [call for call in calls if call.to not in PRECOMPILES or call.value not in NOTHING]
