"""What the signer holds a signed payment against, and who may do what to it."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from gateway import db
from gateway.chain.store import chain
from gateway.gasless import rules
from gateway.gasless.sending import encode
from gateway.screening import service as screening
from gateway.sending.call import SignerRefuses
from gateway.sending.store import Attempt, Intent, Transaction
from tests.chain.money_in import CHAIN, number
from tests.chain.money_out import role
from tests.chain.signed_payments import PAYER, Shop, open_shop, refused, sent
from tests.conftest import TestNode
from workers import relay, signer


@pytest.fixture
def shop(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(anvil, tmp_path, monkeypatch)


@pytest.mark.parametrize("seen", [True, False])
def test_what_is_not_mined_before_its_signature_ends_is_cancelled(shop: Shop, seen: bool) -> None:
    invoice = shop.invoice()
    authorization = sent(shop, invoice)
    if seen:
        relay.tick(CHAIN, shop.desk.till.node)
    with db.transaction() as session:
        session.execute(text("update payment_authorization set valid_before = 1"))
    relay.tick(CHAIN, shop.desk.till.node)
    relay.tick(CHAIN, shop.desk.till.node)
    signer.raise_next(CHAIN)
    shop.settle(5)
    row = shop.row(authorization)
    assert (row.status, row.reason) == ("failed", "expired")
    with db.transaction() as session:
        assert session.query(Transaction).one().state == "cancelled"
        first = session.query(Attempt).filter(~Attempt.cancels).one()
        assert (first.sent_at is not None) == seen
    assert shop.desk.holds(shop.place(invoice)) == 0


TAMPERED = {
    "payload_differs": 'update intent set payload = payload || \'{"value": "1"}\'',
    "other_destination": "update address set invoice_id = 'inv_other'",
    "other_vault": "update address set salt = decode(repeat('07', 32), 'hex')",
    "not_to_be_sent": "update intent set gas = 300000",
    "other_chain_or_asset": "update intent set amount = 1",
    "wrong_signature": "update gasless_token set version = '1'",
    "token_takes_no_signatures": "update gasless_token set active = false",
}


def test_the_signer_holds_each_field_against_its_rows(shop: Shop) -> None:
    handed = shop.hand_in(invoice := shop.invoice(), shop.sign(invoice))
    relay.tick(CHAIN, shop.desk.till.node)
    for reason, statement in TAMPERED.items():
        with db.new_session() as session:
            session.execute(text(statement))
            intent = session.query(Intent).one()
            with pytest.raises(SignerRefuses, match=f"^{reason}$"):
                encode(session, intent, chain(session, CHAIN), 0)
            session.rollback()
    with db.transaction() as session:
        session.execute(text(TAMPERED["payload_differs"]))
    shop.desk.sign()
    relay.tell(CHAIN)
    assert (shop.row(handed.id).status, shop.row(handed.id).reason) == ("failed", "payload_differs")
    assert number("select count(*) from transaction") == 0
    assert shop.desk.alarms() == ["signer_refused"]


def test_a_signature_that_ends_soon_is_not_signed_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, queued = shop.invoice(), shop.invoice()
    first = shop.hand_in(planned, shop.sign(planned))
    relay.tick(CHAIN, shop.desk.till.node)
    second = shop.hand_in(queued, shop.sign(queued))
    monkeypatch.setattr(rules, "SEND_SECONDS_MIN", 2 * rules.VALID_SECONDS)
    shop.desk.sign()
    relay.tick(CHAIN, shop.desk.till.node)
    ends = [(shop.row(one.id).status, shop.row(one.id).reason) for one in (first, second)]
    assert ends == [("failed", "expired")] * 2
    assert shop.desk.alarms() == []


def test_each_process_does_its_part_and_can_change_nothing_that_was_signed(shop: Shop) -> None:
    invoice = shop.invoice()
    body = shop.sign(invoice)
    with role("mizan_api"):
        handed = shop.hand_in(invoice, body)
    for _ in range(5):
        with role("mizan_worker"):
            relay.tick(CHAIN, shop.desk.till.node)
        with role("mizan_signer"):
            shop.desk.sign()
        with role("mizan_worker"):
            relay.tick(CHAIN, shop.desk.till.node)
            shop.desk.till.mine()
    assert shop.row(handed.id).status == "confirmed"
    for name in ("mizan_api", "mizan_worker", "mizan_signer"):
        for statement in (
            "update payment_authorization set to_address = payer",
            "delete from payment_authorization",
            "update gasless_token set version = '1'",
            "insert into gasless_token (chain, asset, name, version) values ('a', 'b', 'c', 'd')",
        ):
            with (
                role(name),
                pytest.raises(ProgrammingError, match="permission denied"),
                db.transaction() as session,
            ):
                session.execute(text(statement))


def test_a_switch_on_the_chain_lets_it_wait(shop: Shop) -> None:
    invoice = shop.invoice()
    authorization = shop.hand_in(invoice, shop.sign(invoice)).id
    relay.tick(CHAIN, shop.desk.till.node)
    with db.transaction() as session:
        session.execute(
            text(
                "insert into pause (id, scope, subject, reason, placed_by)"
                " values ('pau_1', 'chain', :chain, 'a drill', 'key_1')"
            ),
            {"chain": CHAIN},
        )
    assert not shop.desk.sign()
    with db.transaction() as session:
        session.execute(text("update pause set lifted_at = now(), lifted_by = 'key_2'"))
    shop.settle()
    assert shop.row(authorization).status == "confirmed"


def test_a_listed_payer_is_refused(shop: Shop) -> None:
    invoice = shop.invoice()
    handed = shop.hand_in(invoice, shop.sign(invoice))
    relay.tick(CHAIN, shop.desk.till.node)
    with db.transaction() as session:
        body = f"{PAYER.address} a thief\n".encode()
        screening.load(session, source="ours", kind="addresses", body=body)
    shop.desk.sign()
    relay.tell(CHAIN)
    assert (shop.row(handed.id).status, shop.row(handed.id).reason) == ("failed", "listed_address")
    other = shop.invoice()
    assert refused(shop, other, shop.sign(other)) == "payer_refused"
