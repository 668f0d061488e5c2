"""Payouts that need a second key's approval on chain: they wait for it, and leave with it once."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.address import show_address
from gateway.operators import signers as command
from gateway.withdrawals import approvals
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER
from tests.chain.money_out import Desk, assert_paid_once, role
from tests.chain.second_key import approve_all, backdate, finish, open_second, round_of, said
from tests.conftest import TestNode

ALI, BADR = bytes([0xB1] * 20), bytes([0xB2] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return open_second(anvil, tmp_path, monkeypatch)


def test_a_payout_waits_for_the_second_key_and_leaves_with_its_approval(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.round()
    desk.pay()
    assert desk.rows() == [("approved", "second_approval")]
    assert desk.attempts() == []
    finish(desk)
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    (approval,) = said()
    (attempt,) = desk.attempts()
    assert attempt.approval_id == approval.id
    assert approval.withdrawals == [wd]
    assert approval.signature is not None
    assert approval.signature in attempt.raw
    assert desk.alarms() == []


def test_batches_and_native_coin_leave_with_approvals(desk: Desk) -> None:
    account = desk.rich(ethers=5)
    for n in range(12):
        desk.ask(account, (n + 1) * DOLLAR, bytes([0xC0, n] * 10))
    coin = desk.ask(account, ETHER // 4, BADR, ETH)
    finish(desk)
    assert desk.row(coin).status == "confirmed"
    assert desk.holds(BADR, ETH) == ETHER // 4
    assert {status for status, _ in desk.rows()} == {"confirmed"}
    assert [one.seq for one in desk.transactions()] == [0, 1]
    assert desk.sound()


def test_each_process_does_its_part_with_its_own_role(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    for _ in range(6):
        with role("mizan_worker"):
            desk.pay()
        with role("mizan_approver"):
            approve_all()
        with role("mizan_signer"):
            desk.sign()
        with role("mizan_worker"):
            desk.pay()
        desk.till.anvil.mine()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_an_approval_that_expired_unsigned_is_given_anew(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    approve_all()
    backdate()
    assert desk.sign()
    assert desk.intents()[0].refusal == "approval_expired"
    with db.transaction() as session:
        session.execute(text("update intent set created_at = now() - interval '1 hour'"))
    finish(desk)
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert len(said()) == 2


def test_a_withdrawal_is_not_approved_with_two_numbers_at_a_time(desk: Desk) -> None:
    account = desk.rich()
    first = desk.ask(account, 5 * DOLLAR, ALI)
    desk.pay()
    approve_all()
    with db.transaction() as session:  # nobody signed it; meanwhile another took its number
        session.execute(text("update intent set created_at = now() - interval '1 hour'"))
        session.execute(text("update withdrawal set created_at = created_at + interval '1 day'"))
    desk.pay()
    second = desk.ask(account, 7 * DOLLAR, BADR)
    with db.transaction() as session:
        session.execute(
            text("update withdrawal set created_at = now() - interval '1 hour' where id = :id"),
            {"id": second},
        )
        session.execute(text("update withdrawal set status = 'held' where id = :id"), {"id": first})
    desk.pay()
    approve_all()
    assert desk.sign()
    assert desk.transactions()[0].seq == 0
    with db.transaction() as session:
        session.execute(
            text(
                "update withdrawal set status = 'approved',"
                " created_at = now() - interval '1 hour' where id = :id"
            ),
            {"id": first},
        )
    desk.pay()
    approve_all()
    assert not desk.sign()
    desk.pay()
    assert desk.row(first).waiting_reason == "second_approval"
    assert [(one.seq, one.withdrawals) for one in said()] == [(0, [first]), (0, [second])]
    backdate()
    finish(desk)
    assert (desk.holds(ALI), desk.holds(BADR)) == (5 * DOLLAR, 7 * DOLLAR)
    assert [one.seq for one in said()] == [0, 0, 1]


def test_the_approver_keeps_to_the_value_of_a_day(desk: Desk) -> None:
    command.limit(CHAIN, show_address(desk.operator), "USDC", "5")
    account = desk.rich()
    desk.ask(account, 5 * DOLLAR, ALI)
    finish(desk)
    with db.transaction() as session:  # as if the signer had forgotten what it signed
        session.execute(text("update transaction set amount = 0"))
    desk.ask(account, DOLLAR, ALI)
    round_of(desk)
    assert said()[-1].refusal == "value_per_day_above_limit"
    assert desk.intents()[-1].refusal == "approver: value_per_day_above_limit"


def test_a_silent_approver_calls_an_operator(desk: Desk) -> None:
    desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.round()
    with db.transaction() as session:
        session.execute(text("update intent set created_at = now() - interval '61 seconds'"))
    desk.pay()
    assert desk.alarms() == ["approver_silent"]


def test_the_estimate_covers_the_approval(desk: Desk) -> None:
    account = desk.rich(dollars=100_000)
    for n in range(100):
        desk.ask(account, DOLLAR, bytes([0xC0, n] * 10))
    finish(desk)
    (done,) = desk.transactions()
    (intent,) = desk.intents()
    assert done.gas_used is not None
    assert done.gas_used < intent.gas < 1.35 * done.gas_used


def test_what_reverts_because_its_approval_expired_is_paid_later_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    with monkeypatch.context() as short:
        short.setattr(approvals, "APPROVAL_SECONDS", approvals.TIME_TO_MINE_SECONDS + 30)
        approve_all()
    assert desk.sign()
    (first,) = said()
    late = int(first.deadline.timestamp()) + 1
    desk.till.anvil.call("evm_setNextBlockTimestamp", hex(late))
    desk.pay()
    desk.till.anvil.mine(4)
    desk.pay()
    assert desk.rows()[0][0] == "approved"
    assert desk.alarms() == ["payout_reverted"]
    assert desk.holds(ALI) == 0
    finish(desk)
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert [one.seq for one in said()] == [0, 0]
