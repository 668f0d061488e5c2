"""An Ethereum node: the port's methods as raw JSON-RPC (ethereum/execution-apis)."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway.chain.port import (
    At,
    Block,
    Data,
    Hash,
    Header,
    Log,
    NodeAway,
    NodeError,
    Number,
    Receipt,
    Transaction,
    tohex,
    unhex,
)
from gateway.chain.rpc import Endpoint
from gateway.errors import UnknownChain
from gateway.settings import settings

if TYPE_CHECKING:
    from gateway.chain.pool import Pool

BATCH_CALLS_MAX = 100
BALANCE_OF = bytes.fromhex("70a08231")
"""keccak256("balanceOf(address)"), first four bytes (ERC-20)."""
WORD = 32


class Questions:
    """What a node is asked, over one way to ask it."""

    def ask(self, method: str, parameters: list[Any], result: Any) -> Any:
        """Call any method; raises NodeAway, NodeError."""
        raise NotImplementedError

    def ask_many(self, method: str, calls: list[list[Any]], result: Any) -> list[Any]:
        """Call a method many times; the answers are in order."""
        raise NotImplementedError

    def chain_id(self) -> int:
        """Return the chain's number (EIP-155)."""
        return int(self.ask("eth_chainId", [], Number), 16)

    def head(self) -> Header:
        """Return the newest block."""
        head: Header | None = self.ask("eth_getBlockByNumber", ["latest", False], Header | None)
        if head is None:
            raise NodeAway("the node has no newest block")
        return head

    def header(self, at: At) -> Header | None:
        """Return a block without its transactions; None if the node has none there."""
        header: Header | None = self.ask(*self._block_call(at, False), Header | None)
        return header

    def headers(self, first: int, last: int) -> list[Header | None]:
        """Return the blocks of these heights, both included, without their transactions."""
        calls = [[hex(number), False] for number in range(first, last + 1)]
        return self.ask_many("eth_getBlockByNumber", calls, Header | None)

    def block(self, at: At) -> Block | None:
        """Return a block with its transactions; None if the node has none there."""
        block: Block | None = self.ask(*self._block_call(at, True), Block | None)
        return block

    def _block_call(self, at: At, full: bool) -> tuple[str, list[Any]]:
        if isinstance(at, bytes):
            return "eth_getBlockByHash", [tohex(at), full]
        return "eth_getBlockByNumber", [hex(at) if isinstance(at, int) else at, full]

    def logs(
        self, block_hash: bytes, topics: list[bytes], addresses: list[bytes] | None = None
    ) -> list[Log]:
        """Return one block's logs whose first topic is one of `topics`, in order.

        Asked by hash, a node that does not have the block says so instead of answering nothing
        (EIP-234).
        """
        query: dict[str, Any] = {
            "blockHash": tohex(block_hash),
            "topics": [[tohex(topic) for topic in topics]],
        }
        if addresses is not None:
            query["address"] = [tohex(address) for address in addresses]
        logs: list[Log] = self.ask("eth_getLogs", [query], list[Log])
        return logs

    def logs_between(self, first: int, last: int, topics: list[bytes]) -> list[Log]:
        """Return the logs of a range of blocks whose first topic is one of `topics`, in order.

        For heights that are final: asked by number, a node that lacks a block answers without it.
        """
        query = {
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "topics": [[tohex(topic) for topic in topics]],
        }
        logs: list[Log] = self.ask("eth_getLogs", [query], list[Log])
        return logs

    def transaction(self, tx_hash: bytes) -> Transaction | None:
        """Return a transaction, mined or waiting; None if the node does not know it."""
        found: Transaction | None = self.ask(
            "eth_getTransactionByHash", [tohex(tx_hash)], Transaction | None
        )
        return found

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Return what became of a transaction; None while it is not mined."""
        receipt: Receipt | None = self.ask(
            "eth_getTransactionReceipt", [tohex(tx_hash)], Receipt | None
        )
        return receipt

    def receipts(self, tx_hashes: list[bytes]) -> list[Receipt | None]:
        """Return what became of many transactions, in order."""
        calls = [[tohex(tx_hash)] for tx_hash in tx_hashes]
        return self.ask_many("eth_getTransactionReceipt", calls, Receipt | None)

    def balance(self, address: bytes, at: At = "latest") -> int:
        """Return an address's native coin in wei."""
        return int(self.ask("eth_getBalance", [tohex(address), state(at)], Number), 16)

    def token_balance(self, token: bytes, address: bytes, at: At = "latest") -> int:
        """Return an address's tokens in the token's base units (ERC-20 balanceOf)."""
        return number(self.call(token, balance_call(address), at))

    def balances(self, addresses: list[bytes], token: bytes | None, block_hash: bytes) -> list[int]:
        """Return the balances of many addresses at one block; `token` None is the native coin.

        Raises NodeError when the node no longer has that block's state, or when the block is not
        on its chain (EIP-1898).
        """
        at = {"blockHash": tohex(block_hash), "requireCanonical": True}
        if token is None:
            calls: list[list[Any]] = [[tohex(address), at] for address in addresses]
            return [int(answer, 16) for answer in self.ask_many("eth_getBalance", calls, Number)]
        calls = [
            [{"to": tohex(token), "data": tohex(balance_call(address))}, at]
            for address in addresses
        ]
        return [number(unhex(answer)) for answer in self.ask_many("eth_call", calls, Data)]

    def nonce(self, address: bytes, at: At = "latest") -> int:
        """Return how many transactions an address has sent; "pending" counts waiting ones."""
        return int(self.ask("eth_getTransactionCount", [tohex(address), state(at)], Number), 16)

    def code(self, address: bytes, at: At = "latest") -> bytes:
        """Return the code at an address, empty if it is no contract."""
        return unhex(self.ask("eth_getCode", [tohex(address), state(at)], Data))

    def call(self, to: bytes, data: bytes, at: At = "latest", sender: bytes | None = None) -> bytes:
        """Return what a contract answers, changing nothing; a revert is a NodeError with `data`."""
        query = {"to": tohex(to), "data": tohex(data)}
        if sender is not None:
            query["from"] = tohex(sender)
        return unhex(self.ask("eth_call", [query, state(at)], Data))

    def estimate_gas(
        self,
        *,
        sender: bytes,
        to: bytes,
        data: bytes = b"",
        value: int = 0,
        code: bytes | None = None,
    ) -> int:
        """Return the gas a transaction would need now; a revert is a NodeError with `data`.

        `code` stands for the target's own while this is asked (a state override).
        """
        query = {"from": tohex(sender), "to": tohex(to), "data": tohex(data), "value": hex(value)}
        asked: list[Any] = [query, "latest"]
        if code is not None:
            asked.append({tohex(to): {"code": tohex(code)}})
        return int(self.ask("eth_estimateGas", asked, Number), 16)

    def base_fee(self) -> int:
        """Return the newest block's base fee in wei per gas (EIP-1559)."""
        return self.head().base_fee

    def max_priority_fee(self) -> int:
        """Return the tip the node suggests, in wei per gas."""
        return int(self.ask("eth_maxPriorityFeePerGas", [], Number), 16)

    def send_raw(self, raw: bytes) -> bytes:
        """Hand over a signed transaction and return its hash.

        NodeAway after this call means that it may have been sent.
        """
        return unhex(self.ask("eth_sendRawTransaction", [tohex(raw)], Hash))


class Evm(Questions):
    """One chain's node behind one endpoint; safe to use from several threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.calls_max = BATCH_CALLS_MAX

    @property
    def name(self) -> str:
        """Where the node is, as an operator may read it: no credentials, no access key."""
        return self.endpoint.name

    def ask(self, method: str, parameters: list[Any], result: Any) -> Any:
        """Call any method; raises NodeAway, NodeError, both of this endpoint."""
        try:
            return self.endpoint.call(method, parameters, result)
        except (NodeAway, NodeError) as error:
            error.said_by = self.name
            raise

    def ask_many(self, method: str, calls: list[list[Any]], result: Any) -> list[Any]:
        """Call a method many times, `calls_max` in one request; raises as `ask`."""
        answers: list[Any] = []
        try:
            for start in range(0, len(calls), self.calls_max):
                some = calls[start : start + self.calls_max]
                answers += self.endpoint.batch(method, some, result)
        except (NodeAway, NodeError) as error:
            error.said_by = self.name
            raise
        return answers

    def close(self) -> None:
        """Drop this thread's connection."""
        self.endpoint.close()


def state(at: At) -> Any:
    """Return the block parameter of a question about state; a hash must be canonical (EIP-1898)."""
    if isinstance(at, bytes):
        return {"blockHash": tohex(at), "requireCanonical": True}
    return hex(at) if isinstance(at, int) else at


def balance_call(address: bytes) -> bytes:
    """Return the call data of balanceOf(address)."""
    return BALANCE_OF + address.rjust(WORD, b"\0")


def number(word: bytes) -> int:
    """Read a uint256; raises NodeAway when nothing came back, as from an address without code."""
    if len(word) < WORD:
        raise NodeAway("the contract did not answer with a number: is it a token?")
    return int.from_bytes(word[:WORD], "big")


@lru_cache(maxsize=64)
def node(chain: str) -> "Pool":
    """Return the endpoints of a chain by CAIP-2 id ("eip155:1"), the same pool each time.

    Raises UnknownChain when this process was not told an endpoint.
    """
    from gateway.chain.pool import Pool  # it is made of what this module defines

    endpoints = settings().endpoints.get(chain)
    if not endpoints:
        raise UnknownChain(f"no node of {chain[:40]!r} is configured", field="chain")
    number = int(chain.removeprefix("eip155:"))
    return Pool.of(*(at_url(url, number) for url in endpoints))


def at_url(url: str, chain_id: int | None = None) -> Evm:
    """Return a node by its URL; with `chain_id`, one that serves another chain is refused."""
    return Evm(Endpoint(url, chain_id))
