"""Payment links on a real database: bounds, ends, uses, and many payers at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts.store import Account
from gateway.errors import Conflict, GatewayError, Refused
from gateway.invoices import service, terms
from gateway.invoices.facts import InvoiceShape
from gateway.invoices.store import Invoice
from gateway.links import rules
from gateway.links import service as links
from gateway.links.rules import Offer, Tally
from gateway.links.store import PaymentLink, offer_of
from gateway.money import USD, Money
from tests import asking

PAYERS = 200
USES = 7
THREADS = 32


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


def usd(amount: str) -> Money:
    return Money.parse(amount, USD)


def link(
    session: Session, account: Account, amount: str | None = "5", **fields: Any
) -> PaymentLink:
    """Make a link of 5 USD unless told otherwise."""
    price = usd(amount) if amount else None
    offer = Offer(title="Tea", currency=USD, amount=price, **fields)
    return links.create(session, account_id=account.id, offer=offer)


def expire(session: Session, invoice_id: str) -> None:
    """Let the invoice's time be over, and let the worker see it."""
    session.execute(
        text("update invoice set expires_at = now() - interval '1 minute' where id = :id"),
        {"id": invoice_id},
    )
    session.expire_all()
    service.expire_due(session)


def test_a_link_makes_an_invoice_for_each_payer(session: Session, shop: Account) -> None:
    made = link(session, shop, success_url="https://shop.example/ok", metadata={"table": "4"})
    one, two = (links.pay(session, link_id=made.id, amount="1") for _ in range(2))
    assert one.invoice.id != two.invoice.id
    shape = InvoiceShape.of(one)
    assert (shape.amount, shape.title, shape.payment_link) == ("5.00", "Tea", made.id)
    assert (shape.success_url, shape.metadata) == ("https://shop.example/ok", {"table": "4"})
    assert shape.quantity is None


def test_a_payer_chooses_within_the_bounds(session: Session, shop: Account) -> None:
    made = link(session, shop, amount=None, min_amount=usd("2"), max_amount=usd("9"))
    assert str(links.pay(session, link_id=made.id, amount="3.20").price) == "3.20"
    for wrong in (None, "", "0", "-1", "1e3", "1.234", "1.99", "9.01"):
        with pytest.raises(GatewayError):
            links.pay(session, link_id=made.id, amount=wrong)


def test_a_payer_takes_several_pieces(session: Session, shop: Account) -> None:
    made = link(session, shop, max_quantity=10)
    shape = InvoiceShape.of(links.pay(session, link_id=made.id, quantity=3))
    assert (shape.amount, shape.title, shape.quantity) == ("15.00", "Tea × 3", 3)
    one = InvoiceShape.of(links.pay(session, link_id=made.id))
    assert (one.amount, one.title, one.quantity) == ("5.00", "Tea", 1)
    with pytest.raises(Refused):
        links.pay(session, link_id=made.id, quantity=11)


def test_a_links_invoice_lives_as_long_as_the_link_says(session: Session, shop: Account) -> None:
    made = link(session, shop, invoice_seconds=90)
    left = links.pay(session, link_id=made.id).invoice.expires_at - datetime.now(UTC)
    assert timedelta(seconds=60) < left <= timedelta(seconds=90)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"active": False}, "link_inactive"),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "link_expired"),
    ],
)
def test_a_closed_link_makes_nothing(
    session: Session, shop: Account, fields: dict[str, Any], code: str
) -> None:
    made = link(session, shop, **fields)
    with pytest.raises(Conflict) as refusal:
        links.pay(session, link_id=made.id)
    assert refusal.value.code == code
    assert session.scalar(select(func.count()).select_from(Invoice)) == 0


def test_so_many_payers_at_once_get_so_many_uses(open_shop: str) -> None:
    with db.transaction() as session:
        made = link(session, session.get_one(Account, open_shop), max_uses=USES).id

    def pay(_: int) -> str:
        try:
            with db.transaction() as session:
                return links.pay(session, link_id=made).invoice.id
        except Conflict as refusal:
            return refusal.code

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(pay, range(PAYERS)))
    got = sorted(set(answers) - {"link_used_up"})
    assert len(got) == USES
    assert answers.count("link_used_up") == PAYERS - USES
    with db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Invoice)) == USES
        assert links.status(session, links.get(session, made)) == "used_up"
        expire(session, got[0])
        assert links.status(session, links.get(session, made)) == "active"
        assert links.tallies(session, [made])[made].uses == USES - 1


def test_late_money_takes_no_use_that_another_payer_has(session: Session, shop: Account) -> None:
    made = link(session, shop, max_uses=1)
    first = links.pay(session, link_id=made.id)
    expire(session, first.invoice.id)
    second = links.pay(session, link_id=made.id)
    asking.pay(session, first, "5", deposit="dep_late")
    late = InvoiceShape.of(service.get(session, first.invoice.id))
    assert (late.status, late.late_action) == ("expired", "review")
    assert links.tallies(session, [made.id])[made.id].uses == 1
    asking.pay(session, second, "5", deposit="dep_in_time")
    assert links.tallies(session, [made.id])[made.id] == Tally(uses=1, paid=1, credited_units=1000)
    service.accept(session, first.invoice.id, by="key_shop")
    assert links.tallies(session, [made.id])[made.id].paid == 2  # the merchant has another one


def test_late_money_settles_where_nobody_counts(session: Session, shop: Account) -> None:
    late = links.pay(session, link_id=link(session, shop).id)
    expire(session, late.invoice.id)
    asking.pay(session, late, "5")
    assert service.get(session, late.invoice.id).invoice.status == "paid"


def test_a_donation_has_no_clock_where_the_terms_have_none(session: Session, shop: Account) -> None:
    terms.change(session, shop.id, {"late_hours": None, "late_percent": None}, by="key_shop")
    given = links.pay(session, link_id=link(session, shop, amount=None).id, amount="12.50")
    session.execute(text("update invoice set expires_at = now() - interval '400 days'"))
    session.expire_all()
    service.expire_due(session)
    asking.pay(session, given, "0.00625", asset="ETH")
    assert service.get(session, given.invoice.id).invoice.status == "paid"


def test_what_came_of_a_link_is_counted_from_its_invoices(session: Session, shop: Account) -> None:
    made, other = link(session, shop), link(session, shop)
    paid, part, idle, gone = (links.pay(session, link_id=made.id) for _ in range(4))
    asking.pay(session, paid, "5", deposit="dep_1")
    asking.pay(session, part, "2", deposit="dep_2")
    expire(session, gone.invoice.id)
    assert idle.invoice.status == "open"
    found = links.tallies(session, [made.id, other.id])
    assert found == {made.id: Tally(uses=3, paid=1, credited_units=700)}


def test_a_change_is_whole_or_nothing(session: Session, shop: Account) -> None:
    made = link(session, shop, amount=None, min_amount=usd("2"), max_amount=usd("9"))
    before = offer_of(session, made)
    for wrong in (
        replace(before, min_amount=usd("10")),
        replace(before, assets=(("USDC", "eip155:999"),)),
    ):
        with pytest.raises(Refused):
            links.change(session, made, wrong)
        assert offer_of(session, made) == before
    wanted = replace(
        before,
        title="Coffee",
        amount=usd("4"),
        min_amount=None,
        max_amount=None,
        max_quantity=3,
        max_uses=9,
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        invoice_seconds=60,
        inactive_message="Closed",
        assets=(("USDC", asking.CHAIN),),
        metadata={"a": "b"},
    )
    links.change(session, made, wanted)
    session.expire_all()
    assert offer_of(session, links.get(session, made.id)) == wanted


def test_the_table_holds_the_same_rules(session: Session, shop: Account) -> None:
    made = link(session, shop)
    for column, value in (("min_amount", "1"), ("max_quantity", "1"), ("invoice_seconds", "0")):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(
                text(f"update payment_link set {column} = {value} where id = :id"),
                {"id": made.id},
            )
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(text("update payment_link set amount = null, max_quantity = 2"))


def test_a_link_that_nothing_could_pay_is_refused(session: Session, shop: Account) -> None:
    with pytest.raises(Refused):
        link(session, shop, assets=(("USDC", "eip155:999"),))
    with pytest.raises(Refused) as refusal:
        link(session, shop, min_amount=usd("1"))
    assert refusal.value.code == "link_contradiction"
    assert rules.status(Offer("Tea", USD), 0, datetime.now(UTC)) == "active"


def test_payers_of_a_link_without_a_limit_do_not_wait_for_each_other(open_shop: str) -> None:
    with db.transaction() as session:
        made = link(session, session.get_one(Account, open_shop)).id
    with db.transaction() as first, db.transaction() as second:
        second.execute(text("set local lock_timeout = '1s'"))
        one = links.pay(first, link_id=made).invoice.id
        assert links.pay(second, link_id=made).invoice.id != one
