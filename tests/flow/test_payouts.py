"""Payouts on demand: once each, to a saved address, through policy."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway import db
from gateway.accounts import service as accounts
from gateway.book import service as book
from gateway.errors import InsufficientFunds, Refused
from gateway.settings import settings
from gateway.withdrawals import service as withdrawals
from tests.flow.books import fund
from tests.flow.outgoing import DOLLAR, SOMEBODY
from tests.flow.paying_out import (
    FEE,
    balance,
    open_book,
    open_shop,
    pay_now,
    rows,
    save,
    shown,
    told,
)
from workers.payouts import payouts


@pytest.fixture
def account(database: str, redis_url: str) -> str:
    return open_shop()


@pytest.fixture
def entry(account: str) -> str:
    return open_book(account)


def test_a_payout_is_a_withdrawal_to_the_saved_address(account: str, entry: str) -> None:
    row = pay_now(account, entry, 5 * DOLLAR)
    with db.transaction() as session:
        carrier = withdrawals.get(session, row.withdrawal_id or "")
        assert (carrier.to_address, int(carrier.amount)) == (SOMEBODY, 5 * DOLLAR)
        assert carrier.requested_by == "key_a"
    assert shown(row) == ("pending", "5.00", None)
    assert balance(account).held.units == 5 * DOLLAR + FEE
    assert told() == ["created"]


def test_without_an_amount_everything_goes(account: str, entry: str) -> None:
    row = pay_now(account, entry)
    assert int(row.amount or 0) == 500 * DOLLAR - FEE
    assert balance(account).available.units == 0
    with pytest.raises(Refused) as refusal:
        pay_now(account, entry)
    assert refusal.value.code == "nothing_to_pay_out"
    with pytest.raises(InsufficientFunds):
        pay_now(account, entry, DOLLAR)
    assert len(rows()) == 1


def test_only_an_active_address_of_the_own_book_is_paid(
    account: str, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction() as session:
        other = accounts.open_account(session, handle="karim", kind="person").id
        theirs = save(session, other, bytes([9] * 20))
        book.remove(session, book.get(session, account, entry), by="key_a")
    for wrong in (theirs, entry, "adr_none"):
        with pytest.raises(Refused) as refusal:
            pay_now(account, wrong, DOLLAR)
        assert refusal.value.code == "address_not_in_book"
    monkeypatch.setenv("MIZAN_BOOK_DELAY_HOURS", "24")
    settings.cache_clear()
    with db.transaction() as session:
        fresh = save(session, account)
    with pytest.raises(Refused) as refusal:
        pay_now(account, fresh, DOLLAR)
    assert refusal.value.code == "address_not_active"
    assert balance(account).held.units == 0


def test_what_policy_holds_or_refuses_is_no_payout_yet(account: str, entry: str) -> None:
    with db.transaction() as session:
        fund(session, account, 5_000 * DOLLAR, key="more")
    row = pay_now(account, entry, 2_000 * DOLLAR)
    with db.transaction() as session:
        assert withdrawals.get(session, row.withdrawal_id or "").status == "held"
    assert shown(row)[0] == "pending"
    with db.transaction() as session:
        withdrawals.reject(session, row.withdrawal_id or "", by="key_b")
    assert shown(row)[0] == "rejected"  # before the worker has looked
    payouts()
    payouts()
    assert rows()[0].status == "rejected"
    assert rows()[0].ended_at is not None
    assert told() == ["created", "rejected"]


def test_what_arrived_is_told_with_its_end(account: str, entry: str) -> None:
    row = pay_now(account, entry, 5 * DOLLAR)
    with db.transaction() as session:
        for state in ("status = 'sent'", "status = 'confirmed', ended_at = now()"):
            session.execute(text(f"update withdrawal set {state}"))
    assert shown(row)[0] == "confirmed"
    payouts()
    assert (rows()[0].status, told()) == ("confirmed", ["created", "confirmed"])
    with db.transaction() as session:
        assert rows()[0].ended_at == withdrawals.get(session, row.withdrawal_id or "").ended_at


def test_nobody_rewrites_what_carries_a_payout_or_reopens_an_end(account: str, entry: str) -> None:
    pay_now(account, entry, DOLLAR)
    for change in (
        "amount = 2",
        "withdrawal_id = null, amount = null, status = 'waiting'",
        "to_address = decode(repeat('ee', 20), 'hex')",
    ):
        with pytest.raises(DBAPIError), db.transaction() as session:
            session.execute(text(f"update payout set {change}"))
    with db.transaction() as session:
        session.execute(text("update payout set status = 'failed'"))
    with pytest.raises(DBAPIError), db.transaction() as session:
        session.execute(text("update payout set status = 'pending'"))
