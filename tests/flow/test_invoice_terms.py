"""A merchant's terms on a real database: agreed at opening, kept, and never forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.accounts.store import Account
from gateway.errors import Conflict, InvalidAmount
from gateway.invoices import service, terms
from gateway.invoices.facts import InvoiceShape
from tests import asking
from tests.flow.lateness import KEY, expire, late_payment, shape


@pytest.fixture(autouse=True)
def quiet(redis_url: str) -> None:
    """Bells ring into a Redis that is there."""


@pytest.fixture
def shop(session: Session) -> Account:
    asking.add_chain(session)
    return asking.merchant(session)


# Agreeing -----------------------------------------------------------------------------------------
def test_an_invoice_keeps_the_terms_it_was_opened_with(session: Session, shop: Account) -> None:
    before = asking.asked(session, shop, "100")
    assert shape(session, before).terms.model_dump() == {
        "under": "0.00",
        "over": "0.00",
        "late_percent": "5",
        "late_hours": 24,
        "late": "credit",
    }
    changed: terms.Fields = {
        "under_percent": "1.5",
        "over_amount": "0.20",
        "late_hours": 48,
        "late": "refund",
    }
    terms.change(session, shop.id, changed, by=KEY)
    after = asking.asked(session, shop, "100")
    assert shape(session, after).terms.model_dump() == {
        "under": "1.50",
        "over": "0.20",
        "late_percent": "5",
        "late_hours": 48,
        "late": "refund",
    }
    assert shape(session, before).terms.under == "0.00"
    written = session.execute(
        text("select actor, subject, facts from journal where action = 'checkout_terms.changed'")
    ).one()
    assert (written.actor, written.subject) == (KEY, shop.id)
    assert written.facts["under_percent"] == "1.5"


def test_the_greater_tolerance_counts_and_an_invoices_own_comes_first(
    session: Session, shop: Account
) -> None:
    terms.change(session, shop.id, {"under_percent": "2", "under_amount": "0.50"}, by=KEY)
    cases: list[tuple[str, str, terms.Fields | None, str]] = [
        ("100", "USD", None, "2.00"),
        ("10", "USD", None, "0.50"),
        ("0.30", "USD", None, "0.15"),  # never more than half
        ("0.01", "USD", None, "0.00"),
        ("10", "USDC", None, "0.20"),  # dollars are no tolerance of an invoice in an asset
        ("10", "USDC", {"under_amount": "0.300001"}, "0.300001"),
        ("10", "USD", {"under_amount": "0"}, "0.20"),
        ("10", "USD", {"under_amount": "0", "under_percent": "0"}, "0.00"),
    ]
    for amount, currency, own, under in cases:
        made = asking.asked(session, shop, amount, currency=currency, terms=own)
        assert shape(session, made).terms.under == under, (amount, currency, own)


def test_terms_of_an_amount_its_currency_cannot_express_are_refused(
    session: Session, shop: Account
) -> None:
    with pytest.raises(InvalidAmount):
        asking.asked(session, shop, terms={"under_amount": "0.001"})
    with pytest.raises(InvalidAmount):
        terms.change(session, shop.id, {"over_amount": "0.001"}, by=KEY)


def test_other_terms_are_another_order(session: Session, shop: Account) -> None:
    first = asking.asked(session, shop, order_id="7", terms={"late_hours": 1})
    same = asking.asked(session, shop, order_id="7", terms={"late_hours": 1})
    assert same.invoice.id == first.invoice.id
    for other in (None, {"late_hours": 2}):
        with pytest.raises(Conflict):
            asking.asked(session, shop, order_id="7", terms=other)
    plain = asking.asked(session, shop, order_id="8")
    assert asking.asked(session, shop, order_id="8", terms={}).invoice.id == plain.invoice.id


# Tolerances ---------------------------------------------------------------------------------------
def test_a_little_less_is_paid_and_what_is_missing_is_shown(
    session: Session, shop: Account
) -> None:
    facts = asking.asked(session, shop, terms={"under_amount": "0.05"})
    paid = InvoiceShape.of(asking.pay(session, facts, "12.45"))
    assert (paid.status, paid.paid_state) == ("paid", "exact")
    assert (paid.amount_paid, paid.amount_due, paid.amount_missing) == ("12.45", "0.00", "0.05")
    assert {option.amount for option in paid.payment_options} == {"0.00"}
    assert asking.told(session, facts) == ["invoice.paid"]


def test_a_little_more_is_no_overpayment(session: Session, shop: Account) -> None:
    facts = asking.asked(session, shop, terms={"over_percent": "2"})
    assert asking.pay(session, facts, "12.75").invoice.paid_state == "exact"
    more = InvoiceShape.of(asking.pay(session, facts, "0.01", deposit="dep_2"))
    assert (more.paid_state, more.amount_over) == ("over", "0.26")
    assert asking.told(session, facts) == ["invoice.paid", "invoice.overpaid"]


def test_a_second_payment_is_an_overpayment_even_long_after(
    session: Session, shop: Account
) -> None:
    facts = asking.asked(session, shop)
    in_time = datetime.now(UTC) - timedelta(days=10)
    asking.pay(session, facts, "12.5", seen_at=in_time)
    expire(session, facts, timedelta(days=9))
    twice = InvoiceShape.of(asking.pay(session, facts, "12.5", deposit="dep_2"))
    assert (twice.status, twice.paid_state, twice.late_action) == ("paid", "over", None)
    assert (twice.amount_credited, twice.amount_over) == ("25.00", "12.50")


# Reverting ----------------------------------------------------------------------------------------
def test_a_paid_invoice_that_a_reorganisation_reverts_says_what_is_due_again(
    session: Session, shop: Account
) -> None:
    facts = asking.asked(session, shop)
    asking.pay(session, facts, "5", deposit="dep_1")
    asking.pay(session, facts, "7.5", deposit="dep_2")
    assert shape(session, facts).reverted_at is None
    asking.pay(session, facts, "7.5", "reversed", deposit="dep_2")
    back = shape(session, facts)
    assert (back.status, back.paid_state, back.amount_due) == ("open", "partial", "7.50")
    assert back.reverted_at is not None
    assert [payment["status"] for payment in back.payments] == ["credited", "reversed"]
    told = session.execute(
        text("select data from event where type = 'invoice.payment_reverted'")
    ).scalar_one()
    assert (told["amount_due"], told["reverted_at"] is not None) == ("7.50", True)
    asking.pay(session, facts, "7.5", deposit="dep_3")
    assert (shape(session, facts).status, shape(session, facts).reverted_at) == ("paid", None)


def test_what_was_accepted_and_then_reverted_counts_no_more(
    session: Session, shop: Account
) -> None:
    facts = late_payment(session, shop, {"late_hours": 0})
    service.accept(session, facts.invoice.id, by=KEY)
    asking.pay(session, facts, "12.5", "reversed")
    gone = shape(session, facts)
    assert (gone.status, gone.amount_due, gone.late_action) == ("expired", "12.50", None)
    assert asking.told(session, facts)[-1] == "invoice.expired"
    assert "invoice.payment_reverted" in asking.told(session, facts)
