"""Several payouts in flight at once: in order, behind a revert, cancelled, with a gap."""

from pathlib import Path

import pytest
from sqlalchemy import event, text

from gateway import db
from gateway.errors import Conflict
from gateway.sending import cancelling, rules
from gateway.sending import service as sending
from gateway.sending.store import Transaction, signers
from tests.chain.money_in import CHAIN, DOLLAR, open_till
from tests.chain.money_out import OWNER, Desk, open_desk, role
from tests.conftest import TestNode
from workers import signer

PEOPLE = [bytes([n] * 20) for n in range(0xA1, 0xA1 + 20)]


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def send_one(desk: Desk, account: str, to: bytes, dollars: int) -> str:
    """Plan, sign and broadcast one payout; no block is mined."""
    withdrawal = desk.ask(account, dollars * DOLLAR, to)
    desk.pay()
    desk.sign()
    desk.pay()
    return withdrawal


def states(desk: Desk) -> list[tuple[int, int | None, str]]:
    return [(tx.nonce, tx.seq, tx.state) for tx in desk.transactions()]


def test_payouts_leave_one_behind_the_other_before_any_is_mined(desk: Desk) -> None:
    account = desk.rich()
    for place, to in enumerate(PEOPLE[:4]):
        send_one(desk, account, to, place + 1)
    assert states(desk) == [(n, n, "signed") for n in range(4)]
    desk.till.anvil.mine()
    desk.finish()
    assert [desk.holds(to) for to in PEOPLE[:4]] == [n * DOLLAR for n in (1, 2, 3, 4)]
    assert {status for status, _ in desk.rows()} == {"confirmed"}
    assert (desk.seq(), desk.alarms(), desk.sound()) == (4, [], True)


def test_a_signer_has_no_more_in_flight_than_a_pool_keeps(desk: Desk) -> None:
    account = desk.rich()
    for to in PEOPLE[: rules.UNMINED_MAX + 2]:
        send_one(desk, account, to, 1)
    assert len(desk.transactions()) == rules.UNMINED_MAX
    desk.finish()
    assert [desk.holds(to) for to in PEOPLE[: rules.UNMINED_MAX + 2]] == [DOLLAR] * 18
    assert desk.sound()


def test_what_stands_behind_a_revert_is_planned_again_and_paid_once(desk: Desk) -> None:
    account = desk.rich()
    for to in PEOPLE[:3]:
        send_one(desk, account, to, 5)
    # the vault is emptied between the signatures and their block, by who pays more for it
    take = ("withdraw(address,address,uint256)", desk.till.usdc, PEOPLE[9], 10_000 * DOLLAR)
    desk.till.do(desk.vault, *take, sender=OWNER, price=10**12)
    desk.till.anvil.mine()
    desk.pay()
    assert states(desk) == [(n, n, "mined") for n in range(3)]
    late = desk.ask(account, 7 * DOLLAR, PEOPLE[3])
    desk.pay()
    assert not desk.sign()  # nothing is added behind a revert
    desk.fund()
    desk.finish()
    assert states(desk)[:3] == [(n, n, "reverted") for n in range(3)]
    assert [desk.holds(to) for to in PEOPLE[:4]] == [5 * DOLLAR] * 3 + [7 * DOLLAR]
    assert desk.row(late).status == "confirmed"
    assert all("failed" not in desk.events(wd) for wd in [late])
    assert desk.sound()


def cancel(desk: Desk, by: str = "key_b") -> None:
    with db.transaction() as session:
        cancelling.ask(session, session.query(Transaction).one(), by=by)
    desk.pay()
    with role("mizan_signer"):
        assert signer.raise_next(CHAIN)


def test_a_cancelled_payout_spends_its_nonce_on_nothing_and_is_paid_by_the_next(desk: Desk) -> None:
    wd = send_one(desk, desk.rich(), PEOPLE[0], 5)
    cancel(desk)
    desk.pay()
    desk.till.anvil.mine()
    desk.pay()
    assert desk.row(wd).status == "sent"  # the cancel is not final yet
    assert (desk.holds(PEOPLE[0]), desk.seq()) == (0, 0)
    desk.finish()
    assert states(desk) == [(0, 0, "cancelled"), (1, 0, "confirmed")]
    assert (desk.holds(PEOPLE[0]), desk.row(wd).status) == (5 * DOLLAR, "confirmed")
    assert [attempt.cancels for attempt in desk.attempts()] == [False, True, False]
    assert desk.sound()


def test_a_payout_that_is_mined_before_its_cancel_stays_paid_once(desk: Desk) -> None:
    wd = send_one(desk, desk.rich(), PEOPLE[0], 5)
    cancel(desk)
    desk.till.anvil.mine()  # before the cancel was broadcast
    desk.finish()
    assert states(desk) == [(0, 0, "confirmed")]
    assert (desk.holds(PEOPLE[0]), desk.row(wd).status) == (5 * DOLLAR, "confirmed")
    with db.transaction() as session, pytest.raises(Conflict):
        cancelling.ask(session, session.query(Transaction).one(), by="key_b")


def test_a_cancel_that_a_reorganisation_undid_is_followed_again(desk: Desk) -> None:
    wd = send_one(desk, desk.rich(), PEOPLE[0], 5)
    cancel(desk)
    desk.pay()
    desk.till.anvil.mine()
    desk.pay()
    desk.till.anvil.reorg(1)
    desk.finish()
    assert desk.row(wd).status == "confirmed"
    assert desk.holds(PEOPLE[0]) == 5 * DOLLAR
    assert desk.sound()


def test_a_stuck_cancel_is_signed_again_as_a_cancel(desk: Desk) -> None:
    send_one(desk, desk.rich(), PEOPLE[0], 5)
    cancel(desk)
    desk.pay()
    with db.transaction() as session:
        session.execute(text("update attempt set created_at = now() - interval '1 hour'"))
    desk.pay()
    assert signer.raise_next(CHAIN)
    assert [attempt.cancels for attempt in desk.attempts()] == [False, True, True]


def test_a_nonce_that_nothing_fills_stops_the_signer_with_a_name(desk: Desk) -> None:
    with db.transaction() as session:
        session.execute(text("update signer set next_nonce = next_nonce + 1 where role='payout'"))
    wd = desk.ask(desk.rich(), 5 * DOLLAR, PEOPLE[0])
    desk.round()
    assert desk.alarms() == ["nonce_gap"]
    assert desk.row(wd).status == "approved"


def test_a_lone_withdrawal_waits_a_moment_for_company(desk: Desk) -> None:
    with db.transaction() as session:
        session.execute(text("update chain set batch_seconds = 60"))
    account = desk.rich()
    first, second = (desk.ask(account, DOLLAR, to) for to in PEOPLE[:2])
    desk.round()
    assert desk.intents() == []
    with db.transaction() as session:
        session.execute(
            text("update withdrawal set created_at = now() - interval '61 s' where id = :id"),
            {"id": first},
        )
    desk.finish()
    assert [desk.row(wd).tx_hash for wd in (first, second)] == [desk.row(first).tx_hash] * 2
    assert len(desk.transactions()) == 1


def test_a_signature_in_the_middle_of_the_question_is_no_gap(desk: Desk) -> None:
    desk.ask(desk.rich(), 5 * DOLLAR, PEOPLE[0])
    desk.pay()
    signed: list[bool] = []

    def sign_now(*facts: object) -> None:
        if "signer" in str(facts[2]) and not signed:
            signed.append(True)
            signed.append(desk.sign())

    with db.transaction() as session:
        (payer,) = signers(session, CHAIN, "payout")
    event.listen(db.engine(), "after_cursor_execute", sign_now)
    try:
        sending.check_account(desk.till.node, payer)
    finally:
        event.remove(db.engine(), "after_cursor_execute", sign_now)
    assert signed == [True, True]
