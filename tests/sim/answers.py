"""What an honest node answers about the chain that ends with one head: JSON-RPC, method by method.

Sources: ethereum/execution-apis; EIP-234 (logs by block hash), EIP-1898 (state by block hash).
"""

from collections.abc import Callable
from typing import Any

from eth_utils.crypto import keccak

from tests.sim.blocks import Block, hexed

BALANCE_OF, DECIMALS = "0x70a08231", "0x313ce567"
UNKNOWN_BLOCK, NO_METHOD, BAD_CALL = -32000, -32601, -32602


class Told(Exception):
    """An error member in the answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Chain:
    """A head and what lies below it; where `safe` and `finalized` are None, the node has no such
    tags. `stale` are blocks that left the chain and are still told by hash."""

    def __init__(
        self,
        line: list[Block],
        *,
        chain_id: int,
        safe: int | None,
        finalized: int | None,
        decimals: dict[bytes, int],
        stale: dict[bytes, Block],
        traces: bool,
    ) -> None:
        self.line, self.chain_id, self.decimals, self.traces = line, chain_id, decimals, traces
        self.tags = {"safe": safe, "finalized": finalized}
        self.stale = stale
        self.first = line[0].number

    @property
    def head(self) -> Block:
        return self.line[-1]

    def at_number(self, number: int) -> Block | None:
        place = number - self.first
        return self.line[place] if 0 <= place < len(self.line) else None

    def at_hash(self, text: str) -> Block | None:
        found = self.stale.get(bytes.fromhex(text[2:]))
        return found if found is not None else self.canonical(text)

    def canonical(self, text: str) -> Block | None:
        wanted = bytes.fromhex(text[2:])
        return next((block for block in reversed(self.line) if block.hash == wanted), None)

    def at(self, name: Any) -> Block | None:
        """Return a block by number, tag or EIP-1898 object."""
        if isinstance(name, dict):
            if "blockHash" not in name:
                return self.at(name["blockNumber"])
            return self.canonical(name["blockHash"])
        if name in ("latest", "pending"):
            return self.head
        if name == "earliest":
            return self.line[0]
        if name in self.tags:
            height = self.tags[name]
            if height is None:
                raise Told(UNKNOWN_BLOCK, f"{name} block not found")
            return self.at_number(min(height, self.head.number))
        return self.at_number(int(name, 16))

    def state(self, name: Any) -> Block:
        found = self.at(name)
        if found is None:
            raise Told(UNKNOWN_BLOCK, "header not found")
        return found

    def place_of(self, tx_hash: str) -> tuple[Block, int] | None:
        wanted = bytes.fromhex(tx_hash[2:])
        for block in reversed(self.line):
            for place, tx in enumerate(block.txs):
                if tx.hash == wanted:
                    return block, place
        return None


def block_by_number(chain: Chain, name: Any, full: bool = False) -> Any:
    return shown(chain.at(name), full)


def block_by_hash(chain: Chain, text: str, full: bool = False) -> Any:
    return shown(chain.at_hash(text), full)


def shown(block: Block | None, full: bool) -> Any:
    if block is None:
        return None
    return block.full if full else block.header


def logs(chain: Chain, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer by block hash, or by a range of numbers: heights that are missing are silence."""
    if "blockHash" in query:
        block = chain.at_hash(query["blockHash"])
        if block is None:
            raise Told(UNKNOWN_BLOCK, "unknown block")
        blocks = [block]
    else:
        first = chain.state(query.get("fromBlock", "latest")).number
        last = query.get("toBlock", "latest")
        top = int(last, 16) if last.startswith("0x") else chain.state(last).number
        blocks = [one for one in chain.line if first <= one.number <= top]
    return [log for block in blocks for log in block.logs if matches(log, query)]


def matches(log: dict[str, Any], query: dict[str, Any]) -> bool:
    address = query.get("address")
    if address is not None:
        wanted = [address] if isinstance(address, str) else address
        if log["address"] not in [one.lower() for one in wanted]:
            return False
    for place, topic in enumerate(query.get("topics") or []):
        allowed = [topic] if isinstance(topic, str) else topic
        if allowed and (place >= len(log["topics"]) or log["topics"][place] not in allowed):
            return False
    return True


def transaction(chain: Chain, tx_hash: str) -> Any:
    found = chain.place_of(tx_hash)
    return None if found is None else found[0].transaction(found[1])


def receipt(chain: Chain, tx_hash: str) -> Any:
    found = chain.place_of(tx_hash)
    return None if found is None else found[0].receipt(found[1])


def block_receipts(chain: Chain, name: Any) -> Any:
    by_hash = isinstance(name, str) and len(name) == 66
    block = chain.at_hash(name) if by_hash else chain.at(name)
    return None if block is None else [block.receipt(place) for place in range(len(block.txs))]


def balance(chain: Chain, address: str, name: Any = "latest") -> str:
    return hex(chain.state(name).balance(None, bytes.fromhex(address[2:])))


def call(chain: Chain, query: dict[str, Any], name: Any = "latest", *overrides: Any) -> str:
    """Answer balanceOf and decimals of tokens; everything else is an address without code."""
    if overrides:
        raise Told(BAD_CALL, "too many arguments, want at most 2")
    token = bytes.fromhex(query["to"][2:])
    data = query.get("data") or query.get("input") or "0x"
    block = chain.state(name)
    if token not in chain.decimals:
        return "0x"
    if data.startswith(BALANCE_OF):
        return f"0x{block.balance(token, bytes.fromhex(data[-40:])):064x}"
    if data.startswith(DECIMALS):
        return f"0x{chain.decimals[token]:064x}"
    raise Told(3, "execution reverted")


def code(chain: Chain, address: str, name: Any = "latest") -> str:
    chain.state(name)
    return "0x60" if bytes.fromhex(address[2:]) in chain.decimals else "0x"


def trace_block(chain: Chain, name: Any) -> Any:
    if not chain.traces:
        raise Told(NO_METHOD, "the method trace_block does not exist/is not available")
    block = chain.at(name)
    return None if block is None else block.traces()


METHODS: dict[str, Callable[..., Any]] = {
    "eth_chainId": lambda chain: hex(chain.chain_id),
    "net_version": lambda chain: str(chain.chain_id),
    "web3_clientVersion": lambda chain: "Scripted/1.0",
    "eth_syncing": lambda chain: False,
    "eth_blockNumber": lambda chain: hex(chain.head.number),
    "eth_gasPrice": lambda chain: "0x8",
    "eth_maxPriorityFeePerGas": lambda chain: "0x1",
    "eth_getTransactionCount": lambda chain, *_: "0x0",
    "eth_sendRawTransaction": lambda chain, raw: hexed(keccak(hexstr=raw)),
    "eth_getBlockByNumber": block_by_number,
    "eth_getBlockByHash": block_by_hash,
    "eth_getLogs": logs,
    "eth_getTransactionByHash": transaction,
    "eth_getTransactionReceipt": receipt,
    "eth_getBlockReceipts": block_receipts,
    "eth_getBalance": balance,
    "eth_call": call,
    "eth_getCode": code,
    "trace_block": trace_block,
}


def answer(chain: Chain, method: str, parameters: list[Any]) -> Any:
    """Return a method's result; raises Told for an error."""
    if method not in METHODS:
        raise Told(NO_METHOD, f"the method {method} does not exist/is not available")
    return METHODS[method](chain, *parameters)
