"""A development chain of busy blocks, 300 transactions and 500 token transfers each."""

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gateway.chain.artifacts import call_data, creation_code
from gateway.chain.evm import Evm, at_url
from gateway.chain.port import NodeAway, tohex, unhex
from gateway.local.anvil import binary
from gateway.local.ports import LOOPBACK, Ports

CHAIN_ID = 31337
SENDERS = 10
SINGLES, MANIES, TRANSFERS_OF_MANY, COINS, INNER_COINS = 100, 100, 4, 50, 50
TXS = SINGLES + MANIES + COINS + INNER_COINS
LOGS = SINGLES + MANIES * TRANSFERS_OF_MANY
PAID_EVERY = 60
"""One transfer in every so many blocks is to us."""
GAS, GAS_PRICE, BLOCK_GAS = 300_000, 100 * 10**9, 200_000_000
FUNDS = 10**15
OPTIONS = ("--no-mining", "--hardfork", "osaka", "--quiet", "--accounts", str(SENDERS))
MOCKS = Path(__file__).parents[1] / "tests" / "chain" / "abi"
READY_SECONDS = 20.0


@dataclass
class BusyChain:
    """A node with blocks worth reading, and the token that moves in them."""

    node: Evm
    url: str
    token: bytes
    first: int
    last: int


class Builder:
    """Puts transactions of unlocked accounts into the pool, a block's worth at a time."""

    def __init__(self, node: Evm) -> None:
        self.node = node
        self.accounts: list[str] = node.ask("eth_accounts", [], list[str])
        self._nonces = [0] * len(self.accounts)
        self._turn = 0
        self._waiting: list[list[dict[str, str]]] = []

    def put(self, to: bytes | None, data: bytes = b"", value: int = 0, gas: int = GAS) -> None:
        """Prepare a transaction of the next sender in turn."""
        sender = self._turn = (self._turn + 1) % len(self.accounts)
        fields = {
            "from": self.accounts[sender],
            "nonce": hex(self._nonces[sender]),
            "gas": hex(gas),
            "gasPrice": hex(GAS_PRICE),
            "value": hex(value),
            "data": tohex(data),
        }
        if to is not None:
            fields["to"] = tohex(to)
        self._nonces[sender] += 1
        self._waiting.append([fields])

    def mine(self) -> list[bytes]:
        """Send what is prepared and mine it; returns the hashes."""
        hashes = self.node.ask_many("eth_sendTransaction", self._waiting, str)
        self._waiting.clear()
        self.node.ask("anvil_mine", ["0x1", "0x1"], object)
        return [unhex(one) for one in hashes]

    def create(self, code: bytes) -> bytes:
        """Create a contract in a block of its own; returns its address."""
        self.put(None, code, gas=5_000_000)
        (tx_hash,) = self.mine()
        receipt: dict[str, str] = self.node.ask(
            "eth_getTransactionReceipt", [tohex(tx_hash)], dict[str, object]
        )
        return unhex(receipt["contractAddress"])


@contextmanager
def bare_node(*options: str) -> Iterator[tuple[Evm, str]]:
    """Run a node of its own with nothing on it; gives it and its URL."""
    with tempfile.TemporaryDirectory(prefix="mizan-chain-") as home:
        port, _ = Ports(Path(home)).choose("anvil")
        process = subprocess.Popen((str(binary()), *OPTIONS, *options, "--port", str(port)))
        try:
            url = f"http://{LOOPBACK}:{port}"
            node = at_url(url, CHAIN_ID)
            wait_for(node)
            yield node, url
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


@contextmanager
def busy_chain(blocks: int, ours: bytes) -> Iterator[BusyChain]:
    """Run a node with so many busy blocks, all final; a few transfers are to the address `ours`."""
    with bare_node("--gas-limit", str(BLOCK_GAS), "--slots-in-an-epoch", "1") as (node, url):
        yield filled(node, url, blocks, ours)


def wait_for(node: Evm) -> None:
    """Wait until the node answers."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            node.head()
            return
        except NodeAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def filled(node: Evm, url: str, blocks: int, ours: bytes) -> BusyChain:
    """Mine the blocks, and two empty ones that make them final."""
    builder = Builder(node)
    token = builder.create(creation_code("TestUSDC"))
    many, forwarder = builder.create(mock("MultiTransfer")), builder.create(mock("EthForwarder"))
    for holder in (many, *(unhex(account) for account in builder.accounts)):
        builder.put(token, call_data("mint(address,uint256)", holder, FUNDS))
    builder.mine()
    first = node.head().number + 1
    for number in range(first, first + blocks):
        fill(builder, number, token, many, forwarder, ours)
        builder.mine()
    last = node.head()
    assert last.number == first + blocks - 1
    assert len(node.logs(last.hash, [])) == LOGS, "a transaction failed"
    node.ask("anvil_mine", ["0x2", "0x1"], object)
    return BusyChain(node, url, token, first, last.number)


def fill(
    builder: Builder, number: int, token: bytes, many: bytes, forwarder: bytes, ours: bytes
) -> None:
    """Prepare one block; all but one in PAID_EVERY blocks pay strangers only."""
    for place in range(SINGLES):
        paid = place == 0 and number % PAID_EVERY == 0
        to = ours if paid else stranger(number, place)
        builder.put(token, call_data("transfer(address,uint256)", to, 1_000_000))
    for place in range(MANIES):
        values = (token, stranger(number, SINGLES + place), 1, TRANSFERS_OF_MANY)
        builder.put(many, call_data("transferMany(address,address,uint256,uint256)", *values))
    for place in range(COINS):
        builder.put(stranger(number, TXS + place), value=1)
    for place in range(INNER_COINS):
        to = stranger(number, 2 * TXS + place)
        builder.put(forwarder, call_data("forward(address)", to), value=1)


def stranger(number: int, place: int) -> bytes:
    """Return an address nobody has."""
    return sha256(f"{number}:{place}".encode()).digest()[:20]


def mock(name: str) -> bytes:
    """Return the creation code of one of the contracts written for tests."""
    return unhex(json.loads((MOCKS / f"{name}.json").read_text())["bytecode"])
