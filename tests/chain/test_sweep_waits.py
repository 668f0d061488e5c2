"""What keeps a vault unswept whatever it holds: a chain in doubt, a payment in doubt, a failure."""

from pathlib import Path

import pytest

from gateway.ledger.chart import Chart
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, open_till
from tests.chain.money_out import Desk, open_desk
from tests.chain.test_sweep import TREASURY, assert_books_are_the_chain, deposit, rounds
from tests.chain.test_sweep_reasons import do, reasons
from tests.conftest import TestNode


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.own(desk.till.deployed.vault_factory, "setDestination(address,bool)", TREASURY, True)
    do("update chain set treasury = :to", to=TREASURY)
    return desk


def test_nothing_is_swept_while_the_chain_is_halted(desk: Desk) -> None:
    deposit(desk, "ali", 80 * DOLLAR)
    do("update watch_cursor set halted_since = now()")
    desk.sweep()
    assert desk.intents() == []
    do("update watch_cursor set halted_since = null")
    desk.sweep()
    assert len(desk.intents()) == 1


def test_a_confirming_payment_of_any_asset_keeps_its_vault_unswept(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.till.pay_eth(place, ETHER)
    desk.till.mine()
    desk.sweep()
    assert desk.intents() == []
    desk.till.mine(2)
    rounds(desk, 10)
    assert (desk.holds(TREASURY), desk.holds(TREASURY, ETH)) == (80 * DOLLAR, ETHER)
    assert_books_are_the_chain(desk)


def test_a_deposit_with_a_stricter_rule_keeps_its_vault_unswept_until_it_is_final(
    desk: Desk,
) -> None:
    do(
        "insert into finality_tier (chain, asset, from_amount, rule, blocks)"
        " values (:chain, 'USDC', :amount, 'blocks', 10)",
        chain=CHAIN,
        amount=500 * DOLLAR,
    )
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.till.pay_usdc(place, 500 * DOLLAR)
    desk.till.mine(9)
    desk.sweep()
    assert desk.intents() == []
    assert desk.house(Chart.UNSWEPT) == 80 * DOLLAR
    desk.till.mine()
    desk.sweep()
    assert reasons() == [("worth", 580 * DOLLAR)]


def test_a_vault_that_gives_nothing_is_left_alone_longer_each_time(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    desk.sweep()
    do("update sweep_item set swept = 0, failed = true; update intent set status = 'done'")
    for minutes, tried in ((9, 1), (11, 2)):
        do(
            "update sweep_item set created_at = now() - make_interval(mins => :minutes)",
            minutes=minutes,
        )
        desk.sweep()
        assert len(desk.intents()) == tried
    do(
        "update sweep_item set swept = 0, failed = true,"
        " created_at = now() - interval '11 minutes'; update intent set status = 'done'"
    )
    desk.sweep()
    assert len(desk.intents()) == 2
    do("update sweep_item set created_at = now() - interval '21 minutes'")
    desk.sweep()
    assert len(desk.intents()) == 3
    assert desk.holds(place) == 80 * DOLLAR
