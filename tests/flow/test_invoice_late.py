"""Money that comes late, by which clock, and what a person accepts all the same."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.accounts.store import Account
from gateway.errors import Conflict, DependencyAway, NotFound
from gateway.invoices import service
from gateway.invoices.store import InvoicePayment
from tests import asking
from tests.flow.lateness import KEY, expire, late_payment, market, overdue, shape


@pytest.fixture(autouse=True)
def quiet(redis_url: str) -> None:
    """Bells ring into a Redis that is there."""


@pytest.fixture
def shop(session: Session) -> Account:
    asking.add_chain(session)
    return asking.merchant(session)


# Late ---------------------------------------------------------------------------------------------
def test_late_money_settles_while_the_market_stands_and_waits_when_it_moved(
    session: Session, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = (overdue(session, shop, {"late_percent": most}) for most in ("5", "4.9"))
    market(monkeypatch, ETH="1900")
    asking.pay(session, near, "0.00625", asset="ETH", deposit="dep_1")
    asking.pay(session, far, "0.00625", asset="ETH", deposit="dep_2")
    assert shape(session, near).status == "paid"
    waits = shape(session, far)
    assert (waits.status, waits.paid_state, waits.late) == ("expired", "exact", True)
    assert (waits.late_action, waits.amount_credited, waits.amount_due) == (
        "review",
        "12.50",
        "0.00",
    )
    assert asking.told(session, far) == ["invoice.expired", "invoice.paid_late"]


def test_the_rate_is_that_of_when_it_was_heard_of(
    session: Session, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = overdue(session, shop)
    asking.pay(session, facts, "0.00625", "confirming", asset="ETH")
    market(monkeypatch, ETH="1000")
    asking.pay(session, facts, "0.00625", "credited", asset="ETH")
    assert shape(session, facts).status == "paid"


def test_a_market_nobody_can_read_settles_nothing_until_somebody_can(
    session: Session, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = overdue(session, shop)
    market(monkeypatch, ETH=None)
    asking.pay(session, facts, "0.00625", "confirming", asset="ETH")
    assert shape(session, facts).late_action == "review"
    market(monkeypatch, ETH="2000")
    asking.pay(session, facts, "0.00625", "credited", asset="ETH")
    assert shape(session, facts).status == "paid"


def test_money_in_time_needs_no_market(
    session: Session, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = asking.asked(session, shop)
    market(monkeypatch, ETH=None)
    assert asking.pay(session, facts, "0.00625", asset="ETH").invoice.status == "paid"
    market(monkeypatch, ETH="2000")
    asking.pay(session, facts, "0.00625", "confirming", asset="ETH")
    assert session.get_one(InvoicePayment, "dep_1").rate is None


def test_what_is_to_be_sent_back_says_so(session: Session, shop: Account) -> None:
    facts = late_payment(session, shop, {"late_hours": 0, "late": "refund"})
    assert shape(session, facts).late_action == "refund"


# Clocks -------------------------------------------------------------------------------------------
def test_a_block_from_the_future_is_not_late_when_we_heard_of_it_in_time(
    session: Session, shop: Account
) -> None:
    facts = asking.asked(session, shop, expires_in=600)
    ahead = datetime.now(UTC) + timedelta(hours=2)
    asking.pay(session, facts, "12.5", "confirming", seen_at=ahead)
    expire(session, facts, timedelta(seconds=-300))
    paid = asking.pay(session, facts, "12.5", "credited", seen_at=ahead)
    assert (paid.invoice.status, paid.invoice.late) == ("paid", False)


def test_a_payment_mined_again_after_the_end_was_made_in_time(
    session: Session, shop: Account
) -> None:
    facts = asking.asked(session, shop, terms={"late_hours": 0})
    asking.pay(session, facts, "12.5", "confirming")
    asking.pay(session, facts, "12.5", "orphaned")
    session.execute(text("update invoice_payment set heard_at = heard_at - interval '1 hour'"))
    expire(session, facts)
    again = asking.pay(session, facts, "12.5", "credited", block_number=12)
    assert (again.invoice.status, again.invoice.late) == ("paid", False)


# Accepting ----------------------------------------------------------------------------------------
def test_one_click_accepts_what_came_late(session: Session, shop: Account) -> None:
    facts = late_payment(session, shop, {"late_hours": 0})
    service.accept(session, facts.invoice.id, by=KEY)
    service.accept(session, facts.invoice.id, by=KEY)
    paid = shape(session, facts)
    assert (paid.status, paid.late, paid.late_action) == ("paid", True, None)
    assert asking.told(session, facts) == [
        "invoice.expired",
        "invoice.paid_late",
        "invoice.paid",
    ]
    written = session.execute(text("select actor, subject from journal")).all()
    assert [tuple(row) for row in written] == [(KEY, "dep_1")]


def test_what_came_late_may_be_taken_for_what_it_is_worth_now(
    session: Session, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = late_payment(session, shop, {"late_hours": 0}, "ETH")
    market(monkeypatch, ETH="1600")
    service.accept(session, facts.invoice.id, rate="current", by=KEY)
    part = shape(session, facts)
    assert (part.status, part.amount_paid, part.amount_due) == ("expired", "10.00", "2.50")
    row = session.get_one(InvoicePayment, "dep_1")
    assert (row.counted_rate, row.counted_source) == (Decimal(1600), "market")
    assert row.counted_at is not None


def test_a_payment_in_an_asset_nobody_asked_for_counts_once_it_is_accepted(
    session: Session, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = asking.asked(session, shop, assets=(("USDC", asking.CHAIN),))
    asking.pay(session, facts, "0.01", asset="ETH")
    assert shape(session, facts).paid_state == "none"
    with pytest.raises(Conflict) as nothing:
        service.accept(session, facts.invoice.id, by=KEY)
    assert nothing.value.code == "nothing_to_accept"
    market(monkeypatch, ETH="1000")
    service.accept(session, facts.invoice.id, payment="dep_1", by=KEY)
    part = shape(session, facts)
    assert (part.status, part.amount_paid, part.amount_due) == ("open", "10.00", "2.50")
    asking.pay(session, facts, "2.5", deposit="dep_2")
    assert shape(session, facts).status == "paid"


def test_an_invoice_in_an_asset_accepts_another_by_way_of_dollars(
    session: Session, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = asking.asked(session, shop, "10", currency="USDC")
    asking.pay(session, facts, "0.0052", asset="ETH")
    market(monkeypatch, USDC="0.99", ETH="1980")
    service.accept(session, facts.invoice.id, payment="dep_1", by=KEY)
    assert (shape(session, facts).status, shape(session, facts).amount_paid) == ("paid", "10.40")
    assert session.get_one(InvoicePayment, "dep_1").counted_source == "market/market"


def test_what_nobody_can_price_is_not_accepted(session: Session, shop: Account) -> None:
    facts = asking.asked(session, shop)
    asking.pay(session, facts, "5", asset="XYZ")
    with pytest.raises(DependencyAway):
        service.accept(session, facts.invoice.id, payment="dep_1", by=KEY)
    assert session.get_one(InvoicePayment, "dep_1").accepted_at is None


def test_nothing_is_accepted_that_is_not_there(session: Session, shop: Account) -> None:
    facts = late_payment(session, shop, {"late_hours": 0})
    with pytest.raises(NotFound):
        service.accept(session, facts.invoice.id, payment="dep_of_another", by=KEY)
    with pytest.raises(NotFound):
        service.accept(session, "inv_none", by=KEY)
    asking.pay(session, facts, "12.5", "reversed")
    with pytest.raises(Conflict):
        service.accept(session, facts.invoice.id, payment="dep_1", by=KEY)
    taken_back = asking.asked(session, shop)
    service.void(session, taken_back.invoice.id)
    asking.pay(session, taken_back, "12.5", deposit="dep_2")
    with pytest.raises(Conflict) as void:
        service.accept(session, taken_back.invoice.id, payment="dep_2", by=KEY)
    assert void.value.code == "wrong_state"


def test_a_payment_is_accepted_once_and_only_the_one_that_is_meant(
    session: Session, shop: Account
) -> None:
    facts = asking.asked(session, shop, assets=(("USDC", asking.CHAIN),), terms={"late_hours": 0})
    expire(session, facts)
    asking.pay(session, facts, "0.002", asset="ETH", deposit="dep_eth")
    asking.pay(session, facts, "12.5", deposit="dep_usdc")
    service.accept(session, facts.invoice.id, by=KEY)
    assert shape(session, facts).amount_paid == "12.50"
    assert session.get_one(InvoicePayment, "dep_eth").accepted_at is None
    service.accept(session, facts.invoice.id, payment="dep_usdc", rate="current", by="key_other")
    row = session.get_one(InvoicePayment, "dep_usdc")
    assert (row.accepted_by, row.counted_rate) == (KEY, None)
