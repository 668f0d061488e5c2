"""Value that transactions carry themselves, from the blocks' lists; every node can tell it.

What contracts move inside a transaction stays unseen here: the balance probe finds it.
"""

import msgspec
from msgspec import field

from gateway.chain.evm import Evm
from gateway.chain.port import Header, Log
from gateway.deposits.native.port import TOP_LEVEL, Move, another_block, busy, spread


class Sent(msgspec.Struct, frozen=True, gc=False):
    """What a transaction in a block's list moves by itself."""

    hash: str
    sender: str = field(name="from")
    value: str
    to: str | None = None


class Listed(msgspec.Struct, frozen=True):
    """A block with its transactions."""

    hash: str
    transactions: list[Sent]


class Transactions:
    """Asks for whole blocks, by hash."""

    name = "transactions"

    def moves(self, node: Evm, headers: list[Header], logs: list[list[Log]]) -> list[list[Move]]:
        """Return every transaction that carries value to somebody."""
        del logs
        places = busy(headers)
        calls = [[headers[place].hash_hex, True] for place in places]
        blocks = node.ask_many("eth_getBlockByHash", calls, Listed | None)
        found = (
            carried(headers[place], block) for place, block in zip(places, blocks, strict=True)
        )
        return spread(len(headers), places, found)


def carried(header: Header, block: Listed | None) -> list[Move]:
    """Return the moves of a block's list; raises NodeAway if it is not this block's."""
    if block is None or block.hash != header.hash_hex:
        raise another_block(header)
    return [
        Move(tx.hash, TOP_LEVEL, tx.sender, tx.to, tx.value)
        for tx in block.transactions
        if tx.value != "0x0" and tx.to is not None
    ]
