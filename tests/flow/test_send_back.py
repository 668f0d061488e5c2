"""A merchant sends a payment back that settles nothing: whole, once, whoever else decides."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.accounts.store import Account
from gateway.errors import GatewayError
from gateway.inbox import decide
from gateway.inbox import refund as inbox_refund
from gateway.inbox.store import Item
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts, InvoiceShape
from gateway.refunds import payment, service
from gateway.refunds.store import Refund
from gateway.withdrawals import service as withdrawals
from tests import asking
from tests.flow import day, strays
from tests.flow.books import CHAIN, assert_proofs_are_empty
from tests.flow.lateness import expire
from tests.flow.returning import ELSEWHERE, RACERS, SOMEBODY, back, open_shop, refusal

WEI = 625 * 10**13
KEY = "key_till"


@pytest.fixture
def shop(database: str, redis_url: str) -> Iterator[Account]:
    yield open_shop()
    with db.transaction() as session:
        assert_proofs_are_empty(session)


def wrong_asset(shop: Account) -> tuple[Facts, str, str]:
    """An invoice in USDC that got ether; returns it with deposit and item."""
    with db.transaction() as session:
        facts = asking.asked(session, shop, assets=(("USDC", CHAIN),))
    deposit = day.deposit(shop.id, WEI, invoice=facts.invoice.id, asset="ETH")
    with db.transaction() as session:
        facts = asking.pay(session, facts, "0.00625", asset="ETH", deposit=deposit)
    address = bytes(facts.options[0].address)
    item = strays.put("wrong_asset", address, asset="ETH", units=WEI, deposit_id=deposit)
    assert item is not None
    return facts, deposit, item


def too_late(shop: Account, *amounts: str) -> tuple[Facts, list[str]]:
    """An invoice of 12.50 that takes nothing late, paid late; returns it with the deposits."""
    with db.transaction() as session:
        facts = asking.asked(session, shop, terms={"late_hours": 0})
        expire(session, facts)
    names = []
    for amount in amounts or ("12.5",):
        units = int(float(amount) * 10**6)
        names.append(day.deposit(shop.id, units, invoice=facts.invoice.id))
        with db.transaction() as session:
            facts = asking.pay(session, facts, amount, deposit=names[-1])
    return facts, names


def send_back(facts: Facts, deposit: str, to: bytes = SOMEBODY) -> Refund:
    with db.transaction() as session:
        return payment.send_back(session, facts.invoice.id, deposit, to_address=to, by=KEY)


def item_of(item: str) -> Item:
    with db.transaction() as session:
        return session.get_one(Item, item)


def shape(facts: Facts) -> InvoiceShape:
    with db.transaction() as session:
        return InvoiceShape.of(invoices.get(session, facts.invoice.id))


def sent() -> list[tuple[str, int, bytes]]:
    """Return every withdrawal that may still be paid: asset, units, place."""
    query = text(
        "select asset, amount, to_address from withdrawal"
        " where status not in ('rejected', 'cancelled', 'failed')"
    )
    with db.transaction() as session:
        return [(row.asset, int(row.amount), row.to_address) for row in session.execute(query)]


def ended(refund: Refund, status: str) -> None:
    """Let a refund's withdrawal end as those who end one do."""
    assert refund.withdrawal_id is not None
    with db.transaction() as session:
        if withdrawals.get(session, refund.withdrawal_id).status == "approved":
            withdrawals.cancel(session, refund.withdrawal_id)
        service.refund_ended(
            session, refund_id=refund.id, withdrawal_id=refund.withdrawal_id, status=status
        )


def accept_item(item: str) -> None:
    def settle(session: Any, invoice: str, deposit: str) -> None:
        invoices.accept(session, invoice, payment=deposit, by=KEY)

    with db.transaction() as session:
        decide.accept(session, item, by=KEY, reason=None, settle_invoice=settle)


def accept_late(facts: Facts) -> None:
    with db.transaction() as session:
        invoices.accept(session, facts.invoice.id, by=KEY)


def test_the_wrong_asset_goes_back_as_it_came_and_settles_its_item(shop: Account) -> None:
    facts, deposit, item = wrong_asset(shop)
    assert shape(facts).payments[0]["unsettled"] == "wrong_asset"
    made = send_back(facts, deposit)
    assert sent() == [("ETH", WEI, SOMEBODY)]
    assert (made.deposit_id, int(made.currency_amount), made.rate) == (deposit, 0, None)
    assert (item_of(item).status, item_of(item).withdrawal_id) == ("refunded", made.withdrawal_id)
    shown = shape(facts).payments[0]
    assert (shown["refund"], shown["unsettled"]) == (made.id, None)
    assert refusal(send_back, facts, deposit, ELSEWHERE) == "wrong_state"
    assert refusal(accept_item, item) == "wrong_state"
    with db.transaction() as session:
        service.refund_ended(
            session, refund_id=made.id, withdrawal_id=str(made.withdrawal_id), status="confirmed"
        )
    assert (item_of(item).status, shape(facts).payments[0]["refund"]) == ("refunded", made.id)


def test_what_did_not_arrive_waits_again(shop: Account) -> None:
    facts, deposit, item = wrong_asset(shop)
    first = send_back(facts, deposit)
    ended(first, "cancelled")
    ended(first, "cancelled")
    assert (item_of(item).status, item_of(item).withdrawal_id) == ("open", None)
    assert shape(facts).payments[0]["refund"] is None
    second = send_back(facts, deposit, ELSEWHERE)
    assert (item_of(item).withdrawal_id, sent()) == (
        second.withdrawal_id,
        [("ETH", WEI, ELSEWHERE)],
    )


def test_late_money_goes_back_and_is_no_money_of_the_invoice_then(shop: Account) -> None:
    facts, (deposit,) = too_late(shop)
    assert (shape(facts).late_action, shape(facts).payments[0]["unsettled"]) == (
        "review",
        "too_late",
    )
    made = send_back(facts, deposit)
    assert sent() == [("USDC", 12_500_000, SOMEBODY)]
    assert (int(made.currency_amount), str(made.rate)) == (1250, "1")
    gone = shape(facts)
    assert (gone.late_action, gone.amount_paid, gone.amount_due) == (None, "0.00", "12.50")
    assert refusal(accept_late, facts) == "nothing_to_accept"
    assert refusal(back, facts) == "nothing_to_refund"
    ended(made, "cancelled")
    assert shape(facts).late_action == "review"
    accept_late(facts)
    assert shape(facts).status == "paid"
    assert refusal(send_back, facts, deposit) == "payment_settles"


def test_one_of_two_goes_back_and_the_other_may_be_accepted(shop: Account) -> None:
    facts, (first, _) = too_late(shop, "12.5", "12.5")
    send_back(facts, first)
    accept_late(facts)
    paid = shape(facts)
    assert (paid.status, paid.paid_state, paid.amount_paid) == ("paid", "exact", "12.50")


def test_never_more_than_came_goes_back(shop: Account) -> None:
    facts, (deposit,) = too_late(shop)
    back(facts, amount="5")
    assert refusal(send_back, facts, deposit) == "refund_exceeds_payment"
    with db.transaction() as session:
        paid = asking.asked(session, shop)
        asking.pay(session, paid, "12.5", "confirming", deposit="dep_soon")
        asking.pay(session, facts, "1", "confirming", deposit="dep_late")
    assert refusal(send_back, paid, "dep_soon") == "not_final"
    assert refusal(send_back, facts, "dep_late") == "not_final"
    assert refusal(send_back, facts, "dep_nothing") == "not_found"
    assert refusal(send_back, paid, deposit) == "not_found"


def test_what_policy_refuses_at_once_waits_again(
    shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.policy import rules as policy

    facts, deposit, item = wrong_asset(shop)
    monkeypatch.setattr(policy, "judge", lambda *_: policy.Refuse("listed"))
    assert send_back(facts, deposit).status == "rejected"
    assert (item_of(item).status, shape(facts).payments[0]["refund"]) == ("open", None)


def test_money_for_a_void_invoice_is_told_when_it_is_final_and_goes_back(shop: Account) -> None:
    with db.transaction() as session:
        facts = asking.asked(session, shop)
        invoices.void(session, facts.invoice.id)
        asking.pay(session, facts, "12.5", "confirming", deposit="dep_void")
        assert asking.told(session, facts) == []
        for _ in range(2):
            asking.pay(session, facts, "12.5", deposit="dep_void")
        assert asking.told(session, facts) == ["invoice.paid_after_void"]
        told = session.execute(
            text("select data, account_id from event where type = 'invoice.paid_after_void'")
        ).one()
    assert (told.account_id, told.data["status"], told.data["payment"]) == (
        shop.id,
        "void",
        "dep_void",
    )
    assert told.data["payments"][0]["unsettled"] == "void"
    send_back(facts, "dep_void")
    assert sent() == [("USDC", 12_500_000, SOMEBODY)]


def attempts(facts: Facts, deposit: str, item: str) -> list[Callable[[], object]]:
    """Everything somebody may decide about a payment in the wrong asset."""

    def operator() -> None:
        with db.transaction() as session:
            inbox_refund.refund(
                session, item, to_address=ELSEWHERE, amount=None, by="key_house", reason=None
            )

    def dismiss() -> None:
        with db.transaction() as session:
            decide.dismiss(session, item, by="key_house", reason="no")

    return [
        lambda: send_back(facts, deposit),
        operator,
        lambda: accept_item(item),
        dismiss,
    ]


def test_of_many_decisions_at_once_one_moves_the_money(shop: Account) -> None:
    facts, deposit, item = wrong_asset(shop)
    choices = attempts(facts, deposit, item)

    def decide_one(number: int) -> str:
        try:
            choices[number % len(choices)]()
        except GatewayError as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(decide_one, range(RACERS)))
    assert set(answers) <= {"done", "wrong_state"}
    accepted = item_of(item).status == "accepted"
    assert len(sent()) == (0 if accepted else 1)
    assert (shape(facts).status == "paid") == accepted


def test_late_money_is_accepted_or_sent_back_and_never_both(shop: Account) -> None:
    facts, (deposit,) = too_late(shop)
    choices: list[Callable[[], object]] = [
        lambda: send_back(facts, deposit),
        lambda: accept_late(facts),
        lambda: back(facts),
    ]

    def decide_one(number: int) -> None:
        try:
            choices[number % len(choices)]()
        except GatewayError as refused:
            assert refused.code in {  # noqa: PT017 - which of them depends on who was first
                "wrong_state",
                "payment_settles",
                "nothing_to_accept",
                "nothing_to_refund",
                "refund_exceeds_payment",
            }

    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(decide_one, range(RACERS)))
    assert len(sent()) <= 1
    with db.transaction() as session:
        whole = session.query(Refund).filter(Refund.deposit_id == deposit).count()
    assert not (whole and shape(facts).status == "paid")
