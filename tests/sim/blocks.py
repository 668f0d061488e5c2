"""Blocks of a scripted chain: what they hold, and what that makes them hash to."""

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import msgspec
from eth_utils.crypto import keccak

TRANSFER = keccak(text="Transfer(address,address,uint256)")
STRANGER = bytes.fromhex("77" * 20)
GENESIS_PARENT = bytes(32)
GAS_LIMIT = 30_000_000
BLOOM_BITS = 2048
TOP_LEVEL = "0"


@dataclass(frozen=True)
class Pay:
    """One movement of a transaction: `token` None is the native coin.

    Native coin at `path` "0" is the transaction's own value; any other path, such as "0.1", is an
    inner call that leaves no trace but in `trace_block`. Token movements are Transfer logs, in the
    order given.
    """

    to: bytes
    units: int
    token: bytes | None = None
    sender: bytes = STRANGER
    path: str = TOP_LEVEL


@dataclass(frozen=True)
class Tx:
    """A transaction. Its hash is its own whatever it does: `doing()` changes its effect only."""

    hash: bytes
    pays: tuple[Pay, ...] = ()
    succeeds: bool = True

    def doing(self, *pays: Pay, succeeds: bool = True) -> "Tx":
        """Return the same transaction with another effect."""
        return replace(self, pays=pays, succeeds=succeeds)

    @property
    def moved(self) -> tuple[Pay, ...]:
        """What really moved: nothing if it failed."""
        return self.pays if self.succeeds else ()

    @property
    def own(self) -> Pay | None:
        """The value the transaction carries itself."""
        return next((pay for pay in self.pays if pay.token is None and pay.path == TOP_LEVEL), None)

    @property
    def sender(self) -> bytes:
        return self.pays[0].sender if self.pays else STRANGER

    @property
    def to(self) -> bytes:
        """Whom it calls: whom it pays, else the token, else nobody in particular."""
        if self.own is not None:
            return self.own.to
        first = next((pay for pay in self.pays if pay.token is not None), None)
        return first.token if first is not None and first.token is not None else STRANGER


@dataclass(frozen=True, eq=False)
class Block:
    """A block; its hash is derived from its content, so that forks differ."""

    number: int
    parent: "Block | None"
    time: int
    txs: tuple[Tx, ...] = ()
    salt: int = 0
    _balances: dict[tuple[bytes | None, bytes], int] = field(default_factory=dict)

    @cached_property
    def hash(self) -> bytes:
        content = [
            self.number,
            self.parent_hash,
            self.time,
            [[tx.hash, tx.succeeds, list(tx.pays)] for tx in self.txs],
            self.salt,
        ]
        return keccak(msgspec.json.encode(content))

    @property
    def parent_hash(self) -> bytes:
        return GENESIS_PARENT if self.parent is None else self.parent.hash

    @cached_property
    def logs(self) -> list[dict[str, Any]]:
        """Every log of the block, as a node tells it."""
        logs: list[dict[str, Any]] = []
        for place, tx in enumerate(self.txs):
            for pay in tx.moved:
                if pay.token is not None:
                    logs.append(self._log(len(logs), place, tx, pay))
        return logs

    def _log(self, index: int, place: int, tx: Tx, pay: Pay) -> dict[str, Any]:
        assert pay.token is not None
        return {
            "address": hexed(pay.token),
            "topics": [hexed(TRANSFER), hexed(word(pay.sender)), hexed(word(pay.to))],
            "data": f"0x{pay.units:064x}",
            "blockNumber": hex(self.number),
            "blockHash": hexed(self.hash),
            "transactionHash": hexed(tx.hash),
            "transactionIndex": hex(place),
            "logIndex": hex(index),
            "removed": False,
        }

    @cached_property
    def bloom(self) -> str:
        """The filter of the logs' addresses and topics, 2,048 bits (Yellow Paper 4.3.1)."""
        return bloom_of(self.logs)

    @cached_property
    def header(self) -> dict[str, Any]:
        return {
            "number": hex(self.number),
            "hash": hexed(self.hash),
            "parentHash": hexed(self.parent_hash),
            "timestamp": hex(self.time),
            "logsBloom": self.bloom,
            "gasUsed": hex(21_000 * len(self.txs)),
            "gasLimit": hex(GAS_LIMIT),
            "baseFeePerGas": "0x7",
            "transactions": [hexed(tx.hash) for tx in self.txs],
        }

    @cached_property
    def full(self) -> dict[str, Any]:
        """The header with whole transactions."""
        return self.header | {
            "transactions": [self.transaction(place) for place in range(len(self.txs))]
        }

    def transaction(self, place: int) -> dict[str, Any]:
        """Return a transaction as a node tells it."""
        tx = self.txs[place]
        return {
            "hash": hexed(tx.hash),
            "from": hexed(tx.sender),
            "to": hexed(tx.to),
            "value": hex(tx.own.units if tx.own else 0),
            "nonce": hex(place),
            "input": "0x",
            "type": "0x2",
            "blockHash": hexed(self.hash),
            "blockNumber": hex(self.number),
            "transactionIndex": hex(place),
        }

    def receipt(self, place: int) -> dict[str, Any]:
        """Return what became of a transaction."""
        tx = self.txs[place]
        logs = [log for log in self.logs if log["transactionHash"] == hexed(tx.hash)]
        return {
            "transactionHash": hexed(tx.hash),
            "transactionIndex": hex(place),
            "blockHash": hexed(self.hash),
            "blockNumber": hex(self.number),
            "from": hexed(tx.sender),
            "to": hexed(tx.to),
            "status": hex(int(tx.succeeds)),
            "gasUsed": hex(21_000),
            "cumulativeGasUsed": hex(21_000 * (place + 1)),
            "effectiveGasPrice": "0x8",
            "type": "0x2",
            "logs": logs,
            "logsBloom": bloom_of(logs),
        }

    def traces(self) -> list[dict[str, Any]]:
        """Return every call with value, as `trace_block` tells it."""
        return [trace for place, tx in enumerate(self.txs) for trace in self._traces_of(place, tx)]

    def _traces_of(self, place: int, tx: Tx) -> list[dict[str, Any]]:
        inner = [pay for pay in tx.pays if pay.token is None and pay.path != TOP_LEVEL]
        calls = [tx.own or Pay(tx.to, 0, sender=tx.sender), *inner]
        return [
            {
                "action": {
                    "callType": "call",
                    "from": hexed(pay.sender),
                    "to": hexed(pay.to),
                    "value": hex(pay.units),
                    "gas": "0x0",
                    "input": "0x",
                },
                "type": "call",
                "traceAddress": [int(part) for part in pay.path.split(".")[1:]],
                "subtraces": 0 if pay.path != TOP_LEVEL else len(inner),
                "blockHash": hexed(self.hash),
                "blockNumber": self.number,
                "transactionHash": hexed(tx.hash),
                "transactionPosition": place,
                **({"result": {"gasUsed": "0x0", "output": "0x"}} if tx.succeeds else {}),
                **({} if tx.succeeds else {"error": "Reverted"}),
            }
            for pay in calls
        ]

    def balance(self, token: bytes | None, address: bytes) -> int:
        """Return what an address has after this block; nobody has less than nothing."""
        chain, block = [], self
        while (token, address) not in block._balances and block.parent is not None:
            chain.append(block)
            block = block.parent
        held = block._balances.setdefault((token, address), 0)
        for block in reversed(chain):
            for tx in block.txs:
                held += sum(moved(pay, token, address) for pay in tx.moved)
            block._balances[token, address] = held
        return max(held, 0)


def moved(pay: Pay, token: bytes | None, address: bytes) -> int:
    """Return what a movement did to a balance."""
    if pay.token != token:
        return 0
    return pay.units * ((pay.to == address) - (pay.sender == address))


def bloom_of(logs: list[dict[str, Any]]) -> str:
    """Return the filter of these logs' addresses and topics."""
    bits = 0
    for log in logs:
        for part in (log["address"], *log["topics"]):
            bits |= bits_of(part)
    return f"0x{bits:0{BLOOM_BITS // 4}x}"


@lru_cache(maxsize=4096)
def bits_of(part: str) -> int:
    """Return the three bits that an address or a topic sets."""
    digest, bits = keccak(hexstr=part), 0
    for pair in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[pair : pair + 2], "big") % BLOOM_BITS)
    return bits


def word(address: bytes) -> bytes:
    """Pad an address to a topic."""
    return address.rjust(32, b"\0")


def hexed(value: bytes) -> str:
    return "0x" + value.hex()
