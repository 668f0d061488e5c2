"""No way to pay is offered that would not be credited, and each says the least that is."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.accounts.store import Account
from gateway.checkout.view import view
from gateway.errors import Refused
from gateway.invoices.facts import InvoiceShape
from tests import asking


@pytest.fixture(autouse=True)
def quiet(redis_url: str) -> None:
    """Bells ring into a Redis that is there."""


@pytest.fixture
def shop(session: Session) -> Account:
    asking.add_chain(session)
    minimum(session, "USDC", 5_000_000)
    return asking.merchant(session)


def minimum(session: Session, asset: str, units: int) -> None:
    session.execute(
        text("update chain_asset set minimum_deposit = :units where asset = :asset"),
        {"units": units, "asset": asset},
    )


def options(session: Session, shop: Account, amount: str) -> list[tuple[str, str, str]]:
    shape = InvoiceShape.of(asking.asked(session, shop, amount))
    return [(one.asset, one.amount, one.minimum_deposit) for one in shape.payment_options]


def test_an_option_says_the_least_that_is_credited(session: Session, shop: Account) -> None:
    assert options(session, shop, "5.00") == [
        ("USDC", "5.00", "5.00"),
        ("ETH", "0.0025", "0.000000000000000001"),
    ]


def test_an_option_below_the_chain_s_minimum_is_not_offered(
    session: Session, shop: Account
) -> None:
    assert [one[0] for one in options(session, shop, "4.99")] == ["ETH"]


def test_an_invoice_too_small_for_every_option_is_refused(session: Session, shop: Account) -> None:
    minimum(session, "ETH", 10**16)
    with pytest.raises(Refused) as refusal:
        asking.asked(session, shop, "4.99")
    assert (refusal.value.code, refusal.value.field) == ("below_minimum", "amount")
    assert "5.00 USDC" in refusal.value.detail


def test_the_page_says_so_when_what_remains_is_less_than_is_credited(
    session: Session, shop: Account
) -> None:
    facts = asking.asked(session, shop, "12.50")
    assert [one.at_least for one in view(session, facts).payment_options] == [None, None]
    part = asking.pay(session, facts, "10", "credited")
    assert [
        (one.asset, one.amount, one.at_least) for one in view(session, part).payment_options
    ] == [
        ("USDC", "2.50", "5.00"),
        ("ETH", "0.00125", None),
    ]
    full = asking.pay(session, part, "2.50", "credited", deposit="dep_2")
    assert [one.at_least for one in view(session, full).payment_options] == [None, None]
