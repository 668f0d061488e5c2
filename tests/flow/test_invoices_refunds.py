"""Refunds never give back more than was paid, whoever asks at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from gateway import db
from gateway.accounts.store import Account
from gateway.errors import NotFound, Refused
from gateway.invoices.facts import Facts
from gateway.refunds import service
from gateway.refunds.service import Wish, refund
from gateway.refunds.store import Refund
from gateway.withdrawals.store import Withdrawal
from tests import asking
from tests.flow import outgoing
from tests.flow.books import ETH, USDC, fund

SOMEBODY = outgoing.SOMEBODY


@pytest.fixture
def paid(database: str, redis_url: str) -> Facts:
    """An invoice of 100 USD, paid 60 in USDC and 40 in ETH; the merchant has the money."""
    with db.transaction() as session:
        outgoing.chain_rows(session)
        shop: Account = asking.merchant(session)
        fund(session, shop.id, 300 * 10**6, asset=USDC, key="u")
        fund(session, shop.id, 10**18, asset=ETH, key="e")
        facts = asking.asked(session, shop, "100")
        asking.pay(session, facts, "60", deposit="dep_a")
        return asking.pay(session, facts, "0.02", asset="ETH", deposit="dep_b")


def give_back(facts: Facts, amount: str | None = None) -> Refund:
    with db.transaction() as session:
        wish = Wish(facts.invoice.id, "key_test", amount)
        return refund(session, wish, to_address=SOMEBODY)


def test_a_refund_is_a_withdrawal_in_the_asset_that_paid_most(paid: Facts) -> None:
    row = give_back(paid, "25")
    assert (row.asset, int(row.amount), row.status) == ("USDC", 25 * 10**6, "pending")
    with db.transaction() as session:
        sent = session.get_one(Withdrawal, row.withdrawal_id)
        assert (sent.refund_id, int(sent.amount)) == (row.id, 25 * 10**6)


def test_no_more_than_was_paid_is_refunded(paid: Facts) -> None:
    give_back(paid, "70")
    with pytest.raises(Refused) as refused:
        give_back(paid, "30.01")
    assert refused.value.code == "refund_exceeds_payment"
    give_back(paid, "20")


def test_refunds_at_once_stay_within_what_was_paid(paid: Facts) -> None:
    def ask(_: int) -> bool:
        try:
            give_back(paid, "40")
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 2
    with db.transaction() as session:
        assert session.scalar(select(func.sum(Refund.currency_amount))) == 8_000


def test_a_failed_refund_can_be_asked_again(paid: Facts) -> None:
    row = give_back(paid, "90")
    for _ in range(2):
        with db.transaction() as session:
            service.refund_ended(
                session, refund_id=row.id, withdrawal_id=row.withdrawal_id or "", status="failed"
            )
    with db.transaction() as session:
        assert session.get_one(Refund, row.id).status == "failed"
        told = text("select count(*) from event where object_id = :id")
        events = session.scalar(told, {"id": row.id})
        assert events == 2  # created, failed
    assert give_back(paid, "80").status == "pending"


def test_what_is_not_final_cannot_be_refunded(paid: Facts) -> None:
    with db.transaction() as session:
        shop = session.get_one(Account, paid.invoice.account_id)
        facts = asking.asked(session, shop)
        asking.pay(session, facts, "12.5", "confirming", deposit="dep_c")
    with pytest.raises(Refused) as refused:
        give_back(facts)
    assert refused.value.code == "nothing_to_refund"


def test_a_refund_of_no_invoice_is_not_found(database: str) -> None:
    with db.transaction() as session, pytest.raises(NotFound):
        refund(session, Wish("inv_x", "key_test"), to_address=SOMEBODY)
