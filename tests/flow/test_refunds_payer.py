"""A payer says where a refund goes: once, in time, and nowhere it must not go."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from gateway import db
from gateway.accounts import service as accounts
from gateway.accounts.store import Account
from gateway.errors import Conflict, InsufficientFunds, InvalidAddress, NotFound
from gateway.policy import screening_rules
from gateway.refunds import payer, rules, service
from gateway.withdrawals import service as withdrawals
from gateway.withdrawals.store import Withdrawal
from tests import asking
from tests.flow import outgoing
from tests.flow.returning import (
    DAY,
    ELSEWHERE,
    RACERS,
    answered,
    back,
    listed,
    open_shop,
    paid,
    promised,
    promised_in_all,
    refusal,
    stored,
    told,
)


@pytest.fixture
def shop(database: str, redis_url: str) -> Account:
    return open_shop()


def test_a_payer_names_the_address_and_the_first_answer_counts(shop: Account) -> None:
    facts = paid(shop, ("100", "USDC"))
    made, token = promised(facts)
    waiting = stored(made)
    assert (waiting.status, waiting.to_address, waiting.withdrawal_id) == (
        "awaiting_address",
        None,
        None,
    )
    assert refusal(back, facts, amount="0.01") == "nothing_to_refund"
    places = [bytes([number] * 20) for number in range(0x41, 0x41 + RACERS)]
    with ThreadPoolExecutor(RACERS) as pool:
        rows = list(pool.map(lambda place: answered(token, place), places))
    assert {row.status for row in rows} == {"pending"}
    assert len({row.to_address for row in rows}) == 1
    with db.transaction() as session:
        sent = session.scalars(select(Withdrawal)).all()
    assert [(int(row.amount), row.refund_id) for row in sent] == [(100 * 10**6, made)]
    assert sent[0].to_address == rows[0].to_address
    assert told(made) == ["created", "pending"]


def test_an_answer_after_the_end_is_too_late(shop: Account) -> None:
    facts = paid(shop, ("100", "USDC"))
    made, token = promised(facts)
    with db.transaction() as session:
        session.execute(text("update refund set expires_at = now() - interval '1 second'"))
    assert refusal(answered, token) == "refund_expired"
    for count in (1, 0):
        with db.transaction() as session:
            assert service.expire_due(session) == count
    assert (stored(made).status, told(made)) == ("expired", ["created", "expired"])
    assert answered(token).status == "expired"
    assert promised_in_all() == 0
    assert back(facts).status == "pending"


def test_what_nobody_answered_can_be_taken_back_or_given_another_page(shop: Account) -> None:
    facts = paid(shop, ("100", "USDC"))
    made, old = promised(facts, expires_in=DAY)
    with db.transaction() as session:
        row, fresh = payer.renew_page(session, made, expires_in=2 * DAY, by="key_test")
        assert row.expires_at is not None
        assert row.expires_at > datetime.now(UTC) + timedelta(days=1, hours=23)
    with db.transaction() as session, pytest.raises(NotFound):
        payer.by_token(session, old)
    for _ in range(2):
        with db.transaction() as session:
            assert service.cancel(session, made, by="key_test").status == "cancelled"
    assert told(made) == ["created", "cancelled"]
    assert answered(fresh).to_address is None
    other, token = promised(facts)
    answered(token)
    with db.transaction() as session, pytest.raises(Conflict):
        service.cancel(session, other, by="key_test")


def test_a_token_is_not_kept(shop: Account) -> None:
    _, token = promised(paid(shop, ("100", "USDC")))
    tables = ("refund", "event", "delivery", "idempotency_key")
    with db.transaction() as session:
        for table in tables:
            rows = session.execute(text(f"select t::text from {table} t")).scalars()
            assert not [row for row in rows if token in row]
        assert payer.by_token(session, token).token_hash == payer.hash_of(token)


def test_who_decided_what_is_in_the_journal(shop: Account) -> None:
    listed(ELSEWHERE)
    made, token = promised(paid(shop, ("100", "USDC")))
    with db.transaction() as session:
        _, token = payer.renew_page(session, made, expires_in=DAY, by="key_other")
    answered(token, ELSEWHERE)
    answered(token)
    with db.transaction() as session:
        lines = session.execute(
            text("select actor, action from journal where subject = :id order by id"), {"id": made}
        ).all()
    assert [tuple(line) for line in lines] == [
        ("key_test", "refund.promised"),
        ("key_other", "refund.page_renewed"),
        ("payer", "refund.address_refused"),
        ("payer", "refund.address_named"),
    ]


def test_a_listed_address_is_refused_and_another_may_be_named(shop: Account) -> None:
    listed(ELSEWHERE)
    made, token = promised(paid(shop, ("100", "USDC")))
    assert answered(token, ELSEWHERE).status == "awaiting_address"
    row = stored(made)
    assert (row.refusal, row.refusals, row.to_address) == (screening_rules.REFUSED, 1, None)
    assert answered(token).status == "pending"
    assert stored(made).refusal is None


def test_a_page_is_no_place_to_ask_what_the_lists_hold(shop: Account) -> None:
    listed(ELSEWHERE)
    made, token = promised(paid(shop, ("100", "USDC")))
    for _ in range(rules.REFUSALS_MAX):
        answered(token, ELSEWHERE)
    assert (stored(made).status, told(made)) == ("rejected", ["created", "rejected"])
    assert answered(token).status == "rejected"
    assert promised_in_all() == 0


def test_an_address_of_ours_is_no_place_for_a_refund(shop: Account) -> None:
    facts = paid(shop, ("100", "USDC"))
    _, token = promised(facts)
    for place in (outgoing.VAULT, facts.options[0].address, outgoing.TOKEN, bytes(20)):
        with db.transaction() as session, pytest.raises(InvalidAddress):
            payer.read_address(session, "0x" + place.hex())
        with pytest.raises(InvalidAddress):
            answered(token, place)
    assert answered(token).status == "pending"


def test_a_payment_that_left_the_chain_is_not_sent_back(shop: Account) -> None:
    facts = paid(shop, ("100", "USDC"))
    _, token = promised(facts)
    with db.transaction() as session:
        asking.pay(session, facts, "100", "reversed", deposit=f"dep_{facts.invoice.id}_0")
    assert refusal(answered, token) == "nothing_to_refund"
    with db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Withdrawal)) == 0


def test_a_promise_the_merchant_could_not_keep_is_not_made(shop: Account) -> None:
    facts = paid(shop, ("400", "USDC"), price="400")
    with pytest.raises(InsufficientFunds):
        promised(facts)
    made, token = promised(facts, amount="200")
    assert back(facts, amount="150").status == "pending"
    with pytest.raises(InsufficientFunds):
        answered(token)
    assert stored(made).status == "awaiting_address"


def test_a_frozen_merchant_sends_nothing(shop: Account) -> None:
    _, token = promised(paid(shop, ("100", "USDC")))
    with db.transaction() as session:
        accounts.freeze(session, shop.id)
    assert refusal(answered, token) == "account_frozen"


def test_a_refund_ends_as_its_own_withdrawal_does(shop: Account) -> None:
    listed(ELSEWHERE)
    made, token = promised(paid(shop, ("100", "USDC")))
    answered(token, ELSEWHERE)
    row = answered(token)
    with db.transaction() as session:
        refused = session.scalars(
            select(Withdrawal.id).where(Withdrawal.status == "rejected")
        ).one()
        service.refund_ended(session, refund_id=made, withdrawal_id=refused, status="rejected")
    assert stored(made).status == "pending"
    with db.transaction() as session:
        sent = withdrawals.cancel(session, str(row.withdrawal_id))
        for _ in range(2):
            service.refund_ended(session, refund_id=made, withdrawal_id=sent.id, status=sent.status)
    assert told(made) == ["created", "pending", "cancelled"]


def test_no_sender_is_proposed_without_a_node(shop: Account) -> None:
    made, _ = promised(paid(shop, ("100", "USDC")))
    assert stored(made).sender is None
