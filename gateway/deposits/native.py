"""Native coin that moved in a block, which leaves no log. One driver per way a node can tell it.

A move is a candidate: whether its transaction succeeded is asked of the receipt afterwards.
"""

from typing import NamedTuple, Protocol

from gateway.chain.port import Header, Node, NodeAway

TOP_LEVEL = "0"
"""The position of a transaction's own value; what moves inside it has other positions."""


class Move(NamedTuple):
    """Native coin from one address to another, as the node's hexadecimal text; wei."""

    tx_hash: str
    position: str
    sender: str
    to: str
    value: str


class Driver(Protocol):
    """A way to find native coin that moved."""

    def moves(self, node: Node, block: Header) -> list[Move]:
        """Return what moved in this very block. Raises NodeAway, NodeError."""


class Transactions:
    """Value that transactions carry themselves, from the block's list; any node can tell it."""

    def moves(self, node: Node, block: Header) -> list[Move]:
        """Return every transaction that carries value to somebody."""
        full = node.block(block.hash)
        if full is None:
            raise NodeAway(f"the node no longer has block {block.number}")
        return [
            Move(tx.hash_hex, TOP_LEVEL, tx.from_hex, tx.to_hex, tx.value_hex)
            for tx in full.transactions
            if tx.to_hex is not None and tx.value_hex != "0x0"
        ]
