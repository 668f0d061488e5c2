"""An old backup is restored: the signers stand still, what they sent is found, shown and booked."""

from pathlib import Path

import pytest
import typer

from gateway import db
from gateway.chain.address import show_address
from gateway.chain.payout import pay_call, payment
from gateway.errors import Conflict
from gateway.ledger.chart import Chart
from gateway.operators.recover import recover
from gateway.sending import unknown
from gateway.withdrawals import service
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, USDC, number
from tests.chain.money_out import Desk
from tests.chain.restored import (
    ALI,
    BADR,
    CARIM,
    DINA,
    Copy,
    assert_all_is_well,
    booked,
    customer,
    execute,
    open_books,
    pays_in,
    plan_together,
    restore,
    settle,
    states,
    told,
    use_key,
)
from tests.conftest import TestNode

PLACES = (ALI, BADR, CARIM)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return open_books(anvil, tmp_path, monkeypatch)


def held_dollars(desk: Desk) -> list[int]:
    return [desk.holds(place) // DOLLAR for place in PLACES]


def hold(withdrawal_id: str) -> None:
    execute(
        "update withdrawal set status = 'held', held_reason = 'review' where id = :id",
        id=withdrawal_id,
    )


def lose_what_follows(desk: Desk, copied: Copy, other: str) -> tuple[str, str]:
    """Restore a backup with a payout planned and one held, after which both were paid, one more
    that it does not know, and a deposit was swept; returns the first two.
    """
    account = customer(desk, "amira")
    desk.ask(account, 3 * DOLLAR, ALI)
    settle(desk)
    first = desk.ask(account, 5 * DOLLAR, ALI)
    held = desk.ask(account, 7 * DOLLAR, BADR)
    hold(held)
    desk.pay()
    assert desk.row(first).intent_id is not None  # planned, and not signed
    old = copied()
    with db.transaction() as session:
        service.approve(session, held, by="key_b")
    lost = desk.ask(account, 11 * DOLLAR, CARIM)
    settle(desk)
    pays_in(desk, other, 40)
    settle(desk)
    assert [desk.row(wd).status for wd in (first, held, lost)] == ["confirmed"] * 3
    assert held_dollars(desk) == [8, 7, 11]
    assert_all_is_well(desk)
    restore(desk, old)
    return first, held


def assert_shown(first: str, held: str) -> None:
    """Assert that all that left is shown with whose it is, and that nothing is written by that."""
    lines = told()
    assert f"    5.00 USDC to {show_address(ALI)}: withdrawal {first} (approved)" in lines
    assert f"    7.00 USDC to {show_address(BADR)}: withdrawal {held} (held)" in lines
    assert f"    11.00 USDC to {show_address(CARIM)}: no withdrawal of ours" in lines
    assert any("sweep 0x" in line for line in lines)
    assert lines[-1] == "nothing was written; look at it, then run it again with --book"
    assert told() == lines
    assert number("select count(*) from transaction") == 2


def test_what_left_after_the_backup_is_found_shown_and_booked_once(
    desk: Desk, copied: Copy
) -> None:
    other = customer(desk, "basil")
    first, held = lose_what_follows(desk, copied, other)
    account = desk.row(first).account_id
    assert any("deposits are not credited up to block" in line for line in told())
    settle(desk)
    assert "signer_used_elsewhere" in desk.alarms()
    assert held_dollars(desk) == [8, 7, 11]
    assert desk.row(first).waiting_reason == "behind_chain"
    with db.transaction() as session, pytest.raises(Conflict, match="may be paid already"):
        service.cancel(session, first)
    assert_shown(first, held)

    booked()
    settle(desk)
    assert [desk.row(wd).status for wd in (first, held)] == ["confirmed"] * 2
    assert desk.events(held)[-3:] == ["approved", "sent", "confirmed"]
    assert held_dollars(desk) == [8, 7, 11]
    assert desk.house(Chart.UNEXPLAINED, USDC, None) == 11 * DOLLAR
    assert "unknown_payout" in desk.alarms()
    assert "sweep_surplus" not in desk.alarms()
    assert desk.till.available(other) == 340 * DOLLAR
    fees = number("select sum(fee) from withdrawal where status = 'confirmed'")
    assert desk.till.available(account) == (300 - 3 - 5 - 7) * DOLLAR - fees
    assert_all_is_well(desk)
    assert told()[-1].startswith("nothing is missing")

    again = desk.ask(other, 9 * DOLLAR, DINA)
    desk.finish()
    assert (desk.row(again).status, desk.holds(DINA)) == ("confirmed", 9 * DOLLAR)
    settle(desk)
    assert_all_is_well(desk)


def test_what_is_signed_anew_for_a_used_nonce_gives_way_to_what_was_mined(
    desk: Desk, copied: Copy
) -> None:
    """The signer has no node: it signs the backup's plans for nonces that are taken by now."""
    account = customer(desk, "amira")
    settle(desk)
    wd = [desk.ask(account, n * DOLLAR, to) for n, to in zip((5, 6, 7), PLACES, strict=True)]
    other = desk.ask(account, 8 * DOLLAR, DINA)
    old = copied()
    with db.transaction() as session:
        service.cancel(session, other)
    desk.finish()  # one batch of three
    assert (held_dollars(desk), desk.seq()) == ([5, 6, 7], 1)
    restore(desk, old)
    for together in ([wd[0], other], [wd[1]], [wd[2]]):
        plan_together(desk, *together)
        assert desk.sign()
    # the second and third would be valid on chain: only we can tell that they must not go out
    used = desk.till.node.nonce(desk.operator)
    settle(desk, 4)
    assert (held_dollars(desk), desk.till.node.nonce(desk.operator)) == ([5, 6, 7], used)
    report = "\n".join(told())
    assert "used by something else" in report
    assert all(f"withdrawal {one} (sent)" in report for one in wd)
    booked()
    settle(desk, 14)
    assert [desk.row(one).status for one in (*wd, other)] == ["confirmed"] * 4
    assert (held_dollars(desk), desk.holds(DINA)) == ([5, 6, 7], 8 * DOLLAR)
    ends = [(0, "confirmed"), (1, "cancelled"), (2, "cancelled"), (1, "confirmed")]
    assert (states(desk), desk.seq()) == (ends, 2)
    assert_all_is_well(desk)


def test_one_signer_that_is_behind_stops_them_all(desk: Desk, copied: Copy) -> None:
    """What a signer without fault would pay, another one has paid."""
    desk.second_signer()
    account = customer(desk, "amira")
    settle(desk)
    wd = desk.ask(account, 5 * DOLLAR, ALI)
    old = copied()
    execute("update signer set active = false where address = :it", it=desk.operator)
    desk.finish()
    restore(desk, old)
    execute("update signer set active = (role = 'sweep' or address = :it)", it=desk.operator)
    settle(desk, 3)
    assert (desk.row(wd).status, desk.row(wd).waiting_reason) == ("approved", "behind_chain")
    assert desk.holds(ALI) == 5 * DOLLAR
    booked()
    desk.finish()
    assert (desk.row(wd).status, desk.holds(ALI)) == ("confirmed", 5 * DOLLAR)
    new = desk.ask(account, 6 * DOLLAR, BADR)
    desk.finish()
    assert desk.row(new).status == "confirmed"


def test_a_cancel_a_revert_and_a_thief_are_booked_for_what_they_were(
    desk: Desk, copied: Copy
) -> None:
    account = customer(desk, "amira")
    settle(desk)
    old = copied()
    desk.ask(account, 5 * DOLLAR, ALI)
    desk.finish()
    call = pay_call(desk.till.usdc, 0, [payment(BADR, DOLLAR)])  # its number is used: it reverts
    sent = [
        use_key(desk, 1, desk.vault, call),
        use_key(desk, 2, desk.operator),
        use_key(desk, 3, CARIM, value=ETHER),
    ]
    desk.till.anvil.mine(4)
    restore(desk, old)
    settle(desk, 3)
    report = "\n".join(told())
    for what, tx in zip(("payout, reverted", "cancel", "foreign"), sent, strict=True):
        assert f"{what} {tx}" in report
    booked()
    settle(desk)
    assert states(desk) == [
        (0, "confirmed"),
        (None, "reverted"),
        (None, "cancelled"),
        (None, "confirmed"),
    ]
    assert desk.house(Chart.UNEXPLAINED, ETH, None) == ETHER
    assert desk.house(Chart.UNEXPLAINED, USDC, None) == 5 * DOLLAR
    assert desk.alarms().count("unknown_payout") == 2
    assert_all_is_well(desk)
    new = desk.ask(account, 9 * DOLLAR, DINA)
    desk.finish()
    assert desk.row(new).status == "confirmed"


def test_a_payment_of_its_own_and_one_that_was_refused_find_their_withdrawals(
    desk: Desk, copied: Copy
) -> None:
    account = desk.till.account("amira")
    desk.till.pay_eth(desk.till.address(account), 4 * ETHER)
    desk.till.mine(3)
    settle(desk)
    refuser = desk.till.mock("RevertingRecipient")
    alone = desk.ask(account, ETHER // 4, DINA, ETH)
    refused = desk.ask(account, ETHER // 2, refuser, ETH)
    old = copied()
    desk.till.follow()
    call = pay_call(None, 0, [payment(refuser, ETHER // 2)])
    use_key(desk, 0, desk.vault, call)
    use_key(desk, 1, DINA, value=ETHER // 4)
    desk.till.anvil.mine(4)
    restore(desk, old)
    settle(desk, 2)
    report = "\n".join(told())
    assert f"withdrawal {alone} (approved)" in report
    assert f"withdrawal {refused} (approved), not paid: the recipient refused it" in report
    booked()
    settle(desk)
    ends = [(desk.row(wd).status, desk.row(wd).failure_reason) for wd in (alone, refused)]
    assert ends == [("confirmed", None), ("failed", "recipient_refused")]
    assert desk.holds(DINA, ETH) == ETHER // 4
    assert desk.house(Chart.UNEXPLAINED, ETH, None) == 0
    assert_all_is_well(desk)


def test_it_is_too_early_while_what_was_found_is_not_final(desk: Desk, copied: Copy) -> None:
    account = customer(desk, "amira")
    settle(desk)
    before = len(desk.transactions())
    old = copied()
    desk.ask(account, 5 * DOLLAR, ALI)
    desk.round()
    restore(desk, old)
    assert "too early" in "\n".join(told())
    with pytest.raises(typer.Exit):
        booked()
    assert len(desk.transactions()) == before


def test_signed_bytes_are_put_together_where_a_node_does_not_keep_them(desk: Desk) -> None:
    tx = use_key(desk, 0, DINA, value=7)
    mined: unknown.Mined = desk.till.node.ask("eth_getTransactionByHash", [tx], unknown.Mined)
    assert unknown.rebuilt(mined, 31337) == bytes.fromhex(desk.till.raw(tx)[2:])


def test_nothing_is_written_that_was_not_shown(desk: Desk, copied: Copy) -> None:
    account = customer(desk, "amira")
    settle(desk)
    wd = desk.ask(account, 5 * DOLLAR, ALI)
    hold(wd)
    old = copied()
    with db.transaction() as session:
        service.approve(session, wd, by="key_b")
    desk.finish()
    restore(desk, old)
    settle(desk, 2)
    before = len(desk.transactions())
    lines = recover(CHAIN, book=True)
    assert any(f"withdrawal {wd} (held)" in next(lines) for _ in range(4))
    with db.transaction() as session:
        service.reject(session, wd, by="key_b")
    with pytest.raises(typer.BadParameter, match="changed since it was shown"):
        list(lines)
    assert len(desk.transactions()) == before
    assert desk.row(wd).status == "rejected"
    # rejected, and paid all the same: nobody's withdrawal, and a person is told
    booked()
    settle(desk)
    assert desk.house(Chart.UNEXPLAINED, USDC, None) == 5 * DOLLAR
    assert "unknown_payout" in desk.alarms()
    assert_all_is_well(desk)
