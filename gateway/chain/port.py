"""What we need of a node, and the facts it tells; the rest of the gateway knows nothing else of it.

The facts keep the node's own hexadecimal text and read it when asked, because a block holds
hundreds of transfers and one of them is ours. Amounts are base units of the chain (wei for the
native coin), hashes 32 bytes, addresses 20 bytes. Field names: the Ethereum JSON-RPC specification
(ethereum/execution-apis).

What has another form than its field's is refused where the answer is decoded, in the name of the
endpoint that told it. Logs and traces come by the thousand, so of theirs the lengths are held, and
a letter that is no digit is found where it is read.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Meta, field

from gateway.errors import DependencyAway

Tag: TypeAlias = Literal["latest", "pending", "safe", "finalized", "earliest"]
At: TypeAlias = int | bytes | Tag
"""A block by number, by hash or by tag. Only a hash names one block for ever."""

Hash: TypeAlias = Annotated[str, Meta(pattern=r"\A0x[0-9a-fA-F]{64}\Z")]
Place: TypeAlias = Annotated[str, Meta(pattern=r"\A0x[0-9a-fA-F]{40}\Z")]
Data: TypeAlias = Annotated[str, Meta(pattern=r"\A0x(?:[0-9a-fA-F]{2})*\Z")]
Number: TypeAlias = Annotated[str, Meta(pattern=r"\A0x[0-9a-fA-F]{1,64}\Z")]
Height: TypeAlias = Annotated[str, Meta(pattern=r"\A0x0*[0-9a-fA-F]{1,15}\Z")]
"""A number that a column of eight bytes takes."""
Moment: TypeAlias = Annotated[str, Meta(pattern=r"\A0x0*[0-9a-fA-F]{1,9}\Z")]
"""Seconds up to the year 4147: the same in milliseconds is no date at all."""
AsLongAsAHash: TypeAlias = Annotated[str, Meta(min_length=66, max_length=66)]
AsLongAsAPlace: TypeAlias = Annotated[str, Meta(min_length=42, max_length=42)]


class NodeAway(DependencyAway):
    """The node did not answer, not in time, or not what JSON-RPC answers look like."""

    code = "node_away"
    said_by = ""
    """The endpoint it is about, where one is known."""


class NodeError(DependencyAway):
    """The node answered with an error; `rpc_code`, `message` and a revert's `data` are its own."""

    code = "node_error"
    said_by = ""

    def __init__(self, rpc_code: int, message: str, data: str | None = None) -> None:
        super().__init__(f"the node answered: {message[:300]}")
        self.rpc_code, self.message, self.data = rpc_code, message, data


class Malformed(NodeAway, ValueError):
    """The node told something else where hexadecimal digits should be."""


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """A transaction as it stands in a block."""

    hash_hex: Hash = field(name="hash")
    from_hex: Place = field(name="from")
    value_hex: Number = field(name="value")
    to_hex: Place | None = field(name="to", default=None)
    nonce_hex: Number = field(name="nonce", default="0x0")
    block_hash_hex: Hash | None = field(name="blockHash", default=None)
    block_number_hex: Height | None = field(name="blockNumber", default=None)

    @property
    def hash(self) -> bytes:
        return unhex(self.hash_hex)

    @property
    def sender(self) -> bytes:
        return unhex(self.from_hex)

    @property
    def to(self) -> bytes | None:
        return unhex(self.to_hex) if self.to_hex else None

    @property
    def value(self) -> int:
        return int(self.value_hex, 16)

    @property
    def nonce(self) -> int:
        return int(self.nonce_hex, 16)

    @property
    def block_hash(self) -> bytes | None:
        return unhex(self.block_hash_hex) if self.block_hash_hex else None

    @property
    def block_number(self) -> int | None:
        return int(self.block_number_hex, 16) if self.block_number_hex else None


class Header(msgspec.Struct, frozen=True):
    """A block without its transactions."""

    hash_hex: Hash = field(name="hash")
    parent_hash_hex: Hash = field(name="parentHash")
    number_hex: Height = field(name="number")
    timestamp_hex: Moment = field(name="timestamp")
    gas_used_hex: Number = field(name="gasUsed")
    gas_limit_hex: Number = field(name="gasLimit", default="0x0")
    base_fee_hex: Number = field(name="baseFeePerGas", default="0x0")
    logs_bloom_hex: Data = field(name="logsBloom", default="0x")

    @property
    def hash(self) -> bytes:
        return unhex(self.hash_hex)

    @property
    def parent_hash(self) -> bytes:
        return unhex(self.parent_hash_hex)

    @property
    def number(self) -> int:
        return int(self.number_hex, 16)

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(int(self.timestamp_hex, 16), UTC)

    @property
    def gas_used(self) -> int:
        return int(self.gas_used_hex, 16)

    @property
    def gas_limit(self) -> int:
        return int(self.gas_limit_hex, 16)

    @property
    def base_fee(self) -> int:
        """Wei per gas; zero on a chain without EIP-1559."""
        return int(self.base_fee_hex, 16)

    @property
    def logs_bloom(self) -> bytes:
        """The filter of the block's logs, 2,048 bits; empty where the node tells none."""
        return unhex(self.logs_bloom_hex)


class Block(Header, frozen=True):
    """A block with its transactions."""

    transactions: list[Transaction] = []


class Log(msgspec.Struct, frozen=True, gc=False):
    """An event a contract emitted."""

    address_hex: AsLongAsAPlace = field(name="address")
    topics_hex: tuple[str, ...] = field(name="topics")
    data_hex: str = field(name="data")
    tx_hash_hex: AsLongAsAHash = field(name="transactionHash")
    log_index_hex: str = field(name="logIndex")
    block_hash_hex: str | None = field(name="blockHash", default=None)
    removed: bool = False

    @property
    def address(self) -> bytes:
        return unhex(self.address_hex)

    @property
    def topics(self) -> tuple[bytes, ...]:
        return tuple(unhex(topic) for topic in self.topics_hex)

    @property
    def data(self) -> bytes:
        return unhex(self.data_hex)

    @property
    def tx_hash(self) -> bytes:
        return unhex(self.tx_hash_hex)

    @property
    def log_index(self) -> int:
        """The log's place in its block."""
        return whole(self.log_index_hex)

    @property
    def block_hash(self) -> bytes | None:
        return unhex(self.block_hash_hex) if self.block_hash_hex else None


class Receipt(msgspec.Struct, frozen=True):
    """What became of a mined transaction."""

    tx_hash_hex: Hash = field(name="transactionHash")
    block_hash_hex: Hash = field(name="blockHash")
    block_number_hex: Height = field(name="blockNumber")
    gas_used_hex: Number = field(name="gasUsed")
    from_hex: Place = field(name="from")
    status_hex: Number = field(name="status", default="0x0")
    to_hex: Place | None = field(name="to", default=None)
    effective_gas_price_hex: Number = field(name="effectiveGasPrice", default="0x0")
    l1_fee_hex: Number = field(name="l1Fee", default="0x0")
    logs: list[Log] = []

    def __post_init__(self) -> None:
        """Refuse a log without a place: a receipt has few, and another one's tells whose lie it is.

        Raises Malformed, which is a ValueError and so makes msgspec refuse the answer.
        """
        for log in self.logs:
            whole(log.log_index_hex)

    @property
    def tx_hash(self) -> bytes:
        return unhex(self.tx_hash_hex)

    @property
    def block_hash(self) -> bytes:
        return unhex(self.block_hash_hex)

    @property
    def block_number(self) -> int:
        return int(self.block_number_hex, 16)

    @property
    def succeeded(self) -> bool:
        """True for status 1 (EIP-658)."""
        return int(self.status_hex, 16) == 1

    @property
    def gas_used(self) -> int:
        return int(self.gas_used_hex, 16)

    @property
    def effective_gas_price(self) -> int:
        return int(self.effective_gas_price_hex, 16)

    @property
    def fee(self) -> int:
        """Wei the sender paid for gas; a rollup's layer 1 part included where the node tells it."""
        return self.gas_used * self.effective_gas_price + int(self.l1_fee_hex, 16)


class Node(Protocol):
    """One chain's node. Every method raises NodeAway or NodeError."""

    def chain_id(self) -> int: ...
    def head(self) -> Header: ...
    def header(self, at: At) -> Header | None: ...
    def headers(self, first: int, last: int) -> list[Header | None]: ...
    def block(self, at: At) -> Block | None: ...
    def logs(
        self, block_hash: bytes, topics: list[bytes], addresses: list[bytes] | None = None
    ) -> list[Log]: ...
    def logs_between(self, first: int, last: int, topics: list[bytes]) -> list[Log]: ...
    def transaction(self, tx_hash: bytes) -> Transaction | None: ...
    def receipt(self, tx_hash: bytes) -> Receipt | None: ...
    def receipts(self, tx_hashes: list[bytes]) -> list[Receipt | None]: ...
    def balance(self, address: bytes, at: At = "latest") -> int: ...
    def token_balance(self, token: bytes, address: bytes, at: At = "latest") -> int: ...
    def balances(
        self, addresses: list[bytes], token: bytes | None, block_hash: bytes
    ) -> list[int]: ...
    def nonce(self, address: bytes, at: At = "latest") -> int: ...
    def code(self, address: bytes, at: At = "latest") -> bytes: ...
    def call(
        self, to: bytes, data: bytes, at: At = "latest", sender: bytes | None = None
    ) -> bytes: ...
    def estimate_gas(
        self,
        *,
        sender: bytes,
        to: bytes,
        data: bytes = b"",
        value: int = 0,
        code: bytes | None = None,
    ) -> int: ...
    def base_fee(self) -> int: ...
    def max_priority_fee(self) -> int: ...
    def send_raw(self, raw: bytes) -> bytes: ...


def unhex(text: str) -> bytes:
    """Return the bytes of 0x text; raises Malformed."""
    try:
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise Malformed(f"the node told {text[:80]!r} where bytes should be") from error


def whole(text: str) -> int:
    """Return the number of 0x text; raises Malformed."""
    try:
        return int(text, 16)
    except ValueError as error:
        raise Malformed(f"the node told {text[:80]!r} where a number should be") from error


def tohex(value: bytes) -> str:
    """Write bytes as 0x text."""
    return "0x" + value.hex()
