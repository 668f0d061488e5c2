"""Invoices on a real database: orders, payments, expiry."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts.store import Account
from gateway.errors import Conflict, DependencyAway
from gateway.invoices import service
from gateway.invoices.facts import InvoiceShape, load
from gateway.settings import settings
from tests import asking

THREADS = 8


@pytest.fixture(autouse=True)
def quiet(redis_url: str) -> None:
    """Bells ring into a Redis that is there."""


@pytest.fixture
def shop(session: Session) -> Account:
    asking.add_chain(session)
    return asking.merchant(session)


@pytest.fixture
def open_shop(database: str) -> str:
    """A committed merchant, for tests with several transactions."""
    with db.transaction() as session:
        asking.add_chain(session)
        return asking.merchant(session).id


def expire(session: Session, invoice_id: str) -> None:
    """Let the invoice's time be over, and let the worker see it."""
    session.execute(
        text("update invoice set expires_at = now() - interval '1 minute' where id = :id"),
        {"id": invoice_id},
    )
    session.expire_all()
    service.expire_due(session)


def test_an_invoice_offers_every_priced_asset_at_its_own_address(
    session: Session, shop: Account
) -> None:
    asking.add_chain(session, asking.OTHER, "Other")
    shape = InvoiceShape.of(asking.asked(session, shop))
    offered = [(o.asset, o.chain, o.amount, o.rate) for o in shape.payment_options]
    assert offered == [
        ("USDC", asking.OTHER, "12.50", "1"),
        ("USDC", asking.CHAIN, "12.50", "1"),
        ("ETH", asking.OTHER, "0.00625", "2000"),
        ("ETH", asking.CHAIN, "0.00625", "2000"),
    ]
    assert shape.payment_options[0].quote_expires_at == shape.expires_at
    second = InvoiceShape.of(asking.asked(session, shop))
    assert shape.payment_options[0].address != second.payment_options[0].address


def test_an_invoice_in_an_asset_takes_that_asset_alone(session: Session, shop: Account) -> None:
    shape = InvoiceShape.of(asking.asked(session, shop, "1.234567", currency="USDC"))
    assert [(o.asset, o.amount, o.rate) for o in shape.payment_options] == [
        ("USDC", "1.234567", "1")
    ]


def test_an_asset_without_a_price_is_left_out_and_none_left_is_refused(
    session: Session, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = (("XYZ", asking.CHAIN), ("ETH", asking.CHAIN))
    shape = InvoiceShape.of(asking.asked(session, shop, assets=only))
    assert [option.asset for option in shape.payment_options] == ["ETH"]
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "")
    settings.cache_clear()
    with pytest.raises(DependencyAway) as away:
        asking.asked(session, shop)
    assert away.value.code == "rate_unavailable"
    assert InvoiceShape.of(asking.asked(session, shop, currency="XYZ")).payment_options


def test_the_same_order_is_the_same_invoice_and_another_is_refused(
    session: Session, shop: Account
) -> None:
    first = asking.asked(session, shop, order_id="7")
    again = asking.asked(session, shop, "12.5", order_id="7")
    assert again.invoice.id == first.invoice.id
    with pytest.raises(Conflict) as taken:
        asking.asked(session, shop, "13", order_id="7")
    assert taken.value.code == "order_id_taken"
    other = asking.merchant(session, "other-shop")
    assert asking.asked(session, other, "13", order_id="7").invoice.id != first.invoice.id


def test_one_order_asked_at_once_by_many_is_one_invoice(open_shop: str) -> None:
    def ask(_: int) -> str:
        with db.transaction() as session:
            account = session.get_one(Account, open_shop)
            return asking.asked(session, account, order_id="same").invoice.id

    with ThreadPoolExecutor(THREADS) as pool:
        found = set(pool.map(ask, range(THREADS)))
    assert len(found) == 1


def test_a_payment_is_seen_then_final_and_told_once_each(session: Session, shop: Account) -> None:
    facts = asking.asked(session, shop)
    seen = asking.pay(session, facts, "12.5", "confirming")
    assert (seen.invoice.status, InvoiceShape.of(seen).amount_due) == ("processing", "0.00")
    asking.pay(session, facts, "12.5", "confirming")
    paid = asking.pay(session, facts, "12.5", "credited")
    asking.pay(session, facts, "12.5", "credited")
    assert paid.invoice.status == "paid"
    assert paid.invoice.paid_at is not None
    assert asking.told(session, facts) == ["invoice.processing", "invoice.paid"]


def test_a_part_leaves_the_rest_in_every_asset(session: Session, shop: Account) -> None:
    facts = asking.asked(session, shop)
    part = InvoiceShape.of(asking.pay(session, facts, "5"))
    assert (part.paid_state, part.amount_paid, part.amount_due) == ("partial", "5.00", "7.50")
    assert [option.amount for option in part.payment_options] == ["7.50", "0.00375"]
    rest = asking.pay(session, facts, "0.00375", asset="ETH", deposit="dep_2")
    assert (rest.invoice.status, rest.invoice.paid_state) == ("paid", "exact")
    assert asking.told(session, facts) == ["invoice.partially_paid", "invoice.paid"]


def test_too_much_and_too_late_are_told_apart(session: Session, shop: Account) -> None:
    facts = asking.asked(session, shop)
    expire(session, facts.invoice.id)
    late = asking.pay(session, facts, "15", seen_at=datetime.now(UTC) + timedelta(seconds=1))
    shape = InvoiceShape.of(late)
    assert (shape.status, shape.paid_state, shape.late) == ("paid", "over", True)
    assert shape.amount_paid == "15.00"
    assert asking.told(session, facts) == [
        "invoice.expired",
        "invoice.paid",
        "invoice.overpaid",
        "invoice.paid_late",
    ]


def test_a_payment_in_time_heard_of_late_is_not_late(session: Session, shop: Account) -> None:
    facts = asking.asked(session, shop)
    expire(session, facts.invoice.id)
    paid = asking.pay(session, facts, "12.5", seen_at=datetime.now(UTC) - timedelta(hours=1))
    assert (paid.invoice.status, paid.invoice.late) == ("paid", False)


def test_a_reorganised_payment_takes_the_invoice_back(session: Session, shop: Account) -> None:
    facts = asking.asked(session, shop)
    asking.pay(session, facts, "12.5")
    back = asking.pay(session, facts, "12.5", "reversed")
    assert (back.invoice.status, back.invoice.paid_at) == ("open", None)
    again = asking.pay(session, facts, "12.5")
    assert again.invoice.status == "paid"
    assert asking.told(session, facts) == [
        "invoice.paid",
        "invoice.payment_reverted",
        "invoice.paid",
    ]


def test_the_order_of_triggers_does_not_matter(session: Session, shop: Account) -> None:
    found = set()
    for order in permutations(range(3)):
        facts = asking.asked(session, shop)
        name = facts.invoice.id
        steps: dict[int, Callable[[], object]] = {
            0: partial(asking.pay, session, facts, "5", deposit=f"a{name}"),
            1: partial(asking.pay, session, facts, "9", "confirming", deposit=f"b{name}"),
            2: partial(expire, session, name),
        }
        for step in order:
            steps[step]()
        row = service.get(session, facts.invoice.id).invoice
        found.add((row.status, row.paid_state, int(row.amount_paid), int(row.amount_credited)))
    assert found == {("processing", "over", 1400, 500)}


def test_two_payments_at_once_both_count(open_shop: str) -> None:
    with db.transaction() as session:
        facts = asking.asked(session, session.get_one(Account, open_shop), "8")

    def pay(number: int) -> None:
        with db.transaction() as session:
            asking.pay(session, facts, "1", deposit=f"dep_{number}")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(pay, range(THREADS)))
    with db.transaction() as session:
        row = service.get(session, facts.invoice.id).invoice
        assert (row.status, row.paid_state) == ("paid", "exact")
        assert asking.told(session, facts) == ["invoice.partially_paid", "invoice.paid"]


def test_expiry_is_told_once_by_workers_side_by_side(open_shop: str) -> None:
    with db.transaction() as session:
        account = session.get_one(Account, open_shop)
        made = [asking.asked(session, account) for _ in range(5)]
        session.execute(text("update invoice set expires_at = now() - interval '1 second'"))

    def work(_: int) -> int:
        with db.transaction() as session:
            return service.expire_due(session)

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(work, range(4)))
    with db.transaction() as session:
        done += service.expire_due(session)
        assert done == len(made)
        assert all(asking.told(session, facts) == ["invoice.expired"] for facts in made)


def test_void_ends_an_open_invoice_but_not_a_paid_one(session: Session, shop: Account) -> None:
    facts = asking.asked(session, shop)
    assert service.void(session, facts.invoice.id).invoice.status == "void"
    assert service.void(session, facts.invoice.id).invoice.status == "void"
    paid = asking.asked(session, shop)
    asking.pay(session, paid, "12.5")
    with pytest.raises(Conflict):
        service.void(session, paid.invoice.id)


def test_lists_load_with_a_query_for_each_table(session: Session, shop: Account) -> None:
    rows = [asking.asked(session, shop).invoice for _ in range(3)]
    assert [facts.invoice.id for facts in load(session, rows)] == [row.id for row in rows]
    assert load(session, []) == []
