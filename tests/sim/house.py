"""The gateway's side of a world: its accounts, and what its tables say of one chain."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.addresses import service as addresses
from gateway.chain.add import NewAsset, add_chain
from gateway.chain.deploy import Deployed
from gateway.deposits import finality
from gateway.deposits.rules import Rule
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from gateway.transfers import service as transfers
from tests.sim.oracle import Fact, Policy

USDC, ETH = Asset("USDC", 6), Asset("ETH", 18)

MOVES = text("""
    select t.ref, t.amount, t.block_number, t.code from ledger.transfer t
    where t.chain = :chain and t.code in (:deposit, :reversal)
    order by t.created_at, t.id
""")
DEPOSITS = text("""
    select id, tx_hash, kind, position, address, asset, amount, account_id, status, epoch,
        block_number, block_hash from deposit where chain = :chain order by id
""")
STANDING = text("""
    select a.owner, s.code as asset, a.code, a.credits_posted - a.debits_posted as units
    from ledger.account a join ledger.asset s on s.id = a.asset_id
    where a.owner = any(:owners) and a.code in (:available, :receivable)
""")
UNSWEPT = text("""
    select s.code as asset, a.debits_posted - a.credits_posted as units
    from ledger.account a join ledger.asset s on s.id = a.asset_id
    where a.chain = :chain and a.code = :unswept
""")
INBOX = text("""
    select a.kind, a.address, a.contract, a.units from inbox_arrival a
    where a.chain = :chain and a.canonical
""")
ALARMS = text("select kind, subject, detail from alarm where strpos(subject || detail, :chain) > 0")
CURSOR = text("select number, hash, finalized, halted_since from watch_cursor where chain = :chain")


@dataclass(frozen=True)
class Held:
    """A deposit's row."""

    id: str
    fact: Fact
    account: str
    status: str
    epoch: int
    block: int
    block_hash: bytes


@dataclass(frozen=True)
class Moved:
    """A credit, or where negative a reversal, as the ledger has it."""

    deposit: str
    units: int
    block: int


class House:
    """One chain of the gateway and the people on it."""

    def __init__(self, number: int, policy: Policy, token: bytes, *, driver: str, cap: int) -> None:
        self.chain, self.elsewhere = f"eip155:{number}", f"eip155:{number + 1}"
        factory, vault, treasury = (
            bytes([mark]) * 16 + number.to_bytes(4, "big") for mark in (0xFA, 0xAB, 0xEA)
        )
        self.deployed = Deployed(factory, vault, treasury, 0)
        self.accounts: list[str] = []
        with db.transaction() as session:
            for one in (number, number + 1):
                chain = add_chain(
                    session,
                    chain_id=one,
                    name=f"Sim {one}",
                    confirmations=policy.confirmations,
                    block_seconds=Decimal(1),
                    deployed=self.deployed,
                    start_block=1,
                    assets=[
                        NewAsset("USDC", "USD Coin", token, 6, minimum_deposit=policy.minimum),
                        NewAsset("ETH", "Ether", None, 18, minimum_deposit=policy.minimum),
                    ],
                )
                chain.native_driver, chain.probe_blocks = driver, 0
                chain.read_logs_max = cap
            if policy.tag_from is not None:
                start = Money(policy.tag_from, USDC)
                finality.set_tier(session, chain=self.chain, start=start, rule=Rule(policy.tag))

    def open_account(self) -> str:
        with db.transaction() as session:
            handle = f"s{uuid4().hex[:20]}"
            account = accounts.open_account(session, handle=handle, kind="person").id
        self.accounts.append(account)
        return account

    def address(self, account: str, chain: str | None = None) -> bytes:
        with db.transaction() as session:
            found = addresses.allocate(session, account_id=account, chain=chain or self.chain)
            return found.address

    def spend(self, payer: str, payee: str, money: Money) -> None:
        with db.transaction() as session:
            transfers.send(
                session,
                from_account=payer,
                to=payee,
                asset=money.asset.code,
                amount=str(money),
                memo=None,
            )

    def unfreeze(self, account: str) -> None:
        with db.transaction() as session:
            accounts.unfreeze(session, account)

    def rows(self, query: Any, **values: Any) -> list[Any]:
        with db.transaction() as session:
            return list(session.execute(query, values).all())

    def deposits(self) -> list[Held]:
        return [
            Held(
                row.id,
                Fact(bytes(row.tx_hash), row.kind, bytes(row.address), row.asset, int(row.amount)),
                row.account_id,
                row.status,
                row.epoch,
                row.block_number,
                bytes(row.block_hash),
            )
            for row in self.rows(DEPOSITS, chain=self.chain)
        ]

    def moves(self) -> list[Moved]:
        """Return every credit and reversal there was, in order."""
        codes = {"deposit": Movement.DEPOSIT, "reversal": Movement.DEPOSIT_REVERSAL}
        return [
            Moved(
                row.ref,
                int(row.amount) * (1 if row.code == Movement.DEPOSIT else -1),
                row.block_number,
            )
            for row in self.rows(MOVES, chain=self.chain, **codes)
        ]

    def standing(self) -> dict[tuple[str, str, Chart], int]:
        """Return what each account has and owes; a debt is negative."""
        codes = {"available": Chart.AVAILABLE, "receivable": Chart.RECEIVABLE}
        found = self.rows(STANDING, owners=self.accounts, **codes)
        return {(row.owner, row.asset, Chart(row.code)): int(row.units) for row in found}

    def unswept(self) -> dict[str, int]:
        found = self.rows(UNSWEPT, chain=self.chain, unswept=Chart.UNSWEPT)
        return {row.asset: int(row.units) for row in found}

    def inbox(self) -> Counter[tuple[str, bytes, bytes | None, int]]:
        return Counter(
            (row.kind, bytes(row.address), row.contract and bytes(row.contract), int(row.units))
            for row in self.rows(INBOX, chain=self.chain)
        )

    def alarms(self) -> dict[str, str]:
        """Return the alarms of the chain by kind, each with what it says."""
        return {row.kind: row.detail for row in self.rows(ALARMS, chain=self.chain)}

    def finalized(self) -> int | None:
        """Return the newest final block the watcher knows of."""
        (row,) = self.rows(CURSOR, chain=self.chain)
        return None if row.finalized is None else int(row.finalized)

    def halted(self) -> bool:
        """True while nothing is credited because the node shows another chain."""
        (row,) = self.rows(CURSOR, chain=self.chain)
        return row.halted_since is not None

    def cursor(self) -> tuple[int, bytes | None]:
        (row,) = self.rows(CURSOR, chain=self.chain)
        return row.number, row.hash and bytes(row.hash)
