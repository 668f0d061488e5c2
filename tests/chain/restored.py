"""A desk whose old backup is put back: what the tests of recovering have in common."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.port import tohex
from gateway.chain.store import chain_asset
from gateway.ledger.chart import Chart
from gateway.money import Money
from gateway.operators.recover import recover
from gateway.sending import service as sending
from gateway.sending.rules import Fees
from gateway.sending.store import signers
from gateway.withdrawals import payload, service
from tests.chain.copies import Backup
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, USDC, open_till
from tests.chain.money_out import Desk, open_desk
from tests.conftest import TestNode
from tests.flow.test_settlement_whole import breaches, differences, place_float
from workers import signer
from workers.keys import drivers

Copy = Callable[[], Backup]
ALI, BADR, CARIM, DINA = (bytes([0xB0 + n] * 20) for n in range(1, 5))


def open_books(anvil: TestNode, home: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Open a desk whose float is booked, so that chain and ledger agree to the last unit."""
    desk = open_desk(open_till(anvil), home, monkeypatch)
    desk.fund(1_000, 5)
    place_float(anvil.head(), Chart.HOT, USDC, 1_000 * DOLLAR)
    place_float(anvil.head(), Chart.HOT, ETH, 5 * ETHER)
    place_float(anvil.head(), Chart.GAS_TANK, ETH, 200 * ETHER)
    execute("update chain set send_alone = false")
    anvil.mine(3)
    return desk


def execute(statement: str, **values: object) -> None:
    with db.transaction() as session:
        session.execute(text(statement), values)


def customer(desk: Desk, handle: str, dollars: int = 300) -> str:
    """An account whose money was deposited."""
    account = desk.till.account(handle)
    pays_in(desk, account, dollars)
    return account


def pays_in(desk: Desk, account: str, dollars: int) -> None:
    desk.till.pay_usdc(desk.till.address(account), dollars * DOLLAR)
    desk.till.mine(3)


def settle(desk: Desk, rounds: int = 8) -> None:
    """Rounds of every worker, the watcher and the signer that raises and cancels."""
    for _ in range(rounds):
        desk.round()
        while signer.raise_next(CHAIN):
            pass
        desk.till.follow()


def restore(desk: Desk, old: Backup) -> None:
    old.restore()
    desk.till.restarted()


def told() -> list[str]:
    return list(recover(CHAIN, book=False))


def booked() -> list[str]:
    return list(recover(CHAIN, book=True))


def assert_all_is_well(desk: Desk) -> None:
    assert differences(desk) == {"USDC": 0, "ETH": 0}
    assert desk.house(Chart.HOT, ETH) == desk.holds(desk.vault, ETH)
    tank = desk.holds(desk.operator, ETH) + desk.holds(desk.sweeper, ETH)
    assert desk.house(Chart.GAS_TANK, ETH) == tank
    assert breaches() == []
    assert desk.sound()


def payer(desk: Desk) -> str:
    """The id of the desk's payout signer."""
    with db.transaction() as session:
        query = text("select id from signer where address = :address")
        return str(session.execute(query, {"address": desk.operator}).scalar_one())


def states(desk: Desk) -> list[tuple[int | None, str]]:
    mine = [tx for tx in desk.transactions() if tx.signer_id == payer(desk)]
    return [(tx.seq, tx.state) for tx in mine]


def plan_together(desk: Desk, *withdrawals: str) -> None:
    """Plan withdrawals as one payout, as a tick before the backup would have done."""
    with db.transaction() as session:
        rows = [service.get(session, one) for one in sorted(withdrawals)]
        described = payload.describe(session, rows, chain_asset(session, CHAIN, "USDC"))
        intent = sending.plan(
            session,
            signer=next(s for s in signers(session, CHAIN) if s.address == desk.operator),
            kind="payout",
            amount=Money(sum(int(row.amount) for row in rows), USDC),
            payload=described,
            proposal=sending.Proposal(gas=400_000, fees=Fees(1, 10**10)),
        )
        for row in rows:
            row.intent_id = intent.id


def use_key(desk: Desk, nonce: int, to: bytes, data: bytes = b"", value: int = 0) -> str:
    """Send something with the payout signer's key that no row knows; returns its hash."""
    fields = {
        "chainId": 31337,
        "type": 2,
        "nonce": nonce,
        "to": to,
        "value": value,
        "data": data,
        "gas": 200_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 1,
    }
    return tohex(desk.till.node.send_raw(drivers.sign_fields(desk.operator, fields).raw))
