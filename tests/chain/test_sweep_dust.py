"""Payments below the minimum: they hold no vault up, and come home with what else is in it."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain import evm
from gateway.settlement import audit, reconciliation
from gateway.settlement.reconciliation import Compared
from tests.chain.money_in import DOLLAR, ETH, ETHER, open_till
from tests.chain.money_out import Desk, open_desk
from tests.chain.test_sweep import TREASURY, assert_books_are_the_chain, items, rounds
from tests.conftest import TestNode

CENT = DOLLAR // 100


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil, minimum=5 * DOLLAR), tmp_path, monkeypatch)
    desk.own(desk.till.deployed.vault_factory, "setDestination(address,bool)", TREASURY, True)
    with db.transaction() as session:
        session.execute(text("update chain set treasury = :to"), {"to": TREASURY})
        session.execute(text("update chain set sweep_worth_gas = 0"))
    evm.node.cache_clear()
    return desk


def compared(asset: str = "USDC") -> Compared:
    with db.transaction() as session:
        return next(
            row for row in reconciliation.compare(session) if row.ledger.asset.code == asset
        )


def statuses(desk: Desk) -> list[str]:
    return [one.status for one in desk.till.deposits()]


def breaches() -> list[str]:
    with db.snapshot() as session:
        return [finding.check for finding in audit.audit(session) if finding.is_breach]


def test_a_small_payment_alone_is_never_swept_and_is_in_nobodys_books(desk: Desk) -> None:
    till = desk.till
    account = till.account("ali")
    till.pay_usdc(till.address(account), 2 * DOLLAR)
    till.mine(5)
    rounds(desk)
    assert desk.intents() == []
    row = compared()
    assert (row.on_chain.units, row.ledger.units) == (2 * DOLLAR, 0)
    assert row.below_minimum.units == 2 * DOLLAR
    assert not row.difference
    assert breaches() == []


def test_small_payments_are_swept_once_they_are_credited_together(desk: Desk) -> None:
    till = desk.till
    account = till.account("ali")
    place = till.address(account)
    for _ in range(3):
        till.pay_usdc(place, 2 * DOLLAR)
        till.mine(3)
        desk.sweep()
    assert till.available(account) == 6 * DOLLAR
    rounds(desk, 6)
    assert desk.holds(TREASURY) == 6 * DOLLAR
    assert not compared().below_minimum
    assert_books_are_the_chain(desk)


def test_a_small_payment_holds_no_sweep_up_and_is_credited_with_it(desk: Desk) -> None:
    till = desk.till
    account, other = till.account("ali"), till.account("badr")
    place = till.address(account)
    till.pay_usdc(place, 80 * DOLLAR)
    till.pay_usdc(place, 1 * CENT)
    till.pay_usdc(till.address(other), 1 * CENT)
    till.mine(3)
    assert sorted(statuses(desk)) == ["confirming", "confirming", "credited"]
    assert compared().below_minimum.units == 2 * CENT
    rounds(desk, 7)
    assert desk.holds(TREASURY) == 80 * DOLLAR + CENT
    assert till.available(account) == 80 * DOLLAR + CENT
    assert till.available(other) == 0
    assert [(int(i.swept or 0), int(i.surplus or 0)) for i in items()] == [(80 * DOLLAR + CENT, 0)]
    row = compared()
    assert (row.below_minimum.units, row.difference.units) == (CENT, 0)
    assert desk.alarms() == []
    assert_books_are_the_chain(desk)
    assert breaches() == []


def test_a_small_payment_that_may_still_vanish_is_waited_for(desk: Desk) -> None:
    till = desk.till
    place = till.address(till.account("ali"))
    till.pay_usdc(place, 80 * DOLLAR)
    till.mine(3)
    till.pay_usdc(place, CENT)
    till.mine()
    desk.sweep()
    assert desk.intents() == []
    till.mine(2)
    desk.sweep()
    assert len(desk.intents()) == 1


def test_a_small_payment_that_came_with_the_sweep_s_block_is_credited_when_final(
    desk: Desk,
) -> None:
    till = desk.till
    account = till.account("ali")
    place = till.address(account)
    till.pay_usdc(place, 80 * DOLLAR)
    till.mine(3)
    desk.sweep()
    desk.sign()
    till.pay_usdc(place, CENT)
    till.mine()
    desk.sweep()
    rounds(desk, 6)
    assert till.available(account) == desk.holds(TREASURY) == 80 * DOLLAR + CENT
    assert desk.alarms() == []
    assert_books_are_the_chain(desk)


def test_native_dust_comes_along_with_a_token(desk: Desk) -> None:
    till = desk.till
    account = till.account("ali")
    with db.transaction() as session:
        session.execute(text("update chain_asset set minimum_deposit = 1000 where asset = 'ETH'"))
    place = till.address(account)
    till.pay_eth(place, 999)
    till.pay_usdc(place, 80 * DOLLAR)
    till.mine(3)
    assert compared("ETH").below_minimum.units == 999
    rounds(desk, 7)
    assert desk.holds(TREASURY, ETH) == till.available(account, ETH) == 999
    assert_books_are_the_chain(desk)


def test_what_is_unswept_and_what_of_it_is_not_worth_a_sweep_is_shown(desk: Desk) -> None:
    till = desk.till
    with db.transaction() as session:
        session.execute(text("update chain set sweep_worth_gas = 1000"))
    till.pay_usdc(till.address(till.account("ali")), 50 * DOLLAR)
    till.pay_usdc(till.address(till.account("badr")), 5_000 * DOLLAR)
    till.pay_eth(till.address(till.account("carim")), ETHER // 1_000)
    till.mine(3)
    assert compared().below_worth.units == 0  # nobody asked what it is worth yet
    desk.sweep()
    usdc, eth = compared(), compared("ETH")
    assert (usdc.unswept.units, usdc.below_worth.units) == (5_050 * DOLLAR, 50 * DOLLAR)
    assert (eth.unswept.units, eth.below_worth.units) == (ETHER // 1_000, ETHER // 1_000)
    rounds(desk, 6)
    usdc = compared()
    assert (usdc.unswept.units, usdc.below_worth.units) == (50 * DOLLAR, 50 * DOLLAR)
    assert not usdc.difference
    assert breaches() == []


def test_an_unswept_row_that_is_wrong_is_found(desk: Desk) -> None:
    till = desk.till
    till.pay_usdc(till.address(till.account("ali")), 50 * DOLLAR)
    till.mine(3)
    assert breaches() == []
    for lie in ("update unswept set units = units + 1", "delete from unswept"):
        with db.transaction() as session:
            session.execute(text(lie))
        assert {"sweeps.unswept", "sweeps.custody"} <= set(breaches())
