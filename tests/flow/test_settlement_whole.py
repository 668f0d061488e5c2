"""The whole way of money on a real node: at every step chain, ledger and report agree."""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway import db
from gateway.chain.artifacts import call_data
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from gateway.settlement import audit, reconciliation, rules
from gateway.settlement.report import report
from gateway.settlement.trace import trace
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, USDC, hexed, open_till
from tests.chain.money_out import Desk, open_desk
from tests.conftest import TestNode

FLOAT_DOLLARS, FLOAT_ETHERS, GAS_ETHERS = 1_000, 5, 200


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose float is booked as the house's capital."""
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund(FLOAT_DOLLARS, FLOAT_ETHERS)
    place_float(anvil.head(), Chart.HOT, USDC, FLOAT_DOLLARS * DOLLAR)
    place_float(anvil.head(), Chart.HOT, ETH, FLOAT_ETHERS * ETHER)
    place_float(anvil.head(), Chart.GAS_TANK, ETH, GAS_ETHERS * ETHER)
    anvil.mine(3)
    return desk


def place_float(block: int, code: Chart, asset: Asset, units: int) -> None:
    with db.transaction() as session:
        ledger.post(
            session,
            key=f"float {code} {asset.code}",
            debit=ledger.house(session, code, asset, CHAIN),
            credit=ledger.house(session, Chart.CAPITAL, asset),
            money=Money(units, asset),
            movement=Movement.CAPITAL,
            ref="float",
            evidence=ledger.Evidence(CHAIN, block),
        )


def differences(desk: Desk) -> dict[str, int]:
    desk.till.follow()
    with db.transaction() as session:
        found = reconciliation.compare(session)
    return {row.on_chain.asset.code: row.difference.units for row in found}


def breaches() -> list[audit.Finding]:
    with db.snapshot() as session:
        found = [*audit.audit(session), *audit.audit_chain(session)]
    return [finding for finding in found if finding.is_breach]


NONE = {"ETH": 0, "USDC": 0}


def test_at_every_step_the_chain_is_the_ledger(desk: Desk) -> None:
    assert differences(desk) == NONE
    till = desk.till
    shop = till.account("shop")
    till.pay_usdc(till.address(shop), 300 * DOLLAR)
    for _ in range(5):
        till.anvil.mine()
        assert differences(desk) == NONE
    withdrawal = desk.ask(shop, 120 * DOLLAR, bytes([0xAB] * 20))
    for _ in range(14):
        desk.round()
        assert differences(desk) == NONE
    row = desk.row(withdrawal)
    assert row.status == "confirmed"
    assert {intent.kind for intent in desk.intents() if intent.status == "done"} == {
        "payout",
        "sweep",
    }
    assert breaches() == []
    assert row.tx_hash is not None
    with db.transaction() as session:
        traced = trace(session, row.tx_hash, owner=None)
    assert [one["id"] for one in traced.withdrawals] == [withdrawal]
    assert traced.explanation == "1 withdrawals: confirmed"
    with db.snapshot() as session:
        found = report(session, owner=shop, since=rules.BEGINNING, until=rules.END)
    deposit, payout = found.data
    assert (deposit.type, deposit.gross, payout.gross) == ("deposit", "300.00", "-120.00")
    assert Decimal(payout.fee) < 0
    assert payout.block_hash is not None
    assert payout.tx_hash == hexed(row.tx_hash)


def test_coins_moved_behind_our_back_are_the_difference(desk: Desk) -> None:
    till = desk.till
    given = call_data("mint(address,uint256)", desk.vault, 7 * DOLLAR)
    till.anvil.send(to=hexed(till.usdc), data=hexed(given))
    till.anvil.mine(4)
    assert differences(desk) == {"ETH": 0, "USDC": 7 * DOLLAR}
    (finding,) = breaches()
    assert (finding.check, finding.subject) == ("chain", CHAIN)
    assert "difference 7.00" in finding.detail
