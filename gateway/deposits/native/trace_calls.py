"""All that moved in a block, from the trees of its calls (geth's debug module)."""

import msgspec
from msgspec import field

from gateway.chain.evm import Evm
from gateway.chain.port import Header, Log, NodeAway
from gateway.deposits.native.frames import TRACER, Frame, moves_of
from gateway.deposits.native.port import Move, another_block, busy, spread


class Traced(msgspec.Struct, frozen=True):
    """One transaction of a traced block."""

    tx_hash: str = field(name="txHash")
    result: Frame | None = None
    error: str | None = None


class Hashes(msgspec.Struct, frozen=True):
    """A block and which transactions are in it."""

    hash: str
    transactions: list[str] = []


class TraceCalls:
    """Asks for the traces of whole blocks, by hash."""

    name = "trace_calls"

    def moves(self, node: Evm, headers: list[Header], logs: list[list[Log]]) -> list[list[Move]]:
        """Return every call, creation and selfdestruct that carried value and stood."""
        del logs
        places = busy(headers)
        calls = [[headers[place].hash_hex, TRACER] for place in places]
        answers = node.ask_many("debug_traceBlockByHash", calls, list[Traced] | None)
        found = (traced(headers[at], told) for at, told in zip(places, answers, strict=True))
        return spread(len(headers), places, found)


class TraceEach:
    """Asks for the trace of each transaction: for nodes that do not trace whole blocks."""

    name = "trace_each"

    def moves(self, node: Evm, headers: list[Header], logs: list[list[Log]]) -> list[list[Move]]:
        """Return every call, creation and selfdestruct that carried value and stood."""
        del logs
        places = busy(headers)
        blocks = hashes_of(node, [headers[place] for place in places])
        every = [tx_hash for block in blocks for tx_hash in block.transactions]
        frames = node.ask_many("debug_traceTransaction", [[one, TRACER] for one in every], Frame)
        # a trace names no block: while these blocks stand, it is theirs
        still_there(node, [headers[place] for place in places])
        trees = dict(zip(every, frames, strict=True))
        found = (
            [move for one in block.transactions for move in moves_of(one, trees[one])]
            for block in blocks
        )
        return spread(len(headers), places, found)


def traced(header: Header, answer: list[Traced] | None) -> list[Move]:
    """Return the moves of a block's traces; raises NodeAway when one of them is missing."""
    if not answer:
        raise another_block(header)
    found: list[Move] = []
    for one in answer:
        if one.result is None:
            raise NodeAway(f"the node cannot trace {one.tx_hash}: {one.error}")
        found += moves_of(one.tx_hash, one.result)
    return found


def hashes_of(node: Evm, headers: list[Header]) -> list[Hashes]:
    """Return the transactions of blocks, asked by hash."""
    calls = [[header.hash_hex, False] for header in headers]
    blocks = []
    answers = node.ask_many("eth_getBlockByHash", calls, Hashes | None)
    for header, block in zip(headers, answers, strict=True):
        if block is None or block.hash != header.hash_hex or not block.transactions:
            raise another_block(header)
        blocks.append(block)
    return blocks


def still_there(node: Evm, headers: list[Header]) -> None:
    """Raise NodeAway unless the node's chain has these very blocks."""
    calls = [[header.number_hex, False] for header in headers]
    answers = node.ask_many("eth_getBlockByNumber", calls, Hashes | None)
    for header, block in zip(headers, answers, strict=True):
        if block is None or block.hash != header.hash_hex:
            raise another_block(header)
