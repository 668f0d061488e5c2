"""Hot and cold funds on a real node: proposals are signed as they are, and it is as foretold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.chain.artifacts import call_data
from gateway.journal.store import Entry
from gateway.ledger.chart import Chart
from gateway.operators.treasury import hot, moved
from gateway.webhooks import alarms
from gateway.webhooks.store import Alarm
from tests.api.conftest import Client
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, USDC, hexed, open_till
from tests.chain.money_out import OWNER, Desk, open_desk
from tests.chain.test_payout_operator import key_of
from tests.conftest import TestNode
from tests.flow.test_settlement_whole import breaches, differences, place_float
from workers.treasury import treasury as call_for_refill

COLD = 5
"""Which of the node's accounts is the treasury."""
ALI = bytes([0xB1] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with 1,000 dollars in its vault and 5,000 in its treasury, all of it booked."""
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    cold = bytes.fromhex(anvil.accounts()[COLD][2:])
    desk.own(desk.till.deployed.vault_factory, "setDestination(address,bool)", cold, True)
    with db.transaction() as session:
        session.execute(text("update chain set treasury = :to"), {"to": cold})
    desk.fund(1_000, 5)
    mint = call_data("mint(address,uint256)", cold, 5_000 * DOLLAR)
    anvil.send(to=hexed(desk.till.usdc), data=hexed(mint))
    anvil.mine()
    for code, asset, units in (
        (Chart.HOT, USDC, 1_000 * DOLLAR),
        (Chart.HOT, ETH, 5 * ETHER),
        (Chart.GAS_TANK, ETH, 200 * ETHER),
        (Chart.TREASURY, USDC, 5_000 * DOLLAR),
        (Chart.TREASURY, ETH, desk.holds(cold, ETH)),
    ):
        place_float(anvil.head(), code, asset, units)
    anvil.mine(3)
    return desk


@pytest.fixture
def operator(desk: Desk) -> Iterator[Client]:
    from gateway.app import app

    with TestClient(app, raise_server_exceptions=False) as http:
        yield key_of(http)


def asset(operator: Client, code: str = "USDC") -> dict[str, Any]:
    rows = operator.get("/v1/treasury").json()["data"]
    (row,) = [row for row in rows if row["asset"] == code]
    found: dict[str, Any] = row
    return found


def sign(desk: Desk, proposal: dict[str, Any], account: int) -> str:
    """Sign a proposal as it is, and wait until it is final."""
    tx = desk.till.anvil.send(
        to=proposal["to"],
        value=int(proposal["value"]),
        data=proposal["calldata"],
        sender=account,
    )
    desk.till.anvil.mine(3)
    return tx


def test_a_refill_is_signed_as_it_is_proposed_and_booked_once(desk: Desk, operator: Client) -> None:
    hot(CHAIN, "USDC", target="1200", least="1000", most="2000")
    account = desk.rich(dollars=3_000)
    wd = [desk.ask(account, 900 * DOLLAR, ALI) for _ in range(2)]
    row = asset(operator)
    assert (row["hot"], row["on_chain"], row["waiting"]) == ("1000.00", "1000.00", "1800.00")
    assert (row["min"], row["target"], row["max"]) == ("1000.00", "1200.00", "2000.00")
    assert row["proposal"]["direction"] == "refill"
    assert row["proposal"]["amount"] == "2000.00"
    tx = sign(desk, row["proposal"], COLD)
    assert desk.holds(desk.vault) == 3_000 * DOLLAR
    # in no book yet, and not asked for again
    assert (asset(operator)["hot"], asset(operator)["proposal"]) == ("1000.00", None)
    lines = moved(CHAIN, tx)
    assert lines[0] == "2000.00 USDC booked from the treasury to the payout vault"
    assert "gas the treasury paid" in lines[1]
    assert moved(CHAIN, tx) == ["it was booked before"]
    assert differences(desk) == {"USDC": -3_000 * DOLLAR, "ETH": 0}  # the rich account's own
    desk.finish()
    assert [desk.row(one).status for one in wd] == ["confirmed"] * 2
    assert asset(operator)["hot"] == "1200.00"
    assert asset(operator)["proposal"] is None
    assert desk.sound()


def test_a_drain_of_native_coin_is_signed_by_the_cold_owner(desk: Desk, operator: Client) -> None:
    hot(CHAIN, "ETH", target="2", least="1", most="4")
    proposal = asset(operator, "ETH")["proposal"]
    assert (proposal["direction"], proposal["amount"]) == ("drain", "3.00")
    tx = sign(desk, proposal, OWNER)
    assert desk.holds(desk.vault, ETH) == 2 * ETHER
    assert asset(operator, "ETH")["proposal"] is None
    assert moved(CHAIN, tx) == ["3.00 ETH booked from the payout vault to the treasury"]
    assert asset(operator, "ETH")["hot"] == "2.00"
    assert differences(desk) == {"USDC": 0, "ETH": 0}
    assert breaches() == []


def test_a_refill_of_native_coin_is_a_plain_transfer(desk: Desk, operator: Client) -> None:
    hot(CHAIN, "ETH", target="8", least="6", most="none")
    proposal = asset(operator, "ETH")["proposal"]
    assert (proposal["amount"], proposal["calldata"]) == ("3.00", "0x")
    moved(CHAIN, sign(desk, proposal, COLD))
    assert asset(operator, "ETH")["hot"] == "8.00"
    assert differences(desk) == {"USDC": 0, "ETH": 0}


def test_what_moved_nothing_of_ours_is_not_booked(desk: Desk) -> None:
    other = desk.till.anvil.send(to=hexed(ALI), value=5, sender=COLD)
    with pytest.raises(typer.BadParameter, match="no such transaction"):
        moved(CHAIN, other)
    desk.till.anvil.mine(2)
    with pytest.raises(typer.BadParameter, match="not final"):
        moved(CHAIN, other)
    desk.till.anvil.mine(2)
    with pytest.raises(typer.BadParameter, match="moved nothing"):
        moved(CHAIN, other)
    with pytest.raises(typer.BadParameter, match="by its hash"):
        moved(CHAIN, "0x12")


def test_hot_funds_are_set_with_a_journal_entry_and_never_contradict(desk: Desk) -> None:
    hot(CHAIN, "USDC", target="100", least="50", most="none")
    told = hot(CHAIN, "USDC", target=None, least=None, most=None)
    assert told.endswith("should hold 100.00 USDC, at least 50.00, however much")
    for wrong in ({"target": "40"}, {"most": "99"}, {"least": "101"}, {"target": "-1"}):
        with pytest.raises(typer.BadParameter):
            hot(CHAIN, "USDC", **({"target": None, "least": None, "most": None} | wrong))
    assert hot(CHAIN, "USDC", target=None, least=None, most=None) == told
    with db.transaction() as session:
        (entry,) = session.query(Entry).filter(Entry.action == "hot_funds.set")
    assert entry.subject == f"{CHAIN} USDC"
    assert entry.facts == {"target": "100000000", "min": "50000000", "max": None}


def refill_alarms() -> list[Alarm]:
    with db.transaction() as session:
        return session.query(Alarm).filter(Alarm.kind == "refill_needed").all()


def test_a_refill_is_called_for_once_and_again_when_it_is_still_needed(desk: Desk) -> None:
    call_for_refill()
    assert refill_alarms() == []
    account = desk.rich(dollars=3_000)
    for _ in range(2):
        desk.ask(account, 900 * DOLLAR, ALI)
    call_for_refill()
    call_for_refill()
    (alarm,) = refill_alarms()
    assert alarm.subject == f"{CHAIN} USDC"
    assert "lacks 800.00 USDC" in alarm.detail
    with db.transaction() as session:
        alarms.acknowledge(session, alarm.id, by="key_a")
    call_for_refill()
    assert len(refill_alarms()) == 2


def test_what_sweeps_can_bring_needs_no_refill(desk: Desk, operator: Client) -> None:
    till = desk.till
    till.pay_usdc(till.address(till.account("badr")), 900 * DOLLAR)
    till.mine(3)
    account = desk.rich(dollars=3_000)
    wd = [desk.ask(account, 900 * DOLLAR, ALI) for _ in range(2)]
    call_for_refill()
    row = asset(operator)
    assert (row["coming"], row["unswept"], row["proposal"]) == ("900.00", "900.00", None)
    assert refill_alarms() == []
    for _ in range(12):
        desk.round()
        till.follow()
    assert [desk.row(one).status for one in wd] == ["confirmed"] * 2


def test_only_operators_see_the_treasury(desk: Desk, operator: Client) -> None:
    merchant = key_of(operator.http, desk.rich())
    assert merchant.get("/v1/treasury").status_code == 403
