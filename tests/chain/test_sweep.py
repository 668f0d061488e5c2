"""Sweeps on a real node: from vaults to the payout vault up to its target, then to the treasury."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.artifacts import call_data
from gateway.ledger.chart import Chart
from gateway.sending.store import SweepItem
from tests.chain.money_in import DOLLAR, ETH, ETHER, USDC, hexed, number, open_till
from tests.chain.money_out import Desk, open_desk, role
from tests.conftest import TestNode

TREASURY = bytes([0xE1] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.own(desk.till.deployed.vault_factory, "setDestination(address,bool)", TREASURY, True)
    with db.transaction() as session:
        session.execute(text("update chain set treasury = :to"), {"to": TREASURY})
    return desk


def hot_target(asset: str, units: int) -> None:
    with db.transaction() as session:
        session.execute(
            text("update chain_asset set hot_target = :units where asset = :asset"),
            {"units": units, "asset": asset},
        )


def deposit(desk: Desk, handle: str, units: int, blocks: int = 3) -> bytes:
    till = desk.till
    place = till.address(till.account(handle))
    till.pay_usdc(place, units)
    till.mine(blocks)
    return place


def rounds(desk: Desk, count: int = 5) -> None:
    for _ in range(count):
        desk.round()
        desk.till.follow()


def items() -> list[SweepItem]:
    with db.transaction() as session:
        return session.query(SweepItem).order_by(SweepItem.created_at, SweepItem.asset).all()


def assert_books_are_the_chain(desk: Desk, unswept: int = 0) -> None:
    for asset in (USDC, ETH):
        assert desk.house(Chart.HOT, asset) == desk.holds(desk.vault, asset)
        assert desk.house(Chart.TREASURY, asset) == desk.holds(TREASURY, asset)
    assert desk.house(Chart.UNSWEPT) == unswept
    assert desk.sound()


def test_the_payout_vault_is_filled_to_its_target_and_the_rest_goes_to_the_treasury(
    desk: Desk,
) -> None:
    hot_target("USDC", 100 * DOLLAR)
    for handle, dollars in (("ali", 80), ("badr", 70), ("carim", 60), ("dina", 50)):
        deposit(desk, handle, dollars * DOLLAR)
    rounds(desk, 12)
    assert (desk.holds(desk.vault), desk.holds(TREASURY)) == (150 * DOLLAR, 110 * DOLLAR)
    assert [len(intent.payload["salts"]) for intent in desk.intents()] == [2, 2]
    assert_books_are_the_chain(desk)
    assert desk.alarms() == []
    spent = 100 * ETHER - desk.holds(desk.sweeper, ETH)
    assert desk.house(Chart.GAS, ETH, None) == spent > 0


def test_the_same_address_is_swept_again_and_nothing_is_booked_twice(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    rounds(desk, 6)
    desk.till.pay_usdc(place, 20 * DOLLAR)
    desk.till.mine(3)
    for _ in range(6):
        desk.sweep()
        desk.sweep()
        desk.sign()
        desk.sweep()
        desk.till.anvil.mine()
        desk.till.follow()
    assert [int(item.swept or 0) for item in items()] == [80 * DOLLAR, 20 * DOLLAR]
    assert desk.holds(TREASURY) == 100 * DOLLAR
    assert_books_are_the_chain(desk)


def test_a_deposit_that_may_still_vanish_keeps_its_vault_unswept(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.till.pay_usdc(place, DOLLAR)
    desk.till.mine()
    desk.sweep()
    assert desk.intents() == []
    desk.till.mine(2)
    desk.sweep()
    assert int(desk.intents()[0].amount) == 81 * DOLLAR


def test_what_arrives_before_the_sweep_is_mined_waits_for_its_own_credit(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.sweep()
    desk.sign()
    desk.till.pay_usdc(place, 5 * DOLLAR)
    desk.till.mine()
    desk.sweep()
    desk.till.mine()
    rounds(desk, 6)
    assert sum(int(item.swept or 0) for item in items()) == 85 * DOLLAR
    assert [int(item.surplus or 0) for item in items()] == [0]
    assert_books_are_the_chain(desk)


def test_a_watcher_that_is_behind_makes_no_coins_look_like_nobodys(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.sweep()
    desk.sign()
    desk.till.pay_usdc(place, 5 * DOLLAR)
    desk.till.anvil.mine()
    desk.sweep()
    desk.till.anvil.mine(5)
    desk.sweep()
    assert [item.swept for item in items()] == [None]
    desk.till.mine()
    desk.till.anvil.mine(3)
    desk.sweep()
    desk.till.follow()
    rounds(desk)
    assert [(int(item.swept or 0), int(item.surplus or 0)) for item in items()] == [
        (85 * DOLLAR, 0)
    ]
    assert_books_are_the_chain(desk)
    assert desk.alarms() == []


def test_coins_nobody_was_credited_for_are_owed_and_told(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.till.anvil.call("anvil_setBalance", hexed(place), hex(3))
    rounds(desk, 6)
    assert desk.holds(TREASURY, ETH) == 3
    assert [(item.asset, int(item.surplus or 0)) for item in items()] == [("USDC", 0), ("ETH", 3)]
    assert desk.house(Chart.UNATTRIBUTED, ETH, None) == 3
    assert desk.alarms() == ["sweep_surplus"]
    assert_books_are_the_chain(desk)


def test_native_coin_is_swept_to_the_vault(desk: Desk) -> None:
    hot_target("ETH", ETHER)
    till = desk.till
    till.pay_eth(till.address(till.account("ali")), ETHER // 2)
    till.mine(3)
    rounds(desk, 6)
    assert desk.holds(desk.vault, ETH) == ETHER // 2
    assert_books_are_the_chain(desk)


def test_a_waiting_withdrawal_calls_for_more_than_the_target(desk: Desk) -> None:
    account = desk.till.account("ali")
    desk.till.pay_usdc(desk.till.address(account), 900 * DOLLAR)
    desk.till.mine(3)
    desk.pay()
    wd = desk.ask(account, 500 * DOLLAR, bytes([0xB1] * 20))
    for _ in range(12):
        desk.round()
        desk.till.follow()
    assert desk.row(wd).status == "confirmed"
    assert desk.holds(bytes([0xB1] * 20)) == 500 * DOLLAR
    assert_books_are_the_chain(desk)


def test_a_sweep_that_a_reorganisation_undid_is_sent_again_and_booked_once(desk: Desk) -> None:
    deposit(desk, "ali", 80 * DOLLAR, blocks=4)
    desk.round()
    assert desk.holds(TREASURY) == 80 * DOLLAR
    desk.sweep()
    desk.till.anvil.reorg(1)
    assert desk.holds(TREASURY) == 0
    rounds(desk, 6)
    assert len(desk.attempts()) == 1
    assert_books_are_the_chain(desk)


def test_a_vault_that_gives_nothing_is_told_and_left_for_later(desk: Desk) -> None:
    deposit(desk, "ali", 80 * DOLLAR)
    # the coins vanish without a trace, as a token's issuer can make them
    place = deposit(desk, "badr", 20 * DOLLAR)
    desk.till.anvil.call("anvil_impersonateAccount", hexed(place))
    desk.till.anvil.call("anvil_setBalance", hexed(place), hex(ETHER))
    data = call_data("transfer(address,uint256)", bytes([9] * 20), 20 * DOLLAR)
    desk.till.anvil.call(
        "eth_sendTransaction",
        {"from": hexed(place), "to": hexed(desk.till.usdc), "data": hexed(data)},
    )
    desk.till.anvil.mine()
    desk.till.anvil.call("anvil_setBalance", hexed(place), "0x0")
    rounds(desk, 8)
    assert desk.holds(TREASURY) == 80 * DOLLAR
    assert desk.house(Chart.UNSWEPT) == 20 * DOLLAR
    assert "sweep_failed" in desk.alarms()
    assert len(desk.intents()) == 1  # it is not tried in a circle


def test_the_signer_refuses_a_sweep_to_a_stranger_or_of_other_vaults(desk: Desk) -> None:
    deposit(desk, "ali", 80 * DOLLAR)
    changes = [
        (
            "intent",
            "payload = jsonb_set(payload, '{to}', to_jsonb(repeat('ee', 20)))",
            "other_destination",
        ),
        ("intent", "payload = jsonb_set(payload, '{salts}', '[]')", "payload_differs"),
        ("sweep_item", "address = decode(repeat('ee', 20), 'hex')", "other_vault"),
    ]
    for table, change, why in changes:
        desk.sweep()
        with db.transaction() as session:
            session.execute(text(f"update {table} set {change}"))
        desk.sign()
        assert why in (desk.intents()[-1].refusal or "")
    assert desk.attempts() == []


def test_sweeps_need_no_more_than_their_own_database_roles(desk: Desk) -> None:
    deposit(desk, "ali", 80 * DOLLAR)
    for _ in range(5):
        with role("mizan_worker"):
            desk.sweep()
        with role("mizan_signer"):
            desk.sign()
        with role("mizan_worker"):
            desk.sweep()
        desk.till.anvil.mine()
        desk.till.follow()
    assert desk.holds(TREASURY) == 80 * DOLLAR
    assert number("select count(*) from sweep_item where swept > 0") == 1
