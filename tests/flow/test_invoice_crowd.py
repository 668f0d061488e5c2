"""Two hundred payers of one invoice at once: nothing is lost, and each change is told once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.invoices import service
from gateway.invoices.facts import Facts, InvoiceShape
from gateway.ledger import service as ledger
from tests import asking
from tests.flow.books import USDC, assert_proofs_are_empty, fund
from tests.flow.lateness import KEY

PAYERS = 200
MOVING = 40
THREADS = 24
DOLLAR = 10**6


@pytest.fixture
def shop(database: str, redis_url: str) -> str:
    """A committed merchant on a chain whose blocks come as they are paid."""
    with db.transaction() as session:
        asking.add_chain(session)
        return asking.merchant(session).id


def opened(shop: str, amount: str, **own: int) -> Facts:
    with db.transaction() as session:
        return asking.asked(session, accounts.get(session, shop), amount, terms=own)


def at_once(*calls: Callable[[], object]) -> None:
    """Make calls side by side; fails as the first that fails."""
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


def payer(facts: Facts, number: int, status: str) -> Callable[[], None]:
    """Return a call that pays one dollar, booked before the invoice hears of it as deposits are."""

    def pay() -> None:
        with db.transaction() as session:
            if status == "credited":
                fund(session, facts.invoice.account_id, DOLLAR, key=str(number))
            asking.pay(session, facts, "1", status, deposit=f"dep_{number}")

    return pay


def look(facts: Facts) -> tuple[InvoiceShape, list[str], int]:
    """Return the invoice, its events, and what its merchant has."""
    with db.transaction() as session:
        assert_proofs_are_empty(session)
        shape = InvoiceShape.of(service.get(session, facts.invoice.id))
        there = ledger.balance(session, facts.invoice.account_id, USDC).available
        return shape, asking.told(session, facts), there.units


def test_two_hundred_payers_at_once_are_all_counted(shop: str) -> None:
    facts = opened(shop, "150")
    at_once(*(payer(facts, n, "credited") for n in range(PAYERS)))
    paid, told, there = look(facts)
    assert (paid.status, paid.amount_credited, paid.amount_over) == ("paid", "200.00", "50.00")
    assert told == ["invoice.partially_paid", "invoice.paid", "invoice.overpaid"]
    assert len(paid.payments) == PAYERS
    assert there == PAYERS * DOLLAR


def test_payers_the_clock_and_a_merchant_who_accepts_do_not_get_in_each_others_way(
    shop: str,
) -> None:
    facts = opened(shop, "30", late_hours=0)
    over = datetime.now(UTC) - timedelta(minutes=1)
    with db.transaction() as session:
        session.execute(text("update invoice set expires_at = :over"), {"over": over})
        asking.pay(session, facts, "1", deposit="dep_first")

    def clock() -> None:
        with db.transaction() as session:
            service.expire_due(session)

    def merchant() -> None:
        with db.transaction() as session:
            service.accept(session, facts.invoice.id, by=KEY)

    payers = [payer(facts, n, "credited") for n in range(59)]
    at_once(*(call for pay in payers for call in (pay, clock, merchant)))
    merchant()
    paid, told, there = look(facts)
    assert (paid.status, paid.late, paid.late_action) == ("paid", True, None)
    assert paid.amount_credited == "60.00"
    assert there == 59 * DOLLAR
    assert told.count("invoice.paid") == 1
    assert told.count("invoice.paid_late") == 1
    assert told.count("invoice.overpaid") == 1
    assert "invoice.payment_reverted" not in told
    with db.transaction() as session:
        accepted = session.execute(
            text("select count(*) from journal where action = 'payment.accepted'")
        ).scalar_one()
    assert accepted == 60


def test_some_leave_the_chain_while_others_come(shop: str) -> None:
    facts = opened(shop, str(MOVING))
    with db.transaction() as session:
        for number in range(MOVING):
            asking.pay(session, facts, "1", deposit=f"gone_{number}")

    def reverse(number: int) -> Callable[[], None]:
        def turn() -> None:
            with db.transaction() as session:
                asking.pay(session, facts, "1", "reversed", deposit=f"gone_{number}")

        return turn

    coming = [payer(facts, n, "credited") for n in range(MOVING)]
    going = [reverse(n) for n in range(MOVING)]
    at_once(*(call for both in zip(coming, going, strict=True) for call in both))
    paid, told, there = look(facts)
    assert (paid.status, paid.paid_state, paid.amount_credited) == ("paid", "exact", f"{MOVING}.00")
    assert paid.reverted_at is None
    assert told.count("invoice.payment_reverted") == MOVING
    assert there == MOVING * DOLLAR
