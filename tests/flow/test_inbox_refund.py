"""What is sent back is a withdrawal of the account it is in: judged, paid, or open again."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gateway import db
from gateway.errors import AccountFrozen, InsufficientFunds, InvalidAddress, Refused
from gateway.inbox import refund as sending_back
from gateway.inbox.store import Item
from gateway.refunds import service as refunds
from gateway.withdrawals import service as withdrawals
from tests.conftest import TestNode
from tests.flow import day, strays
from tests.flow.books import ETH, assert_proofs_are_empty, fund
from tests.flow.outgoing import SOMEBODY
from tests.flow.strays import (
    OTHER,
    assign,
    decisions,
    item,
    orphan_above,
    put,
    refusal,
    wrong_asset,
)

DOLLAR = 10**6


@pytest.fixture
def shop(database: str, redis_url: str) -> Iterator[str]:
    account = strays.open_world()
    with db.transaction() as session:
        fund(session, account, 10 * DOLLAR)  # what the fees are paid from
    yield account
    with db.transaction() as session:
        assert_proofs_are_empty(session)


def refund(
    item_id: str | None,
    to: bytes | None = SOMEBODY,
    amount: str | None = None,
    by: str = strays.OPERATOR,
) -> Item:
    assert item_id is not None
    with db.transaction() as session:
        return sending_back.refund(
            session, item_id, to_address=to, amount=amount, by=by, reason="asked"
        )


def ended(withdrawal_id: str | None, status: str) -> None:
    """Let a withdrawal end as those who end one do."""
    assert withdrawal_id is not None
    with db.transaction() as session:
        row = withdrawals.get(session, withdrawal_id)
        if status == "cancelled" and row.status != status:
            row = withdrawals.cancel(session, withdrawal_id)
        assert row.refund_id is not None
        refunds.refund_ended(session, refund_id=row.refund_id, withdrawal_id=row.id, status=status)


def test_a_refund_is_a_withdrawal_of_the_account_it_was_credited_to(shop: str) -> None:
    made = wrong_asset(shop)
    found = refund(made)
    assert found.status == "refunded"
    with db.transaction() as session:
        row = withdrawals.get(session, str(found.withdrawal_id))
    assert (row.account_id, int(row.amount), row.to_address) == (shop, 2 * DOLLAR, SOMEBODY)
    assert (row.refund_id, row.requested_by, row.status) == (made, strays.OPERATOR, "approved")
    assert strays.available(shop) == 10 * DOLLAR - int(row.fee)


def test_the_same_refund_again_changes_nothing_and_another_is_refused(shop: str) -> None:
    made = wrong_asset(shop)
    first = refund(made)
    assert refund(made).withdrawal_id == first.withdrawal_id
    assert refund(made, to=None).withdrawal_id == first.withdrawal_id
    assert refusal(refund, made, to=b"\x77" * 20).code == "wrong_state"
    assert refusal(assign, made).code == "wrong_state"
    assert refusal(strays.dismiss, made).code == "wrong_state"


def test_a_refund_that_was_paid_stays_one(shop: str) -> None:
    made = wrong_asset(shop)
    ended(refund(made).withdrawal_id, "confirmed")
    assert item(made).status == "refunded"


def test_a_refund_that_was_not_paid_opens_the_item_and_may_be_tried_again(shop: str) -> None:
    made = wrong_asset(shop)
    first = refund(made).withdrawal_id
    ended(first, "cancelled")
    ended(first, "cancelled")
    assert (item(made).status, item(made).withdrawal_id, item(made).decided_by) == (
        "open",
        None,
        None,
    )
    second = refund(made, to=b"\x77" * 20)
    ended(first, "cancelled")
    assert item(made).withdrawal_id == second.withdrawal_id != first
    assert decisions(made) == [
        ("refunded", strays.OPERATOR),
        ("reopened", first),
        ("refunded", strays.OPERATOR),
    ]
    assert strays.told() == ["opened", "refunded", "opened", "refunded"]


def test_a_refund_whose_deposit_left_the_chain_meanwhile_is_an_orphan(shop: str) -> None:
    made = wrong_asset(shop)
    first = refund(made).withdrawal_id
    orphan_above(0)
    ended(first, "cancelled")
    assert item(made).status == "orphaned"


def test_a_refund_that_policy_refuses_at_once_leaves_the_item_open(
    shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.policy import rules as policy

    made = wrong_asset(shop)
    monkeypatch.setattr(policy, "judge", lambda *_: policy.Refuse("listed"))
    found = refund(made)
    assert found.status == "open"
    assert [decision for decision, _ in decisions(made)] == ["refunded", "reopened"]
    assert strays.available(shop) == 12 * DOLLAR


def test_part_of_it_may_go_back_and_never_more(shop: str) -> None:
    made = wrong_asset(shop)
    assert refusal(refund, made, amount="2.01").code == "too_much"
    assert isinstance(refusal(refund, made, amount="0"), Refused)
    found = refund(made, amount="1.5")
    with db.transaction() as session:
        row = withdrawals.get(session, str(found.withdrawal_id))
    assert int(row.amount) == 1_500_000


def test_what_nobody_is_known_to_have_paid_is_booked_and_sent_back(shop: str) -> None:
    made = strays.unattributed(shop)
    assert isinstance(refusal(refund, made), InsufficientFunds), "the fee comes on top"
    assert (strays.owed_to_nobody(), item(made).status) == (10**18, "open")
    refund(made, amount="0.9")
    assert strays.owed_to_nobody() == 0
    assert 0 < strays.available(shop, ETH) < 10**17


def test_what_was_booked_for_a_refund_that_failed_may_still_be_anothers(shop: str) -> None:
    made, tea = strays.unattributed(shop), day.open_shop("tea")
    ended(refund(made, amount="0.9").withdrawal_id, "cancelled")
    assert strays.available(shop, ETH) == 10**18
    assign(made, tea)
    assert (strays.available(shop, ETH), strays.available(tea, ETH)) == (0, 10**18)


def test_what_is_not_in_the_books_is_assigned_first(shop: str) -> None:
    strange = put("unknown_token", strays.given(shop))
    elsewhere = put("wrong_chain", strays.given(shop, OTHER))
    failed = put("set_aside", strays.given(shop), name="failed")
    for one in (strange, elsewhere, failed):
        assert refusal(refund, one).code == "assign_first"


def test_money_that_may_not_leave_is_not_sent_back(shop: str) -> None:
    made = wrong_asset(shop)
    assert isinstance(refusal(refund, made, to=strays.given(shop, OTHER)), InvalidAddress)
    with db.transaction() as session:
        session.execute(text("update deposit set status = 'confirming'"))
    assert refusal(refund, made).code == "not_final"
    with db.transaction() as session:
        session.execute(text("update deposit set status = 'credited', credited_at = now()"))
        session.execute(text("update account set status = 'frozen'"))
    assert isinstance(refusal(refund, made), AccountFrozen)
    assert item(made).status == "open"


def sender(made: str, address: bytes | None, *, native: bool = False, position: str = "0") -> str:
    """Let an item have come from somebody else."""
    with db.transaction() as session:
        session.execute(
            text("update inbox_item set sender = :sender where id = :id"),
            {"sender": address, "id": made},
        )
        session.execute(
            text(
                "update inbox_arrival set sender = :sender, native = :native, position = :position"
                " where item_id = :id"
            ),
            {"sender": address, "native": native, "position": position, "id": made},
        )
    return made


def test_it_goes_back_to_a_plain_sender_and_to_nobody_guessed(shop: str, anvil: TestNode) -> None:
    payer = bytes.fromhex(anvil.accounts()[8][2:])
    contract = bytes([0xC0] * 20)
    anvil.call("anvil_setCode", "0x" + contract.hex(), "0x6001")
    made = wrong_asset(shop)
    for found in (contract, None):
        assert refusal(refund, sender(made, found), to=None).code == "to_address_required"
    inner = sender(made, payer, native=True, position="0.1")
    assert refusal(refund, inner, to=None).code == "to_address_required"
    plain = refund(sender(made, payer), to=None)
    with db.transaction() as session:
        assert withdrawals.get(session, str(plain.withdrawal_id)).to_address == payer


def test_an_account_that_lent_itself_code_is_a_plain_one(shop: str, anvil: TestNode) -> None:
    lent = bytes([0xC1] * 20)
    anvil.call("anvil_setCode", "0x" + lent.hex(), "0xef0100" + "11" * 20)
    found = refund(sender(wrong_asset(shop), lent), to=None)
    with db.transaction() as session:
        assert withdrawals.get(session, str(found.withdrawal_id)).to_address == lent


def test_while_the_node_is_away_the_address_must_be_named(shop: str) -> None:
    made = wrong_asset(shop)
    assert refusal(refund, made, to=None).status == 424
    assert refund(made).status == "refunded"
