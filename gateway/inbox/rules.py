"""What may be decided about an item, and what to do instead. Pure."""

from dataclasses import dataclass
from datetime import datetime

from gateway.errors import Conflict

PREFIX = "inb"

UNKNOWN_TOKEN, WRONG_ASSET, WRONG_CHAIN = "unknown_token", "wrong_asset", "wrong_chain"
UNATTRIBUTED, SET_ASIDE = "unattributed", "set_aside"
KINDS = (UNKNOWN_TOKEN, WRONG_ASSET, WRONG_CHAIN, UNATTRIBUTED, SET_ASIDE)

OPEN, ASSIGNED, ACCEPTED, REFUNDED = "open", "assigned", "accepted", "refunded"
DISMISSED, ORPHANED, REOPENED = "dismissed", "orphaned", "reopened"

DECIDABLE = frozenset({OPEN, DISMISSED})
"""What was only dismissed may be decided anew."""

BECOMES_DEPOSITS = frozenset({UNKNOWN_TOKEN, WRONG_CHAIN, SET_ASIDE})
"""Not in the books yet: assigning makes the deposits that could not be made when they came."""

ARRIVALS_KEPT_MAX = 100
"""Transfers of an item that have a row of their own; more are counted and summed only."""
DETAIL_CHARACTERS_MAX = 2_000
TOP_LEVEL = "0"
"""The position of a transaction's own value."""

WHY = {
    UNKNOWN_TOKEN: "a token that is not listed here came to an address of ours",
    WRONG_CHAIN: "it came to an address that was given out on another chain",
    WRONG_ASSET: "its invoice does not offer this asset",
    UNATTRIBUTED: "the address holds more than any payment we saw brought there",
    SET_ASIDE: "it could not be written when it came",
}
"""Why an item is here, where who put it says no more."""

# What is undone by nobody: money was moved, so the next step is another kind of call.
AFTERWARDS = {
    ASSIGNED: "it is assigned: its money is moved by a transfer or a withdrawal now",
    ACCEPTED: "it counts on its invoice: refund that invoice",
    REFUNDED: "its refund is under way or paid: GET the withdrawal, or cancel that first",
    ORPHANED: "its block left the chain: it opens again if it is mined again",
}


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the chain says of a transfer that cannot simply be credited.

    `units` are of the chain (of a deposit's asset too), `contract` None is the native coin,
    `tx_hash` None means that only the block is known.
    """

    chain: str
    kind: str
    address: bytes
    sender: bytes | None
    contract: bytes | None
    units: int
    tx_hash: bytes | None
    position: str
    block_number: int
    block_hash: bytes
    block_time: datetime
    log_index: int | None = None

    @property
    def hash(self) -> bytes:
        """The transaction, or the block when that is all we know: with kind and position it is
        one arrival for ever.
        """
        return self.tx_hash or self.block_hash

    @property
    def native(self) -> bool:
        """True for the chain's own coin."""
        return self.contract is None


def check_open(status: str) -> None:
    """Raise Conflict unless a decision is possible."""
    if status not in DECIDABLE:
        raise Conflict(AFTERWARDS[status], code="wrong_state")


def check_refund(kind: str) -> None:
    """Raise Conflict for what cannot be sent back because it is in nobody's balance yet."""
    if kind in BECOMES_DEPOSITS:
        raise Conflict(
            "nothing of it is in the books: assign it, and once its deposit is credited send it"
            " back by a withdrawal",
            code="assign_first",
        )


def check_accept(kind: str) -> None:
    """Raise Conflict for what was not sent to pay an invoice."""
    if kind != WRONG_ASSET:
        raise Conflict("only the wrong asset for an invoice can be accepted", code="no_invoice")


def check_dismiss(kind: str) -> None:
    """Raise Conflict for money that is booked as owed to somebody."""
    if kind == UNATTRIBUTED:
        raise Conflict(
            "this money is owed to somebody: assign it to an account or refund it",
            code="owed_to_somebody",
        )


def plain_sender(native: bool, position: str, sender: bytes | None) -> bytes | None:
    """Return who may be paid back without asking: None where a contract moved native coin.

    Whether the address itself is a contract is the node's to say.
    """
    return None if native and position != TOP_LEVEL else sender


def status_left(status: str, arrivals: int) -> str:
    """Return the status when so many arrivals are left on our chain: none orphans what is open."""
    return ORPHANED if status == OPEN and arrivals == 0 else status


def status_seen(kind: str, status: str) -> str:
    """Return the status when an arrival was mined again, in another block.

    What became a deposit and is put here once more could not be written as one this time.
    """
    if status == ORPHANED or (status == ASSIGNED and kind in BECOMES_DEPOSITS):
        return OPEN
    return status
