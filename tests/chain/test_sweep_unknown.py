"""Coins nobody knew of when a sweep took them: owed once, and to whom they turn out to belong."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain import vaults
from gateway.chain.pool import Pool
from gateway.deposits import probe
from gateway.deposits.rescan import rescan
from gateway.ledger.chart import Chart
from gateway.settlement import audit
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, hexed, number, open_till
from tests.chain.money_out import Desk, open_desk
from tests.chain.test_sweep import (
    TREASURY,
    assert_books_are_the_chain,
    deposit,
    items,
    rounds,
)
from tests.conftest import TestNode


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.own(desk.till.deployed.vault_factory, "setDestination(address,bool)", TREASURY, True)
    with db.transaction() as session:
        session.execute(text("update chain set treasury = :to"), {"to": TREASURY})
    return desk


def unattributed(desk: Desk) -> dict[str, int]:
    return {
        "USDC": desk.house(Chart.UNATTRIBUTED, chain=None),
        "ETH": desk.house(Chart.UNATTRIBUTED, ETH, None),
    }


def breaches() -> list[str]:
    with db.snapshot() as session:
        return [finding.check for finding in audit.audit(session) if finding.is_breach]


def probe_now(desk: Desk) -> int:
    """Hold every address against the newest final block."""
    with db.transaction() as session:
        part = probe.due(session, CHAIN)
    assert part is not None
    held = probe.balances_of(desk.till.node, part.addresses, part.block)
    return probe.hold(CHAIN, part.listed, part.block, held)


def missed_payment(desk: Desk) -> tuple[str, int]:
    """Pay 80 dollars to an address before anybody watches it, then 20 more; sweep them."""
    till = desk.till
    account = till.account("ali")
    place = vaults.vault_address(till.deployed.vault_factory, vaults.salt_of(account))
    first = till.anvil.head()
    till.pay_usdc(place, 80 * DOLLAR)
    till.mine(3)
    assert till.address(account) == place
    till.pay_usdc(place, 20 * DOLLAR)
    till.mine(3)
    rounds(desk, 7)
    assert desk.holds(TREASURY) == 100 * DOLLAR
    return account, first


def test_a_payment_found_after_its_coins_were_swept_is_credited_from_what_was_owed(
    desk: Desk,
) -> None:
    account, first = missed_payment(desk)
    assert [(int(i.swept or 0), int(i.surplus or 0)) for i in items()] == [
        (20 * DOLLAR, 80 * DOLLAR)
    ]
    assert unattributed(desk)["USDC"] == 80 * DOLLAR
    assert desk.alarms() == ["sweep_surplus"]
    assert_books_are_the_chain(desk)
    till = desk.till
    assert rescan(CHAIN, Pool.of(till.node), from_block=first, to_block=till.anvil.head()) == 1
    till.mine(3)
    assert till.available(account) == 100 * DOLLAR
    assert unattributed(desk)["USDC"] == 0
    assert [(int(i.swept or 0), int(i.surplus or 0)) for i in items()] == [(100 * DOLLAR, 0)]
    assert number("select count(*) from unswept") == 0
    assert_books_are_the_chain(desk)
    assert breaches() == []


def test_what_was_owed_is_given_once_and_only_for_what_came_before_the_sweep(desk: Desk) -> None:
    missed_payment(desk)
    till = desk.till
    place = till.address(till.account("badr"))
    till.pay_usdc(place, 30 * DOLLAR)
    till.pay_usdc(till.deposits()[0].address, 40 * DOLLAR)
    till.mine(3)
    assert unattributed(desk)["USDC"] == 80 * DOLLAR
    assert desk.house(Chart.UNSWEPT) == 70 * DOLLAR
    rounds(desk, 7)
    assert_books_are_the_chain(desk)
    assert breaches() == []


def test_coin_the_probe_found_is_swept_without_being_owed_twice(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.till.anvil.call("anvil_setBalance", hexed(place), hex(ETHER))
    desk.till.mine(3)
    assert probe_now(desk) == 1
    assert unattributed(desk)["ETH"] == desk.house(Chart.UNSWEPT, ETH) == ETHER
    assert breaches() == []
    rounds(desk, 9)
    assert desk.holds(TREASURY, ETH) == ETHER
    assert (desk.house(Chart.UNSWEPT, ETH), unattributed(desk)["ETH"]) == (0, ETHER)
    assert sum(int(item.surplus or 0) for item in items()) == 0
    assert desk.alarms() == ["unattributed"]
    assert number("select count(*) from unswept") == 0
    assert_books_are_the_chain(desk)
    assert breaches() == []


def test_coin_found_alone_is_swept_when_it_is_worth_it(desk: Desk) -> None:
    till = desk.till
    place = till.address(till.account("ali"))
    till.anvil.call("anvil_setBalance", hexed(place), hex(ETHER))
    till.mine(3)
    assert probe_now(desk) == 1
    rounds(desk, 7)
    assert desk.holds(TREASURY, ETH) == ETHER
    assert_books_are_the_chain(desk)


def test_coin_that_came_after_the_sweep_s_block_is_not_taken_for_what_it_swept(
    desk: Desk,
) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.sweep()
    desk.sign()
    desk.sweep()
    desk.till.anvil.mine()
    desk.till.anvil.call("anvil_setBalance", hexed(place), hex(ETHER))
    desk.till.mine(4)
    desk.sweep()
    assert_books_are_the_chain(desk)
    assert probe_now(desk) == 1
    assert desk.house(Chart.UNSWEPT, ETH) == ETHER
    rounds(desk, 9)
    assert desk.holds(TREASURY, ETH) == ETHER == unattributed(desk)["ETH"]
    assert_books_are_the_chain(desk)
    assert breaches() == []
