"""What a driver is: a way a node can tell which native coin moved, which leaves no log by itself.

A move is a candidate: whether its transaction succeeded is asked of the receipt afterwards.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from gateway.chain.evm import Evm
from gateway.chain.port import Header, Log, NodeAway

TOP_LEVEL = "0"
"""The position of a transaction's own value; what moves inside it has a path below: "0.3.1"."""


NOTHING = ("0x0", "0x", None)
"""How nodes write that no value was carried."""
PRECOMPILES = frozenset(
    "0x" + number.to_bytes(20, "big").hex() for number in [*range(1, 0x12), 0x100]
)
"""Contracts that are part of the protocol (Osaka's; EIP-7951 has the last)."""


class Move(NamedTuple):
    """Native coin from one address to another, as the node's hexadecimal text; wei.

    Addresses are 20 bytes of lowercase hexadecimal after 0x.
    """

    tx_hash: str
    position: str
    sender: str
    to: str
    value: str


class Driver(Protocol):
    """A way to find native coin that moved."""

    name: str
    """As the chain's table has it."""

    def moves(self, node: Evm, headers: list[Header], logs: list[list[Log]]) -> list[list[Move]]:
        """Return what moved in each of these very blocks; `logs` are their Transfer events.

        One batch of calls for all of them. Raises NodeAway, also when an answer belongs to
        another block than was asked for, and NodeError.
        """


def busy(headers: list[Header]) -> list[int]:
    """Return the places of the blocks in which a transaction ran: others need no question."""
    return [place for place, header in enumerate(headers) if header.gas_used]


def spread(count: int, places: list[int], found: Iterator[list[Move]]) -> list[list[Move]]:
    """Return a list of moves for each of `count` blocks; those not asked about have none."""
    every: list[list[Move]] = [[] for _ in range(count)]
    for place, moves in zip(places, found, strict=True):
        every[place] = moves
    return every


def another_block(header: Header) -> NodeAway:
    """Return the error for an answer that is not about the block that was asked for."""
    return NodeAway(f"the node told another block than {header.number} as it was read")
