"""What counts as a payment, when it is final, and what a reorganisation does to it. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)") (ERC-20)."""
TRANSFER_TOPICS = 3
WORD, WORD_TEXT = 64, 66
ADDRESS_AT = 26

CONFIRMING, CREDITED, ORPHANED, REVERSED = "confirming", "credited", "orphaned", "reversed"
BLOCKS, SAFE, FINALIZED = "blocks", "safe", "finalized"
TAGS = (SAFE, FINALIZED)
"""What a network says of its own blocks (ethereum/execution-apis, block tags)."""
REORG_BLOCKS_MAX = 256
"""How deep a reorganisation may be where the node tells no finalized block: a deeper one is another
chain, or a node that lost its data."""


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


def odd_transfer_of(topics: Sequence[str], data: str) -> Transfer | None:
    """Read a Transfer event that indexes nothing, or its amount too; None for what cannot be told.

    With other than these the order of its parts is not known.
    """
    words = [topic[2:] for topic in topics[1:]]
    words += [data[at : at + WORD] for at in range(2, len(data), WORD)]
    if topics[0] != TRANSFER or len(topics) not in (1, 4) or list(map(len, words)) != [WORD] * 3:
        return None
    try:
        sender, to, units = map(bytes.fromhex, words)
    except ValueError:
        return None
    moved = int.from_bytes(units, "big")
    return Transfer(sender[-20:], to[-20:], moved) if moved else None


class Rule(NamedTuple):
    """When a deposit counts: `required` blocks, its own included, or a tag of the network's."""

    finality: str
    required: int | None = None


class Tier(NamedTuple):
    """The rule of deposits from an amount on, in base units of the ledger."""

    from_amount: int
    rule: Rule


class Heights(NamedTuple):
    """How far a chain is: its newest block, and the newest the node calls safe and finalized."""

    head: int
    safe: int | None = None
    finalized: int | None = None


class Waiting(NamedTuple):
    """A confirming deposit, the block it stands in, and what it waits for."""

    id: str
    block: int
    rule: Rule


def rule_of(tiers: Iterable[Tier], amount: int, otherwise: Rule) -> Rule:
    """Return the rule of the highest tier that an amount reaches."""
    reached = [tier for tier in tiers if tier.from_amount <= amount]
    return max(reached, key=lambda tier: tier.from_amount).rule if reached else otherwise


def is_final(rule: Rule, block: int, heights: Heights) -> bool:
    """True if a payment in this block counts; the SQL function of this name says the same.

    A tag the node does not tell is reached by no block.
    """
    if rule.required is not None:
        return final_at(block, rule.required) <= heights.head
    reached = heights.safe if rule.finality == SAFE else heights.finalized
    return reached is not None and block <= min(reached, heights.head)


def lowest_ancestor(cursor: int, finalized: int | None) -> int:
    """Return the lowest height to which a reorganisation may take the cursor back.

    `finalized` is what the node told when it gave us the blocks, null if it tells none.
    """
    return cursor - REORG_BLOCKS_MAX if finalized is None else min(finalized, cursor)


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
