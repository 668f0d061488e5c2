"""A second chain is added to a running installation, and money comes in and goes out on it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from eth_account import Account

from tests.conftest import TestNode, running_anvil
from tests.whole.conftest import ROOT, Whole, installation
from tests.whole.world import eventually

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]

SECOND = "eip155:31338"
FIRST = "eip155:31337"
PASSWORD = "the owner's own"
MINT_CALL = "40c10f19"  # mint(address,uint256)
TRANSFER_CALL = "a9059cbb"
TOKEN = ROOT / "gateway" / "chain" / "abi" / "TestUSDC.json"


@contextmanager
def mining(home: Path, chain: str) -> Iterator[TestNode]:
    """Run a node with a block every second."""
    home.mkdir()
    with running_anvil(home, "--chain-id", chain.partition(":")[2]) as node:
        node.call("evm_setIntervalMining", 1)
        yield node


@pytest.fixture
def two_nodes(tmp_path: Path) -> Iterator[dict[str, TestNode]]:
    """Two chains, neither of them the stack's own."""
    with mining(tmp_path / "a", FIRST) as first, mining(tmp_path / "b", SECOND) as second:
        yield {FIRST: first, SECOND: second}


@pytest.fixture
def both(tmp_path: Path, two_nodes: dict[str, TestNode]) -> Iterator[Whole]:
    """An installation that was told two nodes and serves the first chain."""
    chains = " ".join(f"{chain}=http://127.0.0.1:{node.port}" for chain, node in two_nodes.items())
    with installation(tmp_path / "home", chains) as found:
        yield found


def owner_keystore(folder: Path, node: TestNode) -> Path:
    """Make the cold owner, with money for gas; returns the encrypted file."""
    owner = Account.create()
    node.call("anvil_setBalance", owner.address, hex(10**20))
    file = folder / "owner.json"
    file.write_text(json.dumps(Account.encrypt(owner.key, PASSWORD, kdf="pbkdf2", iterations=1000)))
    return file


def token(node: TestNode) -> str:
    """Put a token on the chain; returns its address."""
    code = json.loads(TOKEN.read_text())["bytecode"]
    sent = node.call("eth_sendTransaction", {"from": node.accounts()[0], "data": code})
    receipt = eventually("the token is there", lambda: node.call("eth_getTransactionReceipt", sent))
    assert isinstance(receipt, dict)
    return str(receipt["contractAddress"])


def order(node: TestNode, contract: str, call: str, to: str, units: int) -> None:
    """Call a token from an unlocked account."""
    node.send(to=contract, data=f"0x{call}{to[2:].lower().zfill(64)}{units:064x}")


def add(both: Whole, owner: Path, usdc: str) -> "subprocess.CompletedProcess[str]":
    """Run `mizan chain add`."""
    return both.mizan(
        *("chain", "add", SECOND, "--name", "Second", "--treasury", Account.create().address),
        *("--owner-keystore", str(owner), "--asset", "ETH=native", "--asset", f"USDC={usdc}"),
        *("--confirmations", "2", "--block-seconds", "1"),
        MIZAN_OWNER_PASSWORD=PASSWORD,
    )


def test_a_chain_is_added_and_serves(
    both: Whole, two_nodes: dict[str, TestNode], tmp_path: Path
) -> None:
    node, api = two_nodes[SECOND], both.api
    usdc = token(node)
    owner = owner_keystore(tmp_path, node)
    done = add(both, owner, usdc)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Second (eip155:31338) is served from block" in done.stdout
    both.until_ready()

    account = api.account("second")
    where = {
        chain: api.post(f"/v1/accounts/{account}/addresses", {"chain": chain})["address"]
        for chain in two_nodes
    }
    order(node, usdc, MINT_CALL, node.accounts()[9], 10**9)
    order(node, usdc, TRANSFER_CALL, where[SECOND], 25 * 10**6)
    node.send(to=where[SECOND], value=10**17)
    both.chain.send(where[FIRST], "USDC", 17 * 10**6)
    rows = eventually("three credits", lambda: three_credits(both, account), 90)
    assert {(row["chain"], row["asset"], row["amount"]) for row in rows} == {
        (SECOND, "USDC", "25"),
        (SECOND, "ETH", "0.1"),
        (FIRST, "USDC", "17"),
    }
    assert api.balance(account, "USDC")["available"] == "42"
    assert both.readiness() == 200
    audit = both.mizan("audit")
    assert audit.returncode == 0, audit.stdout


def three_credits(both: Whole, account: str) -> list[dict[str, str]] | None:
    """Return the account's credited deposits once there are three."""
    rows = both.api.all("/v1/deposits", account=account, status="credited")
    return rows if len(rows) == 3 else None


def test_adding_a_chain_again_changes_nothing(
    both: Whole, two_nodes: dict[str, TestNode], tmp_path: Path
) -> None:
    node = two_nodes[SECOND]
    usdc, owner = token(node), owner_keystore(tmp_path, node)
    first = add(both, owner, usdc)
    assert first.returncode == 0, first.stdout + first.stderr
    again = add(both, owner, usdc)
    assert again.returncode == 0, again.stdout + again.stderr
    assert first.stdout.splitlines()[:2] == again.stdout.splitlines()[:2]
