"""Payouts on a real node: batches, refused recipients, missing funds, a node that is away."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.payout import payment
from gateway.chain.port import NodeAway
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart
from gateway.withdrawals import settle
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, USDC, open_till
from tests.chain.money_out import Desk, assert_paid_once, open_desk
from tests.conftest import TestNode

ALI, BADR = bytes([0xB1] * 20), bytes([0xB2] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def test_a_withdrawal_is_held_signed_sent_and_confirmed_at_its_depth(desk: Desk) -> None:
    account = desk.rich()
    hot = desk.house(Chart.HOT)
    wd = desk.ask(account, 5 * DOLLAR, ALI)
    desk.pay()
    assert desk.row(wd).status == "approved"
    assert desk.attempts() == []
    assert desk.sign()
    assert desk.row(wd).status == "approved"
    desk.pay()
    sent = desk.row(wd)
    assert (sent.status, sent.tx_hash) == ("sent", desk.attempts()[0].hash)
    for depth in (1, 2):
        desk.till.anvil.mine()
        desk.pay()
        seen = desk.row(wd)
        assert (seen.status, seen.confirmations) == ("sent", depth)
        assert desk.house(Chart.HOT) == hot
    desk.till.anvil.mine()
    desk.pay()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert desk.events(wd) == ["requested", "approved", "sent", "confirmed"]
    assert desk.house(Chart.HOT) == hot - 5 * DOLLAR
    assert desk.house(Chart.FEES, USDC, None) == int(sent.fee)
    spent = 100 * ETHER - desk.holds(desk.operator, ETH)
    assert spent > 0
    assert -desk.house(Chart.GAS_TANK, ETH) == desk.house(Chart.GAS, ETH, None) == spent
    (evidence,) = evidences()
    assert evidence == (CHAIN, desk.row(wd).block_number, sent.tx_hash)


def evidences() -> set[tuple[Any, ...]]:
    with db.transaction() as session:
        rows = session.execute(
            text("select chain, block_number, tx_hash from ledger.transfer where kind = 3")
        )
        return {(row[0], row[1], bytes(row[2])) for row in rows}


def test_one_transaction_pays_many(desk: Desk) -> None:
    account = desk.rich()
    wanted = {bytes([0xC0, n] * 10): (n + 1) * DOLLAR for n in range(30)}
    for place, units in wanted.items():
        desk.ask(account, units, place)
    twice = desk.ask(account, DOLLAR, ALI), desk.ask(account, DOLLAR, ALI)
    desk.finish()
    assert {place: desk.holds(place) for place in wanted} == wanted
    assert desk.holds(ALI) == 2 * DOLLAR
    assert {desk.row(wd).status for wd in twice} == {"confirmed"}
    assert len(desk.transactions()) == 1
    assert desk.sound()


def test_who_cannot_be_paid_is_refunded_and_the_others_are_paid(desk: Desk) -> None:
    account = desk.rich(ethers=9)
    refuser = desk.till.mock("RevertingRecipient")
    before = balance(account)
    good = desk.ask(account, ETHER // 4, ALI, ETH)
    bad = [desk.ask(account, ETHER // 2, refuser, ETH) for _ in range(2)]
    other = desk.ask(account, ETHER // 2, BADR, ETH)
    desk.finish()
    assert (desk.holds(ALI, ETH), desk.holds(BADR, ETH)) == (ETHER // 4, ETHER // 2)
    assert [desk.row(wd).status for wd in (good, other)] == ["confirmed", "confirmed"]
    for wd in bad:
        row = desk.row(wd)
        assert (row.status, row.failure_reason) == ("failed", "recipient_refused")
    fees = int(desk.row(good).fee) + int(desk.row(other).fee)
    assert balance(account).available.units == before.available.units - 3 * ETHER // 4 - fees
    assert balance(account).held.units == 0
    assert len(desk.transactions()) == 1
    assert desk.sound()


def balance(account: str) -> ledger.Balance:
    with db.transaction() as session:
        return ledger.balance(session, account, ETH)


def test_of_two_equal_payments_one_may_fail_alone(desk: Desk) -> None:
    intent_payload = {"withdrawals": ["a", "b"], "payments": [payment(ALI, 5).hex()] * 2}

    class Log:
        address = desk.vault
        topics = (payoutlog(), (3).to_bytes(32, "big"))
        data = payment(ALI, 5)

    class Receipt:
        logs = (Log(),)

    class Intent:
        payload = intent_payload

    class Place:
        payout_vault = desk.vault

    ends = settle.ends_of(Intent(), Place(), 3, Receipt())  # type: ignore[arg-type]
    assert ends == [("a", False), ("b", True)]


def payoutlog() -> bytes:
    from gateway.chain.payout import FAILED

    return FAILED


def test_without_hot_funds_a_withdrawal_waits_and_smaller_ones_go(desk: Desk) -> None:
    account = desk.rich(dollars=50_000)
    large = [desk.ask(account, 900 * DOLLAR, ALI) for _ in range(12)]
    small = desk.ask(account, 50 * DOLLAR, BADR)
    desk.round()
    desk.pay()
    waits = [wd for wd in large if desk.row(wd).waiting_reason == "insufficient_hot_funds"]
    assert len(waits) == 1
    assert desk.row(small).status == "sent"
    desk.fund()
    desk.finish()
    assert desk.holds(ALI) == 12 * 900 * DOLLAR


def test_two_signers_do_not_spend_the_same_funds(desk: Desk) -> None:
    desk.second_signer()
    account = desk.rich(dollars=50_000)
    for _ in range(9):
        desk.ask(account, 900 * DOLLAR, ALI)
    desk.pay()
    late = [desk.ask(account, 900 * DOLLAR, BADR) for _ in range(5)]
    desk.pay()
    desk.sign()
    desk.sign()
    assert len({intent.signer_id for intent in desk.intents()}) == 2
    waits = [wd for wd in late if desk.row(wd).waiting_reason == "insufficient_hot_funds"]
    assert len(waits) == 3
    desk.fund()
    desk.finish()
    assert (desk.holds(ALI), desk.holds(BADR)) == (8_100 * DOLLAR, 4_500 * DOLLAR)
    assert [tx.state for tx in desk.transactions()] == ["confirmed"] * 3
    assert desk.alarms() == []


def test_while_the_node_is_away_withdrawals_are_taken_and_say_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pay()

    def away(*_: object) -> None:
        raise NodeAway("the node is away")

    for call in ("head", "base_fee"):
        monkeypatch.setattr(desk.till.node, call, away)
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    assert desk.rows() == [("approved", "node_unreachable")]
    monkeypatch.undo()
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_a_frozen_account_is_not_paid_until_it_is_active_again(desk: Desk) -> None:
    from gateway.accounts import service as accounts

    account = desk.rich()
    wd = desk.ask(account, 5 * DOLLAR, ALI)
    with db.transaction() as session:
        accounts.freeze(session, account)
    desk.round()
    assert desk.rows() == [("approved", "account_frozen")]
    with db.transaction() as session:
        accounts.unfreeze(session, account)
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
