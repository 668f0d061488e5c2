"""A desk that pays out: real keys, a real node, every worker's round at the test's command."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain import evm
from gateway.chain.artifacts import call_data
from gateway.chain.payout import read_seq, seq_call
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from gateway.sending import service as sending
from gateway.sending.store import Attempt, Intent, Transaction
from gateway.settings import settings
from gateway.webhooks.store import Alarm
from gateway.withdrawals import service
from gateway.withdrawals.store import Withdrawal
from tests.chain.money_in import (
    CHAIN,
    DOLLAR,
    ETH,
    ETHER,
    USDC,
    Till,
    hexed,
    ledger_is_sound,
    number,
)
from workers import pay, signer, sweep
from workers.keys import keystore as key_files

PASSWORD = "a password of tests"
PAYOUT_KEY, SWEEP_KEY, SECOND_KEY = (bytes([n] * 32) for n in (0x11, 0x22, 0x33))
OWNER = 0
ROUNDS_MAX = 40
ASSETS = {"USDC": USDC, "ETH": ETH}


@dataclass
class Desk:
    """The gateway on one test chain, paying out."""

    till: Till
    operator: bytes
    sweeper: bytes

    @property
    def vault(self) -> bytes:
        return self.till.deployed.payout_vault

    def rich(self, handle: str = "amira", dollars: int = 10_000, ethers: int = 0) -> str:
        """Open an account that has money, as a deposit gives it."""
        with db.transaction() as session:
            account = accounts.open_account(session, handle=handle, kind="person").id
            for asset, units in ((USDC, dollars * DOLLAR), (ETH, ethers * ETHER)):
                if units:
                    ledger.post(
                        session,
                        key=f"rich {account} {asset.code}",
                        debit=ledger.house(session, Chart.TREASURY, asset, CHAIN),
                        credit=ledger.owned(session, account, asset),
                        money=Money(units, asset),
                        movement=Movement.DEPOSIT,
                        ref="dep_test",
                        evidence=ledger.Evidence(CHAIN, 1),
                    )
        return account

    def fund(self, dollars: int = 10_000, ethers: int = 10) -> None:
        """Put money into the payout vault."""
        mint = call_data("mint(address,uint256)", self.vault, dollars * DOLLAR)
        self.till.anvil.send(to=hexed(self.till.usdc), data=hexed(mint))
        self.till.anvil.send(to=hexed(self.vault), value=ethers * ETHER, sender=7)
        self.till.anvil.mine()

    def ask(self, account: str, units: int, to: bytes, asset: Asset = USDC) -> str:
        with db.transaction() as session:
            return service.request(
                session,
                account_id=account,
                asset=asset.code,
                chain=CHAIN,
                to_address=to,
                amount=Money(units, asset),
                requested_by="key_a",
            ).id

    def pay(self) -> None:
        pay.tick(CHAIN, self.till.node)

    def sign(self) -> bool:
        return signer.sign_next(CHAIN)

    def sweep(self) -> None:
        sweep.tick(CHAIN, self.till.node)

    def round(self, blocks: int = 1) -> None:
        """One round of every worker, then blocks."""
        self.pay()
        self.sweep()
        while self.sign():
            pass
        self.pay()
        self.sweep()
        self.till.anvil.mine(blocks)

    def finish(self) -> None:
        """Rounds until every withdrawal has ended and nothing is open."""
        for _ in range(ROUNDS_MAX):
            self.round()
            with db.transaction() as session:
                waiting = session.query(Withdrawal).filter(
                    Withdrawal.status.in_(("approved", "sent"))
                )
                opened = session.query(Transaction).filter(
                    Transaction.state.in_(("signed", "mined"))
                )
                if not waiting.count() and not opened.count():
                    return
        raise AssertionError(f"not finished: {self.rows()} {self.alarms()}")

    def row(self, withdrawal_id: str) -> Withdrawal:
        with db.transaction() as session:
            return service.get(session, withdrawal_id)

    def rows(self) -> list[tuple[str, str | None]]:
        with db.transaction() as session:
            found = session.query(Withdrawal).order_by(Withdrawal.id)
            return [(row.status, row.waiting_reason) for row in found]

    def transactions(self) -> list[Transaction]:
        with db.transaction() as session:
            return session.query(Transaction).order_by(Transaction.nonce).all()

    def attempts(self) -> list[Attempt]:
        with db.transaction() as session:
            return session.query(Attempt).order_by(Attempt.created_at).all()

    def intents(self) -> list[Intent]:
        with db.transaction() as session:
            return session.query(Intent).order_by(Intent.id).all()

    def alarms(self) -> list[str]:
        with db.transaction() as session:
            return [row.kind for row in session.query(Alarm).order_by(Alarm.id)]

    def events(self, withdrawal_id: str) -> list[str]:
        with db.transaction() as session:
            rows = session.execute(
                text("select type from event where object_id = :id order by seq"),
                {"id": withdrawal_id},
            )
            return [row.type.removeprefix("withdrawal.") for row in rows]

    def holds(self, place: bytes, asset: Asset = USDC) -> int:
        """Return what an address holds on chain."""
        if asset == ETH:
            return self.till.node.balance(place)
        return self.till.node.token_balance(self.till.usdc, place)

    def house(self, code: Chart, asset: Asset = USDC, chain: str | None = CHAIN) -> int:
        with db.transaction() as session:
            return ledger.house_balance(session, code, asset, chain).units

    def seq(self) -> int:
        return read_seq(self.till.node.call(self.vault, seq_call(self.operator)))

    def own(self, to: bytes, signature: str, *values: object) -> None:
        """Let the cold owner call one of our contracts."""
        self.till.do(to, signature, *values, sender=OWNER)
        self.till.anvil.mine()

    def second_signer(self) -> None:
        """Let another key pay out of the same vault."""
        account = Account.from_key(SECOND_KEY)
        place = bytes.fromhex(account.address[2:])
        self.till.anvil.call("anvil_setBalance", account.address, hex(100 * ETHER))
        self.own(self.vault, "setOperator(address,bool)", place, True)
        folder = settings().keystore
        assert folder is not None
        kept = Account.encrypt(SECOND_KEY, PASSWORD, kdf="pbkdf2", iterations=1)
        (folder / "second.json").write_text(json.dumps(kept))
        with db.transaction() as session:
            sending.register_signer(
                session, chain=CHAIN, address=place, role="payout", next_nonce=0
            )

    def sound(self) -> bool:
        return ledger_is_sound()


def open_desk(till: Till, keystore: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Give the desk its signers: encrypted keys, gas money, and the contracts' consent."""
    places = {}
    for role, key in (("payout", PAYOUT_KEY), ("sweep", SWEEP_KEY)):
        account = Account.from_key(key)
        kept = Account.encrypt(key, PASSWORD, kdf="pbkdf2", iterations=1)
        (keystore / f"{role}.json").write_text(json.dumps(kept))
        till.anvil.call("anvil_setBalance", account.address, hex(100 * ETHER))
        places[role] = bytes.fromhex(account.address[2:])
    monkeypatch.setenv("MIZAN_KEYSTORE", str(keystore))
    monkeypatch.setenv("MIZAN_KEYSTORE_PASSWORD", PASSWORD)
    settings.cache_clear()
    key_files.find.cache_clear()
    evm.node.cache_clear()
    desk = Desk(till, operator=places["payout"], sweeper=places["sweep"])
    desk.own(desk.vault, "setOperator(address,bool)", desk.operator, True)
    desk.own(till.deployed.vault_factory, "setSweeper(address,bool)", desk.sweeper, True)
    with db.transaction() as session:
        for role, place in places.items():
            sending.register_signer(
                session, chain=CHAIN, address=place, role=role, next_nonce=till.node.nonce(place)
            )
    return desk


def assert_paid_once(desk: Desk, withdrawal: str, to: bytes, units: int) -> None:
    """Assert that the only withdrawal arrived, ended, and was booked, once."""
    assert desk.holds(to) == units
    assert desk.row(withdrawal).status == "confirmed"
    assert number("select count(*) from ledger.transfer where kind = 3") == 2
    assert desk.sound()


@contextmanager
def role(name: str) -> Iterator[None]:
    """Be a process with this database role."""
    before = os.environ.get("MIZAN_DATABASE_ROLE", "")
    try:
        become(name)
        yield
    finally:
        become(before)


def become(name: str) -> None:
    os.environ["MIZAN_DATABASE_ROLE"] = name
    settings.cache_clear()
    if db.engine.cache_info().currsize:
        db.engine().dispose()
        db.engine.cache_clear()
