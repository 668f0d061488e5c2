"""What the signers have for gas is watched: an operator is called before one of them has none."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.app import app
from gateway.chain.address import show_address
from gateway.webhooks import alarms
from gateway.webhooks.store import Alarm
from tests.chain.money_in import CHAIN, DOLLAR, ETHER, hexed, number, open_till
from tests.chain.money_out import Desk, open_desk
from tests.chain.test_sweep import TREASURY, deposit, rounds
from tests.conftest import TestNode

GWEI = 10**9


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.own(desk.till.deployed.vault_factory, "setDestination(address,bool)", TREASURY, True)
    with db.transaction() as session:
        session.execute(text("update chain set treasury = :to"), {"to": TREASURY})
    return desk


def fill(desk: Desk, place: bytes, wei: int) -> None:
    desk.till.anvil.call("anvil_setBalance", hexed(place), hex(wei))


def raised() -> list[Alarm]:
    with db.transaction() as session:
        found = session.query(Alarm).filter_by(kind="gas_low").order_by(Alarm.id).all()
        session.expunge_all()
        return found


def acknowledge(alarm: Alarm) -> None:
    with db.transaction() as session:
        alarms.acknowledge(session, alarm.id, by="key_operator")


def test_signers_with_plenty_ring_nothing(desk: Desk) -> None:
    desk.sweep()
    assert raised() == []
    assert number("select count(*) from gas_tank where balance = :wei", wei=100 * ETHER) == 2


@pytest.mark.parametrize("role", ["operator", "sweeper"])
def test_a_signer_that_is_nearly_empty_rings_once(desk: Desk, role: str) -> None:
    place = getattr(desk, role)
    fill(desk, place, GWEI)
    for _ in range(3):
        desk.sweep()
    (alarm,) = raised()
    assert alarm.subject == f"{CHAIN} {show_address(place)}"
    assert "has 0.000000001 ETH, enough for 0 transactions" in alarm.detail
    assert f"to {show_address(place)}" in alarm.detail
    assert number("select count(*) from event where type = 'alarm.gas_low'") == 1


def test_what_the_alarm_asks_for_is_enough(desk: Desk) -> None:
    fill(desk, desk.sweeper, GWEI)
    desk.sweep()
    (alarm,) = raised()
    asked = alarm.detail.split(": send ")[1].split(" ")[0]
    acknowledge(alarm)
    wei = int(asked.replace(".", "").ljust(18 + asked.index("."), "0"))
    fill(desk, desk.sweeper, GWEI + wei)
    desk.sweep()
    assert len(raised()) == 1
    assert number("select min(transactions) from gas_tank") == 100


def test_it_rings_again_when_it_was_acknowledged_and_nothing_was_sent(desk: Desk) -> None:
    fill(desk, desk.sweeper, GWEI)
    desk.sweep()
    acknowledge(raised()[0])
    desk.sweep()
    desk.sweep()
    assert [alarm.acknowledged_at is None for alarm in raised()] == [False, True]


def test_dearer_gas_makes_the_same_balance_too_little(desk: Desk) -> None:
    fill(desk, desk.sweeper, ETHER)
    desk.sweep()
    assert raised() == []
    desk.till.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(100 * GWEI))
    desk.till.mine()
    desk.sweep()
    assert [alarm.subject for alarm in raised()] == [f"{CHAIN} {show_address(desk.sweeper)}"]


def test_a_transaction_costs_what_the_signer_s_largest_of_late_did(desk: Desk) -> None:
    deposit(desk, "ali", 80 * DOLLAR)
    rounds(desk)
    before = number("select transactions from gas_tank order by balance limit 1")
    with db.transaction() as session:
        session.execute(text("update intent set gas = gas * 10"))
    desk.sweep()
    after = number("select transactions from gas_tank order by balance limit 1")
    assert before // 11 <= after <= before // 9


def test_the_settings_of_a_chain_say_when(desk: Desk) -> None:
    fill(desk, desk.sweeper, ETHER)
    desk.sweep()
    assert raised() == []
    with db.transaction() as session:
        session.execute(
            text("update chain set gas_low_transactions = 1000000, gas_fill_transactions = 2000000")
        )
    desk.sweep()
    assert len(raised()) == 2


def test_the_figures_are_among_the_metrics(desk: Desk) -> None:
    fill(desk, desk.sweeper, 3 * ETHER)
    desk.sweep()
    with TestClient(app) as client:
        told = client.get("/metrics").text
    labels = f'{{address="{show_address(desk.sweeper)}",chain="{CHAIN}",role="sweep"}}'
    assert f"mizan_gas_wei{labels} 3e+18" in told
    assert f"mizan_gas_transactions{labels} " in told
