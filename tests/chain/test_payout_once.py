"""Paid once: whatever comes twice, dies in between, is stuck, reverts or is undone."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.payout import pay_call, payment
from gateway.chain.port import NodeAway
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart
from gateway.sending import follow as following
from gateway.sending import service as sending
from gateway.sending import signing
from gateway.sending.call import Call
from gateway.withdrawals import plan, settle
from tests.chain.money_in import CHAIN, DOLLAR, ETH, number, open_till
from tests.chain.money_out import Desk, assert_paid_once, open_desk, role
from tests.conftest import TestNode
from workers import signer
from workers.keys import drivers

ALI, BADR = bytes([0xB1] * 20), bytes([0xB2] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def test_every_task_may_come_twice_at_any_moment(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    for _ in range(8):
        desk.pay()
        desk.pay()
        desk.sign()
        desk.sign()
        desk.pay()
        desk.pay()
        desk.till.anvil.mine()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert (len(desk.transactions()), desk.seq(), desk.alarms()) == (1, 1, [])


STEPS: list[tuple[Any, str]] = [
    (plan, "locked_waiting"),
    (sending, "plan"),
    (signing, "store"),
    (signer, "sign_fields"),
    (settle, "tell_sent"),
    (following, "send"),
    (following, "record_sent"),
    (following, "record_sighting"),
    (settle, "show_depth"),
    (settle, "end_one"),
    (settle, "step"),
    (following, "finish"),
    (following, "book_gas"),
    (ledger, "capture"),
]


class Killed(Exception):
    """The process died here."""


class Dying:
    """A function after which, or before which, the process dies once."""

    def __init__(self, real: Any, when: str) -> None:
        self.real, self.when, self.lives = real, when, True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.when == "before":
            self.die()
        result = self.real(*args, **kwargs)
        self.die()
        return result

    def die(self) -> None:
        if self.lives:
            self.lives = False
            raise Killed


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_step_pays_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    account = desk.rich()
    for number_of, (module, name) in enumerate(STEPS):
        place = bytes([0xD0, number_of] * 10)
        dying = Dying(getattr(module, name), when)
        with monkeypatch.context() as patch:
            patch.setattr(module, name, dying)
            wd = desk.ask(account, 5 * DOLLAR, place)
            desk.till.anvil.mine(surviving(desk))
        assert not dying.lives, name
        assert (desk.holds(place), desk.row(wd).status) == (5 * DOLLAR, "confirmed"), name
        assert desk.seq() == number_of + 1, name
    assert number("select count(*) from ledger.transfer where kind = 3") == 2 * len(STEPS)
    assert (len(desk.transactions()), desk.alarms(), desk.sound()) == (len(STEPS), [], True)


def surviving(desk: Desk) -> int:
    """Rounds in which a step may die; returns the blocks still to mine."""
    for _ in range(7):
        for step in (desk.pay, desk.sign, desk.pay):
            try:
                step()
            except Killed:
                continue
        desk.till.anvil.mine()
    return 1


def test_an_answer_that_never_came_counts_as_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    real = desk.till.node.send_raw

    def lost(raw: bytes) -> bytes:
        real(raw)
        raise NodeAway("the answer did not come")

    monkeypatch.setattr(desk.till.node, "send_raw", lost)
    desk.pay()
    assert desk.attempts()[0].outcome == "uncertain"
    monkeypatch.undo()
    desk.till.anvil.mine(3)
    desk.pay()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def stuck(desk: Desk) -> str:
    """A payout in the pool that no miner takes, for long enough."""
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    desk.pay()
    with db.transaction() as session:
        session.execute(text("update attempt set created_at = now() - interval '1 hour'"))
    return wd


def test_a_stuck_payout_is_signed_again_for_more_and_paid_once(desk: Desk) -> None:
    wd = stuck(desk)
    desk.pay()
    desk.pay()
    with role("mizan_signer"):
        assert signer.raise_next(CHAIN)
        assert not signer.raise_next(CHAIN)
    desk.pay()
    first, second = desk.attempts()
    assert second.tip * 8 > first.tip * 9
    assert second.cap * 8 > first.cap * 9
    assert (second.outcome, desk.transactions()[0].nonce) == ("sent", 0)
    desk.finish()
    assert desk.row(wd).tx_hash == second.hash
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_an_older_attempt_that_is_mined_after_all_is_found(desk: Desk) -> None:
    wd = stuck(desk)
    desk.pay()
    assert signer.raise_next(CHAIN)
    desk.till.anvil.mine()
    desk.finish()
    assert desk.row(wd).tx_hash == min(desk.attempts(), key=lambda attempt: attempt.cap).hash
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_one_nonce_never_has_two_payloads(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck(desk)
    desk.pay()
    other = Call(to=desk.vault, data=pay_call(None, 0, [payment(BADR, 1)]))
    monkeypatch.setitem(signer.ENCODE, "payout", lambda *_: other)
    assert signer.raise_next(CHAIN)
    assert not signer.raise_next(CHAIN)
    assert len(desk.attempts()) == 1
    desk.pay()
    assert desk.alarms() == ["signer_refused"]


def test_a_payout_that_a_reorganisation_undid_is_sent_again_and_confirmed_once(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.round()
    desk.pay()
    assert desk.row(wd).confirmations == 1
    assert desk.holds(ALI) == 5 * DOLLAR
    desk.till.anvil.reorg(1)
    assert desk.holds(ALI) == 0
    desk.pay()
    row = desk.row(wd)
    assert (row.status, row.confirmations, row.block_number) == ("sent", 0, None)
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert (len(desk.attempts()), desk.seq()) == (1, 1)


def test_the_same_batch_cannot_be_paid_twice_even_with_a_fresh_nonce(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.finish()
    replay = pay_call(desk.till.usdc, 0, [payment(ALI, 5 * DOLLAR)])
    fields = {
        "chainId": 31337,
        "type": 2,
        "nonce": 1,
        "to": desk.vault,
        "value": 0,
        "data": replay,
        "gas": 500_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 1,
    }
    tx = desk.till.node.send_raw(drivers.sign_fields(desk.operator, fields).raw)
    desk.till.anvil.mine()
    receipt = desk.till.node.receipt(tx)
    assert receipt is not None
    assert not receipt.succeeded
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    # and the stranger's use of the key stops the signer
    other = desk.ask(desk.rich("badr"), DOLLAR, BADR)
    desk.round()
    assert desk.row(other).status == "approved"
    assert desk.alarms() == ["signer_used_elsewhere"]


def test_a_reverted_payout_is_planned_again_with_the_right_number_and_paid_once(
    desk: Desk,
) -> None:
    account = desk.rich()
    first = desk.ask(account, 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    # the vault is emptied between the signature and the block
    desk.own(desk.vault, "withdraw(address,address,uint256)", desk.till.usdc, BADR, 10_000 * DOLLAR)
    desk.pay()
    desk.till.anvil.mine()
    desk.pay()
    second = desk.ask(account, 7 * DOLLAR, ALI)
    desk.round()
    assert [tx.state for tx in desk.transactions()] == ["mined"]  # nothing is signed behind it
    assert desk.row(first).status == "sent"
    desk.till.anvil.mine(3)
    desk.pay()
    assert desk.rows() == [("approved", "insufficient_hot_funds")] * 2
    assert desk.seq() == 0
    desk.fund()
    desk.finish()
    assert desk.holds(ALI) == 12 * DOLLAR
    assert [(tx.nonce, tx.seq, tx.state) for tx in desk.transactions()] == [
        (0, 0, "reverted"),
        (1, 0, "confirmed"),
    ]
    assert {desk.row(wd).status for wd in (first, second)} == {"confirmed"}
    assert "payout_reverted" in desk.alarms()
    assert desk.sound()


def test_a_final_payout_that_left_the_chain_is_mined_again_and_its_gas_booked_anew(
    desk: Desk,
) -> None:
    """Deeper than the confirmations: the bytes go out again, only the price of gas differs."""
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.finish()
    (before,) = desk.transactions()
    head = desk.till.anvil.head()
    desk.till.anvil.reorg(head - int(before.block_number or 0) + 1)
    assert desk.holds(ALI) == 0
    desk.till.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(2_000_000_000))
    for _ in range(8):
        desk.pay()
        desk.till.anvil.mine()
    desk.pay()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    (after,) = desk.transactions()
    assert after.state == "confirmed"
    assert after.fee != before.fee
    assert desk.house(Chart.GAS, ETH, None) == int(after.fee or 0)
    assert "transaction_left_chain" in desk.alarms()


def test_a_final_payout_that_comes_back_reverted_calls_a_person_and_stops_nobody(
    desk: Desk,
) -> None:
    """Told as confirmed, and not paid any more: never paid again by itself, and no other waits."""
    account = desk.rich()
    wd = desk.ask(account, 5 * DOLLAR, ALI)
    desk.finish()
    (before,) = desk.transactions()
    desk.till.anvil.reorg(desk.till.anvil.head() - int(before.block_number or 0) + 1)
    desk.own(desk.vault, "setOperator(address,bool)", desk.operator, False)
    for _ in range(8):
        desk.pay()
        desk.till.anvil.mine()
    assert desk.transactions()[0].state == "reverted"
    assert desk.row(wd).status == "confirmed"
    assert "payout_undone" in desk.alarms()
    desk.own(desk.vault, "setOperator(address,bool)", desk.operator, True)
    other = desk.ask(account, 7 * DOLLAR, ALI)
    desk.finish()
    assert desk.row(other).status == "confirmed"
    assert desk.holds(ALI) == 7 * DOLLAR
