"""Where an account's money goes to its book only, a refund is no other way out for a stolen key."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gateway import db
from gateway.accounts.store import Account
from gateway.book import service as book
from gateway.refunds.payment import send_back
from gateway.refunds.store import Refund
from gateway.settings import settings
from gateway.withdrawals.store import Withdrawal
from tests import asking
from tests.flow.lateness import expire
from tests.flow.returning import ELSEWHERE, SOMEBODY, answered, back, open_shop, paid, promised

HOURS = 24


@pytest.fixture
def shop(database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Account:
    """A merchant whose money goes to its book only."""
    monkeypatch.setenv("MIZAN_BOOK_DELAY_HOURS", str(HOURS))
    settings.cache_clear()
    found = open_shop()
    with db.transaction() as session:
        book.require(session, account_id=found.id, required=True, by="key_a")
    return found


def in_the_book(shop: Account, address: bytes = SOMEBODY) -> None:
    """Put an address into the book, long enough ago."""
    with db.transaction() as session:
        entry = book.add(
            session,
            account_id=shop.id,
            chain=asking.CHAIN,
            address=address,
            label="payer",
            by="key_a",
        )
        entry.active_after = datetime.now(UTC) - timedelta(seconds=1)


def sent(refund: Refund) -> Withdrawal:
    with db.transaction() as session:
        return session.get_one(Withdrawal, refund.withdrawal_id)


def test_an_address_that_a_key_names_must_be_in_the_book(shop: Account) -> None:
    facts = paid(shop, ("100", "USDC"))
    refused = back(facts, amount="40")
    assert (refused.status, sent(refused).failure_reason) == ("rejected", "address_not_in_book")
    in_the_book(shop)
    good = back(facts, amount="40")
    assert (good.status, sent(good).waiting_reason) == ("pending", None)


def test_a_payment_that_a_key_sends_back_goes_to_the_book_too(shop: Account) -> None:
    deposit = "dep_late"
    with db.transaction() as session:
        facts = asking.asked(session, shop, "100", terms={"late_hours": 0})
        expire(session, facts)
        asking.pay(session, facts, "100", deposit=deposit)
        refused = send_back(session, facts.invoice.id, deposit, to_address=SOMEBODY, by="key_a")
    assert sent(refused).failure_reason == "address_not_in_book"


def test_what_a_refund_s_page_is_told_waits_as_if_it_were_added_to_the_book(shop: Account) -> None:
    _, token = promised(paid(shop, ("100", "USDC")))  # the key that asks reads the page's address
    carrier = sent(answered(token))
    assert (carrier.status, carrier.waiting_reason) == ("approved", "address_not_active")
    assert carrier.not_before is not None
    left = carrier.not_before - datetime.now(UTC)
    assert timedelta(hours=HOURS - 1) < left <= timedelta(hours=HOURS)


def test_an_address_of_the_book_waits_no_longer_on_a_refund_s_page(shop: Account) -> None:
    in_the_book(shop)
    _, token = promised(paid(shop, ("100", "USDC")))
    assert sent(answered(token)).waiting_reason is None


def test_back_to_the_account_that_signed_the_payment_it_goes_at_once(shop: Account) -> None:
    made, token = promised(paid(shop, ("100", "USDC")))
    with db.transaction() as session:
        session.execute(
            text("update refund set sender = :sender where id = :id"),
            {"sender": ELSEWHERE, "id": made},
        )
    carrier = sent(answered(token, ELSEWHERE))
    assert (carrier.status, carrier.waiting_reason) == ("approved", None)


def test_where_no_book_is_required_a_refund_goes_anywhere_at_once(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZAN_COOLING_OFF_HOURS", str(HOURS))
    settings.cache_clear()
    free = open_shop()
    carrier = sent(back(paid(free, ("100", "USDC"))))
    assert (carrier.status, carrier.waiting_reason) == ("approved", None)
