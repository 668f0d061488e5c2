"""Why a vault is swept, and why not: worth its gas, old, needed; on a real node at real prices."""

from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from gateway import db
from gateway.ledger.chart import Chart
from gateway.sending import service as sending
from gateway.settings import settings
from tests.chain.money_in import CHAIN, DOLLAR, ETHER, number, open_till
from tests.chain.money_out import Desk, open_desk
from tests.chain.test_sweep import (
    TREASURY,
    assert_books_are_the_chain,
    deposit,
    hot_target,
    items,
    rounds,
)
from tests.conftest import TestNode

GWEI = 10**9
CENT = DOLLAR // 100


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.own(desk.till.deployed.vault_factory, "setDestination(address,bool)", TREASURY, True)
    do("update chain set treasury = :to", to=TREASURY)
    return desk


def do(statement: str, **values: object) -> None:
    with db.transaction() as session:
        session.execute(text(statement), values)


def gas_at(desk: Desk, wei: int) -> None:
    """Let the next blocks cost this much a unit of gas."""
    desk.till.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(wei))
    desk.till.mine()


def later() -> None:
    """Let what was judged not worth it be judged again."""
    do("update sweep_worth set judged_at = judged_at - interval '2 minutes'")


def least(asset: str = "USDC") -> int:
    return number("select least from sweep_worth where asset = :asset", asset=asset)


def reasons() -> list[tuple[str | None, int]]:
    return [(item.reason, int(item.expected)) for item in items()]


def prices(monkeypatch: pytest.MonkeyPatch, known: str) -> None:
    monkeypatch.setenv("MIZAN_FIXED_PRICES", known)
    settings.cache_clear()


def test_a_vault_is_left_until_it_is_worth_ten_times_its_gas(desk: Desk) -> None:
    place = deposit(desk, "ali", 50 * CENT)
    gas_at(desk, 10 * GWEI)
    desk.sweep()
    assert desk.intents() == []
    worth = least()
    assert worth > 50 * CENT
    desk.till.pay_usdc(place, worth - 50 * CENT - 1)
    desk.till.mine(2)
    gas_at(desk, 10 * GWEI)
    later()
    desk.sweep()
    assert desk.intents() == []
    assert least() == worth
    desk.till.pay_usdc(place, 1)
    desk.till.mine(2)
    gas_at(desk, 10 * GWEI)
    later()
    desk.sweep()
    assert reasons() == [("worth", worth)]
    rounds(desk)
    assert_books_are_the_chain(desk)


def test_the_decision_is_stored_with_what_it_was_made_from(desk: Desk) -> None:
    deposit(desk, "ali", 80 * DOLLAR)
    desk.sweep()
    with db.transaction() as session:
        facts = session.execute(text("select facts from sweep_decision")).scalar_one()
    share = int(facts["gas"]) * int(facts["gas_price"]) // int(facts["vaults"])
    assert int(facts["share"]) == share > 0
    # ten times the share, at 2,000 dollars an ether
    assert abs(int(facts["least"]) - share * 10 * 2_000 * DOLLAR // ETHER) <= 1
    assert (facts["worth_gas"], facts["age_seconds"]) == ("10", 7 * 86_400)
    estimate = int(facts["gas"])
    assert estimate <= desk.intents()[0].gas == estimate * 12 // 10


def test_together_vaults_are_worth_what_one_alone_is_not(desk: Desk) -> None:
    gas_at(desk, 10 * GWEI)
    deposit(desk, "alone", CENT)
    desk.sweep()
    alone = least()
    for count in range(12):
        deposit(desk, f"payer-{count}", alone // 2, blocks=1)
    desk.till.mine(2)
    gas_at(desk, 10 * GWEI)
    later()
    desk.sweep()
    assert reasons() == [("worth", alone // 2)] * 12
    rounds(desk)
    assert desk.house(Chart.UNSWEPT) == CENT


def test_a_vault_is_not_swept_at_the_cost_of_others_that_are_left(desk: Desk) -> None:
    gas_at(desk, 10 * GWEI)
    deposit(desk, "alone", CENT)
    desk.sweep()
    half = least() // 2
    for count in range(10):
        deposit(desk, f"payer-{count}", CENT, blocks=1)
    deposit(desk, "half", half)
    gas_at(desk, 10 * GWEI)
    later()
    desk.sweep()
    assert desk.intents() == []
    assert least() > half


def test_what_waited_for_long_is_swept_whatever_it_holds(desk: Desk) -> None:
    deposit(desk, "ali", CENT)
    deposit(desk, "badr", CENT)
    do("update unswept set since = now() - interval '7 days' + interval '1 minute'")
    desk.sweep()
    assert desk.intents() == []
    do(
        "update unswept set since = now() - interval '7 days' where address ="
        " (select address from address order by created_at limit 1)"
    )
    desk.sweep()
    assert reasons() == [("age", CENT)]
    rounds(desk)
    assert_books_are_the_chain(desk, unswept=CENT)


def test_what_comes_after_a_sweep_is_as_young_as_it_is(desk: Desk) -> None:
    place = deposit(desk, "ali", 80 * DOLLAR)
    do("update unswept set since = now() - interval '8 days'")
    desk.sweep()
    desk.sign()
    desk.sweep()
    desk.till.anvil.mine()
    desk.till.pay_usdc(place, CENT)
    desk.till.mine(3)
    desk.sweep()
    assert_books_are_the_chain(desk, unswept=CENT)
    assert number("select count(*) from unswept where since > now() - interval '1 hour'") == 1
    later()
    desk.sweep()
    assert len(desk.intents()) == 1


def test_dear_gas_puts_a_sweep_off_and_cheap_gas_brings_it_back(desk: Desk) -> None:
    deposit(desk, "ali", 80 * DOLLAR)
    gas_at(desk, 300 * GWEI)
    desk.sweep()
    assert desk.intents() == []
    assert least() > 80 * DOLLAR
    gas_at(desk, GWEI)
    desk.sweep()
    assert desk.intents() == []  # a price is not asked again every few seconds
    later()
    desk.sweep()
    assert reasons() == [("worth", 80 * DOLLAR)]


def test_without_a_price_nothing_is_worth_it_but_age_and_need_still_count(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices(monkeypatch, "USDC=1")
    deposit(desk, "ali", 800 * DOLLAR)
    with capture_logs() as told:
        desk.sweep()
    assert desk.intents() == []
    assert "sweep.no_price" in [line["event"] for line in told]
    assert number("select count(*) from sweep_worth where least is null") == 1
    do("update unswept set since = now() - interval '8 days'")
    desk.sweep()
    assert reasons() == [("age", 800 * DOLLAR)]
    rounds(desk)
    deposit(desk, "badr", 50 * DOLLAR)
    hot_target("USDC", 10 * DOLLAR)
    later()
    desk.sweep()
    assert reasons()[1:] == [("need", 50 * DOLLAR)]


def test_the_coin_that_pays_the_gas_needs_no_price(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices(monkeypatch, "")
    till = desk.till
    till.pay_eth(till.address(till.account("ali")), ETHER // 100_000)
    till.mine(3)
    gas_at(desk, 10 * GWEI)
    desk.sweep()
    assert desk.intents() == []
    assert ETHER // 100_000 < least("ETH") < ETHER
    till.pay_eth(till.address(till.account("badr")), ETHER)
    till.mine(3)
    later()
    desk.sweep()
    assert reasons() == [("worth", ETHER)]


def test_need_takes_the_fullest_vaults_and_no_more_than_it_takes(desk: Desk) -> None:
    do("update chain set sweep_worth_gas = 1000000")
    hot_target("USDC", 100 * DOLLAR)
    for handle, dollars in (("ali", 30), ("badr", 70), ("carim", 20), ("dina", 40)):
        deposit(desk, handle, dollars * DOLLAR)
    desk.sweep()
    assert sorted(reasons()) == [("need", 40 * DOLLAR), ("need", 70 * DOLLAR)]
    rounds(desk)
    assert desk.holds(desk.vault) == 110 * DOLLAR
    assert_books_are_the_chain(desk, unswept=50 * DOLLAR)


def test_a_waiting_withdrawal_is_a_need(desk: Desk) -> None:
    do("update chain set sweep_worth_gas = 1000000")
    account = desk.till.account("ali")
    desk.till.pay_usdc(desk.till.address(account), 60 * DOLLAR)
    desk.till.mine(3)
    deposit(desk, "badr", 20 * DOLLAR)
    desk.sweep()
    assert desk.intents() == []
    desk.pay()
    wd = desk.ask(account, 50 * DOLLAR, bytes([0xB1] * 20))
    rounds(desk, 12)
    assert desk.row(wd).status == "confirmed"
    assert reasons() == [("need", 60 * DOLLAR)]
    assert_books_are_the_chain(desk, unswept=20 * DOLLAR)


def test_what_is_on_its_way_to_the_payout_vault_is_not_fetched_twice(desk: Desk) -> None:
    hot_target("USDC", 50 * DOLLAR)
    for handle in ("ali", "badr"):
        deposit(desk, handle, 60 * DOLLAR)
    with db.transaction() as session:
        sending.register_signer(
            session, chain=CHAIN, address=bytes([0x77] * 20), role="sweep", next_nonce=0
        )
    desk.own(desk.till.deployed.vault_factory, "setSweeper(address,bool)", bytes([0x77] * 20), True)
    desk.sweep()
    desk.sweep()
    first, second = desk.intents()
    assert first.payload["to"] == desk.vault.hex()
    assert second.payload["to"] == TREASURY.hex()
