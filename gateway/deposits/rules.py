"""What counts as a payment, when it is final, and what a reorganisation does to it. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)") (ERC-20)."""
TRANSFER_TOPICS = 3
WORD_TEXT = 66
ADDRESS_AT = 26

CONFIRMING, CREDITED, ORPHANED, REVERSED = "confirming", "credited", "orphaned", "reversed"


class Transfer(NamedTuple):
    """An ERC-20 Transfer event, in the token's base units."""

    sender: bytes
    to: bytes
    units: int


def transfer_of(topics: Sequence[str], data: str) -> Transfer | None:
    """Read a Transfer event; None for what only looks like one or moves nothing.

    ERC-721 has the same first topic with four topics and no data; tokens that do not index the
    addresses have fewer topics.
    """
    if len(topics) != TRANSFER_TOPICS or topics[0] != TRANSFER or len(data) != WORD_TEXT:
        return None
    units = int(data, 16)
    if units == 0:
        return None
    return Transfer(
        bytes.fromhex(topics[1][ADDRESS_AT:]), bytes.fromhex(topics[2][ADDRESS_AT:]), units
    )


def final_at(block_number: int, required: int) -> int:
    """Return the height of the chain at which a payment in this block is final."""
    return block_number + required - 1


def confirmations(status: str, block_number: int, head: int | None) -> int:
    """Return how many blocks confirm a payment: its own counts, an orphan has none."""
    if head is None or status in (ORPHANED, REVERSED):
        return 0
    return max(0, head - block_number + 1)


def seen_again(status: str, epoch: int) -> tuple[str, int]:
    """Return status and epoch after a payment was mined again in another block.

    A credit that was reversed begins a new epoch: each epoch is credited at most once.
    """
    return CONFIRMING, epoch + 1 if status == REVERSED else epoch


def orphaned(status: str) -> str:
    """Return the status of a payment whose block left the chain."""
    return REVERSED if status in (CREDITED, REVERSED) else ORPHANED


def split(amount: int, available: int) -> tuple[int, int]:
    """Split a reversal into what is taken from the balance and what the owner then owes."""
    taken = min(amount, max(available, 0))
    return taken, amount - taken


def together(amount: int, minimum: int, waiting: int) -> bool:
    """True if a payment is credited: enough by itself, or with the small ones that wait with it."""
    return amount >= minimum or amount + waiting >= minimum
