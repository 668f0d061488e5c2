"""Payouts on a real node: paid once, whatever is repeated, interrupted, reverted or undone."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway import db
from gateway.chain.payout import pay_call, payment
from gateway.chain.port import NodeAway
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart
from gateway.sending import follow as following
from gateway.sending import service as sending
from gateway.sending import signing
from gateway.withdrawals import holds, plan, service, settle
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, USDC, hexed, number, open_till
from tests.chain.money_out import Desk, open_desk, role
from tests.conftest import TestNode
from workers import signer

ALI, BADR = bytes([0xB1] * 20), bytes([0xB2] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def assert_paid_once(desk: Desk, withdrawal: str, to: bytes, units: int) -> None:
    assert desk.holds(to) == units
    assert desk.row(withdrawal).status == "confirmed"
    assert number("select count(*) from ledger.transfer where kind = 3") == 2
    assert desk.sound()


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
    other = signing.Call(to=desk.vault, data=pay_call(None, 0, [payment(BADR, 1)]))
    monkeypatch.setitem(signer.ENCODE, "payout", lambda *_: other)
    assert signer.raise_next(CHAIN)
    assert not signer.raise_next(CHAIN)
    assert len(desk.attempts()) == 1
    desk.pay()
    assert desk.alarms() == ["signer_refused"]


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
    tx = desk.till.node.send_raw(signer.sign_fields(desk.operator, fields).raw)
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


CHANGES = [
    ("payload = jsonb_set(payload, '{payments,0}', to_jsonb(repeat('ee', 32)))", "payload_differs"),
    ("amount = amount + 1", "amount_differs"),
    ("cap = 2000000000000", "fee_above_ceiling"),
    ("gas = 16777217", "gas_out_of_range"),
    ("asset = 'ETH'", "other_chain_or_asset"),
    ("signer_id = (select id from signer where role = 'sweep')", "other_role"),
    ("kind = 'sweep'", "other_role"),
]


def test_the_signer_refuses_what_its_rows_do_not_say(desk: Desk) -> None:
    account = desk.rich()
    for change, why in CHANGES:
        wd = desk.ask(account, 5 * DOLLAR, ALI)
        desk.pay()
        with db.transaction() as session:
            session.execute(text(f"update intent set {change} where status = 'planned'"))
        assert desk.sign()
        intent = desk.intents()[-1]
        assert (intent.status, intent.refusal) == ("refused", why)
        if "kind" not in change:
            desk.pay()
            assert desk.row(wd).waiting_reason == "signer_refused"
    assert desk.attempts() == []
    assert set(desk.alarms()) == {"signer_refused"}


def test_the_signer_refuses_money_the_ledger_does_not_reserve(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    with db.transaction() as session:
        holds.release(session, service.get(session, wd))
    desk.sign()
    assert desk.intents()[0].refusal == "money_not_reserved"


def test_a_refused_plan_is_made_anew_when_what_was_wrong_is_mended(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    with db.transaction() as session:
        session.execute(text("update intent set amount = amount + 1"))
    desk.sign()
    with db.transaction() as session:
        session.execute(text("update intent set created_at = now() - interval '1 hour'"))
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_a_signer_whose_address_carries_code_does_not_sign(desk: Desk) -> None:
    desk.till.anvil.call("anvil_setCode", hexed(desk.operator), "0xef0100" + "11" * 20)
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.round()
    assert desk.row(wd).status == "approved"
    assert desk.alarms() == ["signer_has_code"]


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


def test_each_process_can_do_its_part_with_its_own_database_role(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    for _ in range(5):
        with role("mizan_worker"):
            desk.pay()
        with role("mizan_signer"):
            desk.sign()
        with role("mizan_worker"):
            desk.pay()
        desk.till.anvil.mine()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


STATEMENTS = [
    ("mizan_worker", "insert into attempt select '\\x00', id, '', 1, 1, 1 from transaction"),
    ("mizan_api", "update signer set next_nonce = 0"),
    ("mizan_worker", "update attempt set raw = ''"),
    ("mizan_worker", "delete from transaction"),
    ("mizan_worker", "update transaction set nonce = 7, call_hash = ''"),
    ("mizan_signer", "update withdrawal set status = 'sent'"),
    ("mizan_signer", "update intent set payload = '{}'"),
    ("mizan_signer", "delete from attempt"),
    ("mizan_signer", "select ledger.freeze('x', true)"),
]


def test_no_process_can_do_anothers_part(database: str) -> None:
    for name, statement in STATEMENTS:
        with role(name), pytest.raises(DBAPIError) as refusal, db.transaction() as session:
            session.execute(text(statement))
        assert "permission denied" in str(refusal.value), statement
