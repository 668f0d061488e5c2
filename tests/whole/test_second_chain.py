"""A second chain is added to a running installation, and money comes in and goes out on it."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from tests.conftest import TestNode, running_anvil
from tests.whole.conftest import ROOT, Whole, installation
from tests.whole.test_faults import confirmed, funded, withdraw
from tests.whole.world import BALANCE_CALL, TRANSFER_CALL, eventually, units

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]

SECOND = "eip155:31338"
FIRST = "eip155:31337"
PASSWORD = "the owner's own"
MINT_CALL = "40c10f19"  # mint(address,uint256)
TOKEN = ROOT / "gateway" / "chain" / "abi" / "TestUSDC.json"


@contextmanager
def mining(home: Path, chain: str) -> Iterator[TestNode]:
    """Run a node with a block every second."""
    home.mkdir()
    with running_anvil(home, "--chain-id", chain.partition(":")[2]) as node:
        node.call("evm_setIntervalMining", 1)
        yield node


@dataclass(frozen=True)
class Added:
    """An installation that serves two chains, the second added while it ran."""

    both: Whole
    nodes: dict[str, TestNode]
    usdc: str
    owner: Path
    said: str


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Added]:
    """Two nodes, neither of them the stack's own, and the second chain just added."""
    home = tmp_path_factory.mktemp("second")
    with mining(home / "a", FIRST) as first, mining(home / "b", SECOND) as second:
        nodes = {FIRST: first, SECOND: second}
        chains = " ".join(f"{chain}=http://127.0.0.1:{node.port}" for chain, node in nodes.items())
        with installation(home / "home", chains) as both:
            usdc, owner = token(second), owner_keystore(home, second)
            done = add(both, owner, usdc)
            assert done.returncode == 0, done.stdout + done.stderr
            both.until_ready()
            yield Added(both, nodes, usdc, owner, done.stdout)


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
    return str(mined(node, str(sent))["contractAddress"])


def mined(node: TestNode, sent: str) -> dict[str, Any]:
    """Wait for a transaction's receipt; it must have succeeded."""
    receipt = eventually("it is mined", lambda: node.call("eth_getTransactionReceipt", sent))
    assert isinstance(receipt, dict)
    assert receipt["status"] == "0x1", receipt
    return receipt


def order(node: TestNode, contract: str, call: str, to: str, units: int) -> None:
    """Call a token from an unlocked account, and wait until that is done."""
    data = f"0x{call}{to[2:].lower().zfill(64)}{units:064x}"
    mined(node, node.send(to=contract, data=data))


def add(both: Whole, owner: Path, usdc: str) -> "subprocess.CompletedProcess[str]":
    """Run `mizan chain add`."""
    return both.mizan(
        *("chain", "add", SECOND, "--name", "Second", "--treasury", Account.create().address),
        *("--owner-keystore", str(owner), "--asset", "ETH=native", "--asset", f"USDC={usdc}"),
        *("--confirmations", "2", "--block-seconds", "1"),
        MIZAN_OWNER_PASSWORD=PASSWORD,
    )


def test_an_added_chain_serves(added: Added) -> None:
    both, node, usdc, api = added.both, added.nodes[SECOND], added.usdc, added.both.api
    assert "Second (eip155:31338) is served from block" in added.said
    account = api.account("second")
    where = {
        chain: api.post(f"/v1/accounts/{account}/addresses", {"chain": chain})["address"]
        for chain in added.nodes
    }
    order(node, usdc, MINT_CALL, node.accounts()[9], 10**9)
    order(node, usdc, TRANSFER_CALL, where[SECOND], 25 * 10**6)
    node.send(to=where[SECOND], value=10**17)
    both.chain.send(where[FIRST], "USDC", 17 * 10**6)
    rows = eventually("three credits", lambda: three_credits(both, account), 90) or []
    assert {(row["chain"], row["asset"], units(row["amount"], row["asset"])) for row in rows} == {
        (SECOND, "USDC", 25 * 10**6),
        (SECOND, "ETH", 10**17),
        (FIRST, "USDC", 17 * 10**6),
    }
    assert units(api.balance(account, "USDC")["available"], "USDC") == 42 * 10**6
    assert both.readiness() == 200
    assert re.search(rf"holds +chain +{SECOND}", both.mizan("audit").stdout)

    fund(node, usdc, added.said)
    target = Account.create().address
    asked = {"account": account, "asset": "USDC", "chain": SECOND, "to_address": target}
    withdrawal = api.post("/v1/withdrawals", {**asked, "amount": "5"})["id"]
    eventually(
        "the withdrawal's confirmation",
        lambda: api.get(f"/v1/withdrawals/{withdrawal}")["status"] == "confirmed",
        90,
    )
    data = f"0x{BALANCE_CALL}{target[2:].lower().zfill(64)}"
    assert int(str(node.call("eth_call", {"to": usdc, "data": data}, "latest")), 16) == 5 * 10**6

    booked = both.mizan("chain", "float", SECOND)
    assert booked.returncode == 0, booked.stdout + booked.stderr
    assert "500.00 USDC booked as capital: payout vault" in booked.stdout
    assert "2.00 ETH booked as capital: signers" in booked.stdout
    assert "nothing to book" in both.mizan("chain", "float", SECOND).stdout
    eventually(
        "books that balance on both chains",
        lambda: both.mizan("audit").returncode == 0,
        90,
    )


def fund(node: TestNode, usdc: str, said: str) -> None:
    """Send the float and the gas to where the command said."""
    (vault,) = re.findall(r"payout vault +(0x\w{40})", said)
    order(node, usdc, TRANSFER_CALL, vault, 500 * 10**6)
    for signer in re.findall(r"signer +(0x\w{40})", said):
        node.send(to=signer, value=10**18)


def three_credits(both: Whole, account: str) -> list[dict[str, str]] | None:
    """Return the account's credited deposits once there are three."""
    rows = both.api.all("/v1/deposits", account=account, status="credited")
    return rows if len(rows) == 3 else None


def test_adding_a_chain_again_changes_nothing(added: Added) -> None:
    again = add(added.both, added.owner, added.usdc)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout == added.said  # its hot keys too: a second run makes no others


def test_a_final_payout_that_leaves_the_chain_is_sent_again(added: Added) -> None:
    both, api = added.both, added.both.api
    account = funded(both, "deep")
    withdrawal = withdraw(both, account)
    confirmed(both, withdrawal)
    paid = api.get(f"/v1/withdrawals/{withdrawal}")
    # the credit stays, the payout goes: no depth of confirmations rules this out
    added.nodes[FIRST].reorg(both.chain.head() - paid["block_number"] + 1)
    assert both.chain.held(paid["to_address"], "USDC") == 0
    eventually(
        "the same bytes are mined again",
        lambda: both.chain.held(paid["to_address"], "USDC") == 5 * 10**6,
    )
    confirmed(both, withdraw(both, account))
    kinds = {alarm["kind"] for alarm in api.all("/v1/alarms")}
    assert "transaction_left_chain" in kinds
