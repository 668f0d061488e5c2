"""Signed payments on a real node: sent for gas of the relay, once, credited as deposits are."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.errors import Conflict
from gateway.gasless.shapes import SignedBody
from gateway.ledger.chart import Chart
from tests.chain.money_in import CHAIN, ETH, ETHER, hexed, number
from tests.chain.signed_payments import OTHER, PAYER, Shop, open_shop, refused, run_away, sent
from tests.conftest import TestNode
from workers import relay, signer


@pytest.fixture
def shop(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(anvil, tmp_path, monkeypatch)


def test_a_payer_without_gas_pays_by_a_signature(shop: Shop) -> None:
    invoice = shop.invoice()
    handed = shop.hand_in(invoice, shop.sign(invoice))
    assert (handed.status, handed.settlement) == ("queued", "settlement_pending")
    assert shop.facts(invoice).stored.status == "open"  # a signature credits nothing
    shop.round()
    relay.tick(CHAIN, shop.desk.till.node)
    row = shop.row(handed.id)
    assert (row.status, row.tx_hash is not None) == ("mined", True)
    assert shop.facts(invoice).stored.status == "processing"
    shop.settle()
    assert shop.row(handed.id).status == "confirmed"
    assert shop.facts(invoice).stored.status == "paid"
    assert shop.desk.holds(shop.place(invoice)) == 12_500_000
    assert shop.desk.till.anvil.call("eth_getTransactionCount", PAYER.address, "latest") == "0x0"
    spent = 100 * ETHER - shop.desk.till.node.balance(shop.relay)
    assert shop.desk.house(Chart.GAS, ETH, None) == spent > 0
    assert shop.desk.sound()
    assert shop.desk.alarms() == []


def test_handed_in_often_and_by_many_it_is_sent_once(shop: Shop) -> None:
    invoice = shop.invoice()
    body = shop.sign(invoice)
    with ThreadPoolExecutor(8) as many:
        ids = {one.id for one in many.map(lambda _: shop.hand_in(invoice, body), range(16))}
    assert len(ids) == 1
    assert refused(shop, invoice, shop.sign(invoice)) == "authorization_pending"
    shop.settle()
    assert shop.hand_in(invoice, body).status == "confirmed"
    assert shop.desk.holds(shop.place(invoice)) == 12_500_000
    assert number("select count(*) from transaction") == 1
    other = shop.invoice()
    assert refused(shop, other, body) == "nonce_used"


def test_of_several_signatures_at_once_one_is_taken(shop: Shop) -> None:
    invoice = shop.invoice()
    bodies = [shop.sign(invoice) for _ in range(8)]

    def hand_in(body: SignedBody) -> str:
        try:
            return shop.hand_in(invoice, body).status
        except Conflict as refusal:
            return refusal.code

    with ThreadPoolExecutor(8) as many:
        told = sorted(many.map(hand_in, bodies))
    assert told == ["authorization_pending"] * 7 + ["queued"]
    assert len(shop.rows()) == 1


def test_what_the_token_or_the_rules_would_refuse_is_not_taken(shop: Shop) -> None:
    invoice = shop.invoice()
    now = shop.typed(invoice)["message"]["validBefore"]
    for code, body in {
        "wrong_signature": shop.sign(invoice, key=OTHER),
        "wrong_to": shop.sign(invoice, to=OTHER.address),
        "value_too_small": shop.sign(invoice, value="12499999"),
        "valid_too_short": shop.sign(invoice, validBefore=str(int(now) - 890)),
        "not_valid_yet": shop.sign(invoice, validAfter=now),
        "payer_lacks_funds": shop.sign(invoice, OTHER),
    }.items():
        assert refused(shop, invoice, body) == code
    used = shop.sign(invoice)
    shop.desk.till.anvil.send(to=hexed(shop.token), data=hexed(used.signed.call(used.key)))
    shop.desk.till.anvil.mine()
    assert refused(shop, invoice, used) == "used_before"
    shop.desk.till.mine(3)
    with pytest.raises(Conflict):
        shop.typed(invoice)
    assert shop.rows() == []


def test_little_money_is_not_worth_its_gas(shop: Shop) -> None:
    with db.transaction() as session:
        session.execute(text("update fee_level set base_fee = 5000000000, tip = 0"))
    little, enough = shop.invoice("4.90"), shop.invoice("50")  # the gas costs one dollar
    assert refused(shop, little, shop.sign(little)) == "not_worth_gas"
    handed = shop.hand_in(enough, shop.sign(enough))
    shop.desk.till.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(300 * 10**9))
    shop.desk.till.mine()
    relay.tick(CHAIN, shop.desk.till.node)
    assert (shop.row(handed.id).status, shop.row(handed.id).reason) == ("queued", "gas_too_dear")
    shop.desk.till.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    shop.settle()
    assert shop.row(handed.id).status == "confirmed"


def test_a_payer_whose_money_went_first_costs_no_gas(shop: Shop) -> None:
    invoice = shop.invoice()
    handed = shop.hand_in(invoice, shop.sign(invoice))
    run_away(shop)
    shop.settle(2)
    assert (shop.row(handed.id).status, shop.row(handed.id).reason) == (
        "failed",
        "payer_lacks_funds",
    )
    assert number("select count(*) from transaction") == 0
    assert shop.facts(invoice).stored.status == "open"


def test_what_reverts_ends_failed_and_its_payer_is_not_helped_for_ever(shop: Shop) -> None:
    for _ in range(2):
        shop.mint(PAYER, 1_000)
        authorization = sent(shop, shop.invoice())
        run_away(shop)
        shop.settle(5)
    shop.mint(PAYER, 1_000)
    invoice = shop.invoice()
    assert refused(shop, invoice, shop.sign(invoice)) == "too_many"
    assert [(row.status, row.reason) for row in shop.rows()] == [("sent", "reverted")] * 2
    again = shop.invoice_of(authorization)
    assert refused(shop, again, shop.sign(again)) == "authorization_pending"  # anybody may send it
    shop.end_signatures()
    relay.tick(CHAIN, shop.desk.till.node)
    assert [(row.status, row.reason) for row in shop.rows()] == [("failed", "reverted")] * 2
    assert shop.desk.sound()
    assert shop.desk.house(Chart.GAS, ETH, None) > 0


def test_somebody_else_sending_it_first_still_pays_the_invoice(shop: Shop) -> None:
    invoice = shop.invoice()
    body = shop.sign(invoice)
    handed = shop.hand_in(invoice, body)
    relay.tick(CHAIN, shop.desk.till.node)
    assert shop.desk.sign()
    shop.desk.till.anvil.send(to=hexed(shop.token), data=hexed(body.signed.call(body.key)))
    shop.desk.till.anvil.mine()
    shop.settle()
    assert (shop.row(handed.id).status, shop.row(handed.id).reason) == ("sent", "reverted")
    assert shop.facts(invoice).stored.status == "paid"
    assert shop.desk.holds(shop.place(invoice)) == 12_500_000


def test_a_kill_after_any_step_neither_loses_nor_doubles_it(shop: Shop) -> None:
    invoice = shop.invoice()
    handed = shop.hand_in(invoice, shop.sign(invoice))
    for _ in range(2):
        relay.tick(CHAIN, shop.desk.till.node)
    for _ in range(2):
        signer.sign_next(CHAIN)
    with db.transaction() as session:  # the bytes went out and nobody wrote that down
        raw = session.execute(text("select raw from attempt")).scalar_one()
    shop.desk.till.node.send_raw(bytes(raw))
    shop.settle()
    assert shop.row(handed.id).status == "confirmed"
    assert shop.desk.holds(shop.place(invoice)) == 12_500_000
    assert number("select count(*) from attempt") == 1


def test_a_reorganisation_takes_it_back_and_brings_it_again(shop: Shop) -> None:
    invoice = shop.invoice()
    handed = shop.hand_in(invoice, shop.sign(invoice))
    shop.round()
    relay.tick(CHAIN, shop.desk.till.node)
    assert shop.row(handed.id).status == "mined"
    shop.desk.till.anvil.reorg(1)
    relay.tick(CHAIN, shop.desk.till.node)
    assert shop.row(handed.id).status == "sent"
    shop.settle(6)
    assert shop.row(handed.id).status == "confirmed"
    assert shop.facts(invoice).stored.status == "paid"
