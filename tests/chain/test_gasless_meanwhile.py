"""Money that came by another way meanwhile: what was signed for all of it is not sent any more."""

from pathlib import Path

import pytest

from gateway import db
from gateway.invoices import service as invoices
from gateway.sending.store import Attempt, Transaction
from tests import asking
from tests.chain.money_in import CHAIN, number
from tests.chain.signed_payments import Shop, open_shop, refused, sent
from tests.conftest import TestNode
from workers import relay, signer

LESS, PAID = ("failed", "invoice_asks_less"), ("failed", "invoice_paid")
NOTHING_LEFT = {"5": LESS, "12.5": PAID}


@pytest.fixture
def shop(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(anvil, tmp_path, monkeypatch)


def comes(invoice: str, amount: str) -> None:
    """Have dollars of somebody else come to an invoice."""
    with db.transaction() as session:
        asking.pay(session, invoices.get(session, invoice), amount, deposit=f"dep_{invoice}")


def fares(shop: Shop, authorization: str) -> tuple[str, str | None]:
    row = shop.row(authorization)
    return row.status, row.reason


@pytest.mark.parametrize("amount", NOTHING_LEFT)
def test_what_is_queued_is_not_sent_for_more_than_is_due(shop: Shop, amount: str) -> None:
    invoice = shop.invoice()
    handed = shop.hand_in(invoice, shop.sign(invoice)).id
    comes(invoice, amount)
    shop.settle(2)
    assert fares(shop, handed) == NOTHING_LEFT[amount]
    assert number("select count(*) from transaction") == 0
    assert shop.desk.alarms() == []


def test_the_rest_is_paid_by_another_signature(shop: Shop) -> None:
    invoice = shop.invoice()
    first = shop.hand_in(invoice, shop.sign(invoice)).id
    comes(invoice, "5")
    shop.round()
    assert fares(shop, first) == LESS
    second = shop.hand_in(invoice, shop.sign(invoice)).id
    shop.settle()
    assert fares(shop, second) == ("confirmed", None)
    assert shop.desk.holds(shop.place(invoice)) == 7_500_000
    assert shop.facts(invoice).stored.paid_state == "exact"


@pytest.mark.parametrize("amount", NOTHING_LEFT)
def test_the_signer_signs_no_plan_for_more_than_is_due(shop: Shop, amount: str) -> None:
    invoice = shop.invoice()
    handed = shop.hand_in(invoice, shop.sign(invoice)).id
    relay.tick(CHAIN, shop.desk.till.node)
    comes(invoice, amount)
    shop.desk.sign()
    relay.tick(CHAIN, shop.desk.till.node)
    assert fares(shop, handed) == NOTHING_LEFT[amount]
    assert number("select count(*) from transaction") == 0
    assert shop.desk.alarms() == []


@pytest.mark.parametrize("amount", NOTHING_LEFT)
def test_what_is_signed_and_was_not_handed_out_is_called_off(shop: Shop, amount: str) -> None:
    invoice = shop.invoice()
    handed = sent(shop, invoice)
    comes(invoice, amount)
    relay.tick(CHAIN, shop.desk.till.node)
    assert fares(shop, handed) == ("queued", NOTHING_LEFT[amount][1])
    assert signer.raise_next(CHAIN)
    shop.settle()
    assert fares(shop, handed) == NOTHING_LEFT[amount]
    assert shop.desk.holds(shop.place(invoice)) == 0
    with db.transaction() as session:
        assert session.query(Transaction).one().state == "cancelled"
        assert session.query(Attempt).filter(~Attempt.cancels).one().sent_at is None
    assert shop.desk.alarms() == []
    assert shop.desk.sound()


def test_what_was_handed_out_is_followed_to_its_end(shop: Shop) -> None:
    invoice = shop.invoice()
    handed = sent(shop, invoice)
    relay.tick(CHAIN, shop.desk.till.node)
    comes(invoice, "5")
    relay.tick(CHAIN, shop.desk.till.node)
    shop.settle()
    assert fares(shop, handed) == ("confirmed", None)
    assert shop.desk.holds(shop.place(invoice)) == 12_500_000
    assert shop.facts(invoice).stored.paid_state == "over"


def test_a_kill_before_it_was_noted_that_it_was_sent_loses_nothing(shop: Shop) -> None:
    invoice = shop.invoice()
    handed = sent(shop, invoice)
    with db.transaction() as session:
        raw = bytes(session.query(Attempt).one().raw)
    shop.desk.till.node.send_raw(raw)
    shop.desk.till.mine()
    assert shop.facts(invoice).stored.status == "processing"
    relay.tick(CHAIN, shop.desk.till.node)  # to it this is money that came meanwhile
    assert fares(shop, handed) == ("mined", None)
    shop.settle()
    assert fares(shop, handed) == ("confirmed", None)
    assert shop.facts(invoice).stored.paid_state == "exact"
    assert shop.desk.alarms() == []
    assert shop.desk.sound()


def test_a_signature_for_more_than_is_due_is_not_taken(shop: Shop) -> None:
    invoice = shop.invoice()
    body = shop.sign(invoice)
    comes(invoice, "5")
    assert refused(shop, invoice, body) == "value_too_large"
    assert shop.rows() == []
