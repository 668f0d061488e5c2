"""A payer, a node under control and a follower: what the tests of money in have in common."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from eth_account import Account
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.addresses import service as addresses
from gateway.chain.add import NewAsset, add_chain
from gateway.chain.artifacts import call_data, creation_code
from gateway.chain.deploy import Deployed, deploy
from gateway.chain.evm import Evm, at_url
from gateway.chain.pool import Pool
from gateway.deposits.follow import Follower, Step
from gateway.deposits.store import Deposit
from gateway.ledger import service as ledger
from gateway.money import Asset
from tests.conftest import MNEMONIC, TestNode

CHAIN = "eip155:31337"
CONFIRMATIONS = 3
USDC, ETH = Asset("USDC", 6), Asset("ETH", 18)
DOLLAR, ETHER = 10**6, 10**18
PAYER, OPERATOR, SWEEPER = 8, bytes([1] * 20), bytes([2] * 20)
STEPS_MAX = 1_000
MOCKS = Path(__file__).parent / "abi"


@dataclass
class Till:
    """The gateway on one test chain, and somebody who pays."""

    anvil: TestNode
    node: Evm
    deployed: Deployed
    usdc: bytes
    follower: Follower

    def account(self, handle: str = "amira") -> str:
        with db.transaction() as session:
            return accounts.open_account(session, handle=handle, kind="person").id

    def address(self, account_id: str, invoice_id: str | None = None) -> bytes:
        with db.transaction() as session:
            return addresses.allocate(
                session, account_id=account_id, chain=CHAIN, invoice_id=invoice_id
            ).address

    def pay_usdc(self, to: bytes, units: int, sender: int = PAYER) -> str:
        data = call_data("transfer(address,uint256)", to, units)
        return self.anvil.send(to=hexed(self.usdc), data=hexed(data), sender=sender)

    def pay_eth(self, to: bytes, wei: int, sender: int = PAYER) -> str:
        return self.anvil.send(to=hexed(to), value=wei, sender=sender)

    def mine(self, blocks: int = 1) -> int:
        self.anvil.mine(blocks)
        return self.follow()

    def follow(self) -> int:
        """Step until there is nothing to do; returns how many steps moved."""
        for moved in range(STEPS_MAX):
            if self.follower.step() is not Step.MOVED:
                return moved
        raise AssertionError("the follower does not come to rest")

    def mock(self, name: str) -> bytes:
        """Deploy one of the contracts written for tests; returns its address."""
        code = json.loads((MOCKS / f"{name}.json").read_text())["bytecode"]
        return created(self.anvil, {"data": code})

    def do(
        self,
        to: bytes,
        signature: str,
        *values: Any,
        sender: int = PAYER,
        value: int = 0,
        price: int | None = None,
    ) -> str:
        """Put a contract call into the pool."""
        data = hexed(call_data(signature, *values))
        fields = {"to": hexed(to), "data": data, "value": hex(value)}
        if price is not None:
            fields |= {"gasPrice": hex(price), "gas": hex(200_000)}
        fields["from"] = self.anvil.accounts()[sender]
        return str(self.anvil.call("eth_sendTransaction", fields))

    def raw(self, tx_hash: str) -> str:
        return str(self.anvil.call("eth_getRawTransactionByHash", tx_hash))

    def deposits(self) -> list[Deposit]:
        with db.transaction() as session:
            found = session.query(Deposit).order_by(Deposit.id).all()
            session.expunge_all()
            return found

    def only(self) -> Deposit:
        (deposit,) = self.deposits()
        return deposit

    def only_of(self, account_id: str) -> Deposit:
        (deposit,) = (one for one in self.deposits() if one.account_id == account_id)
        return deposit

    def available(self, account_id: str, asset: Asset = USDC) -> int:
        with db.transaction() as session:
            return ledger.balance(session, account_id, asset).available.units

    def owed(self, account_id: str) -> int:
        return number(
            "select coalesce(sum(debits_posted - credits_posted), 0) from ledger.account"
            " where code = 1200 and owner = :owner",
            owner=account_id,
        )

    def unswept(self) -> int:
        return number(
            "select coalesce(sum(debits_posted - credits_posted), 0) from ledger.account"
            " where code = 1010"
        )

    def events(self) -> list[str]:
        with db.transaction() as session:
            rows = session.execute(text("select type from event order by seq"))
            return list(rows.scalars())

    def restarted(self) -> "Follower":
        """A follower as another process would have it."""
        self.follower = Follower(CHAIN, Pool.of(self.node))
        return self.follower


def number(query: str, **values: object) -> int:
    with db.transaction() as session:
        return int(session.execute(text(query), values).scalar_one())


def ledger_is_sound() -> bool:
    """True if the ledger's five proofs find nothing."""
    views = ("zero", "balance", "chain", "two_legs", "holds")
    return all(number(f"select count(*) from ledger.check_{view}") == 0 for view in views)


def hexed(value: bytes) -> str:
    return "0x" + value.hex()


def created(anvil: TestNode, fields: dict[str, str]) -> bytes:
    """Create a contract in a block of its own; returns its address."""
    sender = anvil.accounts()[9]
    tx = anvil.call("eth_sendTransaction", {"from": sender, "gas": hex(3_000_000), **fields})
    anvil.mine()
    found = anvil.call("eth_getTransactionReceipt", tx)
    assert isinstance(found, dict)
    return bytes.fromhex(found["contractAddress"][2:])


def open_till(anvil: TestNode, **facts: int) -> Till:
    """Deploy everything on the node and write the chain's rows."""
    node = at_url(f"http://127.0.0.1:{anvil.port}", 31337)
    Account.enable_unaudited_hdwallet_features()
    owner = Account.from_mnemonic(MNEMONIC)
    anvil.call("evm_setAutomine", True)
    deployed = deploy(node, owner, operators=[OPERATOR], sweepers=[SWEEPER])
    anvil.call("evm_setAutomine", False)
    usdc = created(anvil, {"data": hexed(creation_code("TestUSDC"))})
    payer = bytes.fromhex(anvil.accounts()[PAYER][2:])
    mint = call_data("mint(address,uint256)", payer, 10**6 * DOLLAR)
    anvil.send(to=hexed(usdc), data=hexed(mint))
    anvil.mine()
    with db.transaction() as session:
        add_chain(
            session,
            chain_id=31337,
            name="Test",
            confirmations=CONFIRMATIONS,
            block_seconds=Decimal(1),
            deployed=deployed,
            start_block=anvil.head() + 1,
            assets=[
                NewAsset("USDC", "USD Coin", usdc, 6, minimum_deposit=facts.get("minimum", 1)),
                NewAsset("ETH", "Ether", None, 18),
            ],
        )
        # a lone payout does not wait, and comes from the vault
        session.execute(text("update chain set batch_seconds = 0, send_alone = false"))
    return Till(anvil, node, deployed, usdc, Follower(CHAIN, Pool.of(node)))
