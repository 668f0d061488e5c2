"""Invoices on a real chain: blocks of another clock, the wrong asset, and a reorganisation."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gateway import db
from gateway.accounts.store import Account
from gateway.chain.address import parse_address
from gateway.errors import Conflict
from gateway.inbox import decide
from gateway.inbox.store import Item
from gateway.invoices import service
from gateway.invoices.facts import Facts, InvoiceShape
from tests import asking
from tests.chain.money_in import CHAIN, DOLLAR, ETHER, Till, ledger_is_sound, number, open_till
from tests.conftest import TestNode
from tests.flow import strays

TWO_HOURS = 7_200
KEY = "key_house"


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Iterator[Till]:
    yield open_till(anvil)
    assert ledger_is_sound()


@pytest.fixture
def shop(till: Till) -> str:
    return till.account("falafel-corner")


def opened(shop: str, **order: object) -> tuple[Facts, bytes]:
    """Open an invoice of 10 USD in USDC; returns it with its address."""
    with db.transaction() as session:
        facts = asking.asked(
            session,
            session.get_one(Account, shop),
            "10",
            assets=(("USDC", CHAIN),),
            **order,
        )
        return facts, bytes(facts.options[0].address)


def shape(facts: Facts) -> InvoiceShape:
    with db.transaction() as session:
        return InvoiceShape.of(service.get(session, facts.invoice.id))


def told(facts: Facts) -> list[str]:
    with db.transaction() as session:
        return asking.told(session, facts)


def test_a_chain_whose_clock_is_hours_ahead_makes_nobody_late(till: Till, shop: str) -> None:
    facts, address = opened(shop, expires_in=600, terms={"late_hours": 0})
    till.anvil.call("evm_increaseTime", TWO_HOURS)
    till.pay_usdc(address, 10 * DOLLAR)
    till.mine(4)
    paid = shape(facts)
    assert till.only().block_time > facts.invoice.expires_at
    assert (paid.status, paid.late) == ("paid", False)


def test_money_late_by_the_block_waits_until_it_is_accepted(till: Till, shop: str) -> None:
    facts, address = opened(shop, terms={"late_hours": 0})
    with db.transaction() as session:
        session.execute(text("update invoice set expires_at = now() - interval '1 minute'"))
        service.expire_due(session)
    till.pay_usdc(address, 10 * DOLLAR)
    till.mine()
    assert shape(facts).late_action == "review"
    till.mine(3)
    assert (shape(facts).status, till.available(shop)) == ("expired", 10 * DOLLAR)
    with db.transaction() as session:
        service.accept(session, facts.invoice.id, by=KEY)
    assert (shape(facts).status, shape(facts).late) == ("paid", True)
    assert told(facts) == ["invoice.expired", "invoice.paid_late", "invoice.paid"]


def accept(item: str) -> Item:
    with db.transaction() as session:
        return decide.accept(
            session,
            item,
            by=KEY,
            reason="the tokens were mixed up",
            settle_invoice=lambda session, invoice, deposit: service.accept(
                session, invoice, payment=deposit, by=KEY
            ),
        )


def test_the_wrong_asset_is_taken_for_its_invoice_and_given_up_with_its_block(
    till: Till, shop: str
) -> None:
    facts, address = opened(shop)
    till.pay_eth(address, ETHER // 200)
    till.mine()
    assert (shape(facts).paid_state, len(shape(facts).payments)) == ("none", 1)
    with db.transaction() as session:
        item = session.query(Item).one().id
    assert accept(item).status == "accepted"
    assert accept(item).status == "accepted"
    assert (shape(facts).status, shape(facts).amount_paid) == ("processing", "10.00")
    till.mine(3)
    assert shape(facts).status == "paid"
    till.anvil.reorg(4)
    till.mine(8)
    back = shape(facts)
    assert (back.status, back.amount_due) == ("open", "10.00")
    assert back.reverted_at is not None
    assert number("select count(*) from inbox_decision where decision = 'accepted'") == 1


def test_a_paid_invoice_whose_payment_is_reverted_is_due_again_at_its_address(
    till: Till, shop: str
) -> None:
    facts, address = opened(shop)
    till.pay_usdc(address, 10 * DOLLAR)
    till.mine(4)
    assert (shape(facts).status, till.available(shop)) == ("paid", 10 * DOLLAR)
    till.anvil.reorg(4)
    till.mine(8)
    back = shape(facts)
    assert (back.status, back.amount_due, till.available(shop)) == ("open", "10.00", 0)
    assert [payment["status"] for payment in back.payments] == ["reversed"]
    assert parse_address(str(back.payment_options[0].address)) == address
    till.pay_usdc(address, 10 * DOLLAR)
    till.mine(4)
    again = shape(facts)
    assert (again.status, again.reverted_at) == ("paid", None)
    assert [payment["status"] for payment in again.payments] == ["reversed", "credited"]
    assert told(facts) == [
        "invoice.processing",
        "invoice.paid",
        "invoice.payment_reverted",
        "invoice.processing",
        "invoice.paid",
    ]


def test_only_the_wrong_asset_can_be_accepted(till: Till, shop: str) -> None:
    other = strays.put("wrong_chain", till.address(shop))
    assert other is not None
    with pytest.raises(Conflict) as refused:
        accept(other)
    assert refused.value.code == "no_invoice"
