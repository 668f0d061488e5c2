"""What goes back before an invoice is paid does not pay it: it has to come once more."""

import pytest

from gateway import db
from gateway.accounts.store import Account
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts, InvoiceShape
from gateway.refunds import service as refunds
from tests import asking
from tests.flow.returning import back, open_shop, paid, promised


@pytest.fixture
def shop(database: str, redis_url: str) -> Account:
    return open_shop()


def shape(facts: Facts) -> InvoiceShape:
    with db.transaction() as session:
        return InvoiceShape.of(invoices.get(session, facts.invoice.id))


def pay(facts: Facts, amount: str, deposit: str, status: str = "credited") -> InvoiceShape:
    with db.transaction() as session:
        asking.pay(session, facts, amount, status, deposit=deposit)
    return shape(facts)


def told(facts: Facts) -> list[str]:
    with db.transaction() as session:
        return asking.told(session, facts)


def test_sixty_came_and_went_back_so_a_hundred_are_due(shop: Account) -> None:
    facts = paid(shop, ("60", "USDC"))
    assert shape(facts).amount_due == "40.00"
    back(facts)
    assert (shape(facts).amount_due, shape(facts).status) == ("100.00", "open")
    assert shape(facts).payment_options[0].amount == "100.00"
    after = pay(facts, "40", "dep_more")
    assert (after.status, after.paid_state, after.amount_due) == ("open", "partial", "60.00")
    assert "invoice.paid" not in told(facts)
    assert pay(facts, "60", "dep_rest").status == "paid"
    assert shape(facts).amount_over == "0.00"


def test_what_went_back_changes_nothing_of_the_terms(shop: Account) -> None:
    with db.transaction() as session:
        own = {"under_percent": "2", "over_amount": "3"}
        facts = asking.asked(session, shop, "100", terms=own)
    agreed = shape(facts).terms
    assert (agreed.under, agreed.over) == ("2.00", "3.00")
    pay(facts, "60", f"dep_{facts.invoice.id}_0")
    back(facts)
    assert shape(facts).amount_due == "100.00"
    assert shape(facts).terms == agreed


def test_what_does_not_go_back_after_all_counts_again(shop: Account) -> None:
    facts = paid(shop, ("60", "USDC"))
    refund, _ = promised(facts, amount="50")
    assert shape(facts).amount_due == "90.00"
    with db.transaction() as session:
        refunds.cancel(session, refund, by="key_test")
    assert shape(facts).amount_due == "40.00"
    assert pay(facts, "40", "dep_rest").status == "paid"


def test_what_goes_back_of_a_paid_invoice_leaves_it_paid(shop: Account) -> None:
    facts = paid(shop, ("100", "USDC"))
    back(facts, amount="30")
    assert (shape(facts).status, shape(facts).amount_due) == ("paid", "0.00")
    first = f"dep_{facts.invoice.id}_0"
    gone = pay(facts, "100", first, "reversed")
    assert (gone.status, gone.amount_due) == ("open", "100.00")
    assert pay(facts, "100", first).status == "paid"
    assert told(facts).count("invoice.payment_reverted") == 1


def test_an_asset_counts_on_each_of_its_chains_and_strays_on_none(shop: Account) -> None:
    with db.transaction() as session:
        asking.add_chain(session, asking.OTHER, "Othernet")
        here, there = ("USDC", asking.CHAIN), ("ETH", asking.OTHER)
        facts = asking.asked(session, shop, "10", assets=(here, there))
        offered = {
            asset: invoices.offers(session, invoice_id=facts.invoice.id, asset=asset)
            for asset in ("USDC", "ETH", "XYZ")
        }
    assert offered == {"USDC": True, "ETH": True, "XYZ": False}
