"""All that moved in a block, from its flat traces (`trace_block`: OpenEthereum's trace module).

Each call, creation and selfdestruct is one entry with its path in the transaction's tree. Asked by
number, for nodes differ in whether they take a hash: every entry names its block's hash, and that
is compared.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import field

from gateway.chain.evm import Evm
from gateway.chain.port import Header, Log, Malformed
from gateway.deposits.native.port import (
    NOTHING,
    PRECOMPILES,
    TOP_LEVEL,
    Move,
    another_block,
    busy,
    spread,
)

EMPTY = b"[]"


class Action(msgspec.Struct, frozen=True, gc=False):
    """What an entry did; which fields it has depends on its type."""

    value: str | None = None
    sender: str | None = field(name="from", default=None)
    to: str | None = None
    call_type: str | None = field(name="callType", default=None)
    balance: str | None = None
    address: str | None = None
    refund_address: str | None = field(name="refundAddress", default=None)


class Result(msgspec.Struct, frozen=True, gc=False):
    """What came of an entry: the address of what was created."""

    address: str | None = None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry; its path stays undecoded, because few entries carry value."""

    action: Action
    type: str
    block_hash: str = field(name="blockHash")
    path: msgspec.Raw = field(name="traceAddress")
    tx_hash: str | None = field(name="transactionHash", default=None)
    error: str | None = None
    result: Result | None = None


class TraceBlock:
    """Asks for the flat traces of blocks."""

    name = "trace_block"

    def moves(self, node: Evm, headers: list[Header], logs: list[list[Log]]) -> list[list[Move]]:
        """Return every call, creation and selfdestruct that carried value and stood."""
        del logs
        places = busy(headers)
        calls = [[headers[place].number_hex] for place in places]
        answers = node.ask_many("trace_block", calls, list[Entry] | None)
        found = (moved(headers[at], told) for at, told in zip(places, answers, strict=True))
        return spread(len(headers), places, found)


def moved(header: Header, entries: list[Entry] | None) -> list[Move]:
    """Return what moved; raises NodeAway for entries of another block, or for none at all."""
    if not entries or {entry.block_hash for entry in entries} != {header.hash_hex}:
        raise another_block(header)
    undone = {
        (entry.tx_hash, position_of(entry.path)) for entry in entries if entry.error is not None
    }
    found = list(carried(entries))
    if undone:
        found = [move for move in found if stands(move, undone)]
    if any(entry.action.to in PRECOMPILES for entry in entries):
        found = renumbered(found, entries)
    return found


def carried(entries: Iterable[Entry]) -> Iterator[Move]:
    """Return what carried value, whether it stood or not."""
    for entry in entries:
        action = entry.action
        if entry.type == "suicide":
            sender, to, value = action.address, action.refund_address, action.balance
        elif action.value in NOTHING:
            continue
        elif action.call_type == "call":
            sender, to, value = action.sender, action.to, action.value
        elif entry.type == "create" and entry.result is not None:
            sender, to, value = action.sender, entry.result.address, action.value
        else:  # delegatecall and callcode show a value that did not move
            continue
        if value not in NOTHING and sender and to and entry.tx_hash:
            yield Move(entry.tx_hash, position_of(entry.path), sender, to, str(value))


def stands(move: Move, undone: set[tuple[str | None, str]]) -> bool:
    """True unless the move's own frame or one above it failed: that takes back all below."""
    position = move.position
    while (move.tx_hash, position) not in undone:
        position, below, _ = position.rpartition(".")
        if not below:
            return True
    return False


def renumbered(moves: list[Move], entries: list[Entry]) -> list[Move]:
    """Return the moves as if calls of precompiled contracts that carry nothing had no place.

    Some nodes list them and some do not: left out for all, a move has one position everywhere.
    """
    left_out = {
        (entry.tx_hash, position_of(entry.path))
        for entry in entries
        if entry.action.to in PRECOMPILES and entry.action.value in NOTHING
    }
    found = []
    for move in moves:
        parts, above = move.position.split("."), TOP_LEVEL
        for depth, part in enumerate(parts[1:], 1):
            before = [(move.tx_hash, f"{above}.{place}") for place in range(int(part))]
            parts[depth] = str(int(part) - sum(one in left_out for one in before))
            above = f"{above}.{part}"
        found.append(move._replace(position=".".join(parts)))
    return found


def position_of(path: msgspec.Raw) -> str:
    """Return the position of a path: [] is TOP_LEVEL, [3,1] is "0.3.1". Raises Malformed."""
    written = bytes(path)
    if written == EMPTY:
        return TOP_LEVEL
    try:
        places: list[int] = msgspec.json.decode(written, type=list[int])
    except msgspec.MsgspecError as error:
        raise Malformed(f"the node told {written[:80]!r} where a path should be") from error
    return ".".join((TOP_LEVEL, *map(str, places)))
