"""What the signer signs and what it refuses, and what each database role can do."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway import db
from gateway.withdrawals import holds, service
from tests.chain.money_in import DOLLAR, hexed, open_till
from tests.chain.money_out import Desk, assert_paid_once, open_desk, role
from tests.conftest import TestNode

ALI, BADR = bytes([0xB1] * 20), bytes([0xB2] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


CHANGES = [
    ("payload = jsonb_set(payload, '{payments,0}', to_jsonb(repeat('ee', 32)))", "payload_differs"),
    ("amount = amount + 1", "amount_differs"),
    ("cap = 2000000000000", "fee_above_ceiling"),
    ("gas = 16777217", "gas_out_of_range"),
    ("asset = 'ETH'", "other_chain_or_asset"),
    ("signer_id = (select id from signer where role = 'sweep')", "other_role"),
    ("kind = 'sweep'", "other_role"),
]


def test_the_signer_refuses_what_its_rows_do_not_say(desk: Desk) -> None:
    account = desk.rich()
    for change, why in CHANGES:
        wd = desk.ask(account, 5 * DOLLAR, ALI)
        desk.pay()
        with db.transaction() as session:
            session.execute(text(f"update intent set {change} where status = 'planned'"))
        assert desk.sign()
        intent = desk.intents()[-1]
        assert (intent.status, intent.refusal) == ("refused", why)
        if "kind" not in change:
            desk.pay()
            assert desk.row(wd).waiting_reason == "signer_refused"
    assert desk.attempts() == []
    assert set(desk.alarms()) == {"signer_refused"}


def test_the_signer_refuses_money_the_ledger_does_not_reserve(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    with db.transaction() as session:
        holds.release(session, service.get(session, wd))
    desk.sign()
    assert desk.intents()[0].refusal == "money_not_reserved"


def test_a_refused_plan_is_made_anew_when_what_was_wrong_is_mended(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    with db.transaction() as session:
        session.execute(text("update intent set amount = amount + 1"))
    desk.sign()
    with db.transaction() as session:
        session.execute(text("update intent set created_at = now() - interval '1 hour'"))
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_a_signer_whose_address_carries_code_does_not_sign(desk: Desk) -> None:
    desk.till.anvil.call("anvil_setCode", hexed(desk.operator), "0xef0100" + "11" * 20)
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.round()
    assert desk.row(wd).status == "approved"
    assert desk.alarms() == ["signer_has_code"]


def test_each_process_can_do_its_part_with_its_own_database_role(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    for _ in range(5):
        with role("mizan_worker"):
            desk.pay()
        with role("mizan_signer"):
            desk.sign()
        with role("mizan_worker"):
            desk.pay()
        desk.till.anvil.mine()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


STATEMENTS = [
    ("mizan_worker", "insert into attempt select '\\x00', id, '', 1, 1, 1 from transaction"),
    ("mizan_api", "update signer set next_nonce = 0"),
    ("mizan_worker", "update attempt set raw = ''"),
    ("mizan_worker", "delete from transaction"),
    ("mizan_worker", "update transaction set nonce = 7, call_hash = ''"),
    ("mizan_signer", "update withdrawal set status = 'sent'"),
    ("mizan_signer", "update intent set payload = '{}'"),
    ("mizan_signer", "delete from attempt"),
    ("mizan_signer", "select ledger.freeze('x', true)"),
]


def test_no_process_can_do_anothers_part(database: str) -> None:
    for name, statement in STATEMENTS:
        with role(name), pytest.raises(DBAPIError) as refusal, db.transaction() as session:
            session.execute(text(statement))
        assert "permission denied" in str(refusal.value), statement
