"""What keeps signed payments from being sent: refused raises, dear ones, payers, invoices."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.store import chain
from gateway.gasless import rules, store
from gateway.gasless.sending import encode
from gateway.sending.call import SignerRefuses
from gateway.sending.store import Intent, Transaction
from tests.chain.money_in import CHAIN, hexed, number
from tests.chain.signed_payments import OTHER, PAYER, Shop, open_shop, run_away, sent
from tests.conftest import TestNode
from workers import relay, relay_plan, signer


@pytest.fixture
def shop(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(anvil, tmp_path, monkeypatch)


def run(statement: str) -> None:
    with db.transaction() as session:
        session.execute(text(statement))


def tick(shop: Shop) -> None:
    relay.tick(CHAIN, shop.desk.till.node)


def test_a_raise_the_signer_refused_can_be_cancelled(shop: Shop) -> None:
    authorization = sent(shop, shop.invoice())
    tick(shop)
    run("update attempt set created_at = now() - interval '1 hour'")
    tick(shop)  # a raise is asked for
    shop.end_signatures()
    assert signer.raise_next(CHAIN)
    with db.transaction() as session:
        assert session.query(Intent).one().refusal is not None
    tick(shop)
    tick(shop)
    assert signer.raise_next(CHAIN)
    shop.settle(5)
    assert (shop.row(authorization).status, shop.row(authorization).reason) == ("failed", "expired")
    with db.transaction() as session:
        assert session.query(Transaction).one().state == "cancelled"


def test_a_cancel_the_signer_refused_is_asked_for_again(shop: Shop) -> None:
    authorization = sent(shop, shop.invoice())
    tick(shop)
    ceiling = "insert into signer_limit (chain, address, kind, ceiling, set_by)"
    ceiling += " select chain, address, 'fee_per_gas', {}, 'test' from signer where role = 'relay'"
    run(ceiling.format(1))
    shop.end_signatures()
    tick(shop)
    tick(shop)
    assert signer.raise_next(CHAIN)
    with db.transaction() as session:
        assert session.query(Intent).one().refusal is not None
    run(ceiling.format("null"))
    tick(shop)
    tick(shop)
    assert signer.raise_next(CHAIN)
    shop.settle(5)
    assert shop.row(authorization).status == "failed"
    assert "signer_refused" in shop.desk.alarms()


def test_what_is_too_dear_does_not_keep_others_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_plan, "PLANS_MAX", 1)
    dear, other = shop.invoice(), shop.invoice()
    first = shop.hand_in(dear, shop.sign(dear))
    run(f"update payment_authorization set reason = '{relay_plan.TOO_DEAR}'")
    shop.mint(OTHER, 100)
    second = shop.hand_in(other, shop.sign(other, OTHER))
    tick(shop)
    assert shop.row(first.id).intent_id is None
    assert shop.row(second.id).intent_id is not None


def test_one_payment_of_a_payer_is_on_its_way_at_a_time(shop: Shop) -> None:
    ids = []
    for _ in range(4):
        invoice = shop.invoice()
        ids.append(shop.hand_in(invoice, shop.sign(invoice)).id)
    tick(shop)
    with db.transaction() as session:
        assert session.query(Intent).count() == 1
        waits = [row.reason for row in store.waiting(session, CHAIN, 9)]
    assert waits == ["payer_has_another"] * 3
    shop.settle(12)
    assert [shop.row(one).status for one in ids] == ["confirmed"] * 4


def test_what_a_payer_queued_before_its_failures_is_not_sent(shop: Shop) -> None:
    first = sent(shop, shop.invoice())
    others = []
    for _ in range(3):
        invoice = shop.invoice()
        others.append(shop.hand_in(invoice, shop.sign(invoice)).id)
    for _ in range(3):  # each reverts in its block, and none is final meanwhile
        run_away(shop)
        tick(shop)
        shop.desk.till.anvil.mine()
        shop.mint(PAYER, 1_000)
        tick(shop)
        shop.desk.sign()
    assert number("select count(*) from transaction") == rules.PAYER_FAILURES_MAX
    assert shop.row(first).reason == "reverted"
    assert sum(shop.row(one).reason == "too_many" for one in others) == 2


ENDS = {
    "invoice_void": "update invoice set status = 'void', voided_at = now() where id = :invoice",
    "invoice_paid": "update invoice set status = 'paid' where id = :invoice",
    "invoice_processing": "update invoice set status = 'processing' where id = :invoice",
}


@pytest.mark.parametrize("reason", ENDS)
def test_nothing_is_pulled_for_an_invoice_that_asks_for_nothing(shop: Shop, reason: str) -> None:
    invoice = shop.invoice()
    queued = shop.hand_in(invoice, shop.sign(invoice)).id
    with db.transaction() as session:
        session.execute(text(ENDS[reason]), {"invoice": invoice})
    shop.round()
    assert (shop.row(queued).status, shop.row(queued).reason) == ("failed", reason)
    planned = shop.invoice()
    second = shop.hand_in(planned, shop.sign(planned)).id
    tick(shop)
    with db.transaction() as session:
        session.execute(text(ENDS[reason]), {"invoice": planned})
    shop.desk.sign()
    tick(shop)
    assert (shop.row(second).status, shop.row(second).reason) == ("failed", reason)
    assert number("select count(*) from transaction") == 0
    assert shop.desk.alarms() == []


def test_what_somebody_else_sent_meanwhile_is_not_planned(shop: Shop) -> None:
    invoice = shop.invoice()
    body = shop.sign(invoice)
    queued = shop.hand_in(invoice, body).id
    shop.desk.till.anvil.send(to=hexed(shop.token), data=hexed(body.signed.call(body.key)))
    shop.desk.till.anvil.mine()  # the deposit is not read yet
    tick(shop)
    assert (shop.row(queued).status, shop.row(queued).reason) == ("failed", "used_before")


def test_what_was_signed_once_is_raised_whatever_the_invoice_is_then(shop: Shop) -> None:
    invoice = shop.invoice()
    sent(shop, invoice)
    with db.new_session() as session:
        session.execute(text(ENDS["invoice_void"]), {"invoice": invoice})
        intent = session.query(Intent).one()
        assert encode(session, intent, chain(session, CHAIN), 0).value == 0
        intent.status = "planned"
        with pytest.raises(SignerRefuses, match="invoice_void"):
            encode(session, intent, chain(session, CHAIN), 0)
        session.rollback()
