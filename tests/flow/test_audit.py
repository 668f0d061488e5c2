"""The invariants: true books have no finding, each lie has one, a node away is no lie."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from gateway import bell, db
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.settlement import audit
from tests.chain.money_out import role
from tests.flow.books import CHAIN, USDC
from tests.flow.day import (
    date_all,
    deposit,
    invoice_for,
    open_chain,
    open_shop,
    read_to,
    transfer,
    withdraw,
)
from workers.audit import audit as audit_worker

YESTERDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def business(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A merchant with some of everything, all of it true."""
    monkeypatch.setattr(bell, "send", lambda *_: None)
    monkeypatch.setattr(bell, "speak", lambda _: None)
    open_chain()
    read_to(5, datetime.now(UTC))
    shop, person = open_shop(), open_shop("amira", "person")
    deposit(shop, 9_000_000, invoice=invoice_for(shop, "=order"))
    deposit(person, 4_000_000)
    transfer(person, shop, "1.50")
    withdraw(shop, 2_000_000, 10_000)
    withdraw(shop, 1_000_000, 10_000, paid=False)
    return shop


def breaches() -> list[str]:
    with db.snapshot() as session:
        return [finding.check for finding in audit.audit(session) if finding.is_breach]


def lie(statement: str) -> None:
    """Change the books behind the back of every guard."""
    with db.transaction() as session:
        session.execute(text("set local session_replication_role = replica"))
        session.execute(text(statement))


def test_true_books_have_no_finding() -> None:
    assert breaches() == []


OF_APPROVED = "where status = 'approved'"
ALL_FAILED = "update withdrawal set status = 'failed' where status = 'confirmed'"


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("update ledger.entry set amount = amount + 1 where version = 1", "ledger.chain"),
        ("update ledger.account set credits_posted = credits_posted + 1", "ledger.zero"),
        ("update ledger.hold set remaining = remaining + 1 where not resolved", "ledger.holds"),
        ("update deposit set status = 'orphaned'", "deposits.credited"),
        ("update deposit set amount = amount + 1", "deposits.credited"),
        ("delete from deposit", "deposits.credited"),
        (f"update withdrawal set fee = fee + 1 {OF_APPROVED}", "withdrawals.held"),
        (f"update withdrawal set status = 'cancelled' {OF_APPROVED}", "withdrawals.held"),
        (ALL_FAILED, "withdrawals.confirmed"),
        ("update transfer set amount = amount - 1", "transfers.posted"),
        ("update unswept set units = units + 1", "sweeps.unswept"),
        ("delete from unswept", "sweeps.custody"),
        ("update ledger.entry set amount = amount + 1 where version = 1", "report.totals"),
    ],
)  # fmt: skip
def test_every_lie_is_found(statement: str, check: str) -> None:
    lie(statement)
    assert check in breaches()


def test_a_closed_day_that_was_changed_is_found() -> None:
    from gateway.settlement import close

    date_all(deposit(open_shop("early"), 5), YESTERDAY)
    read_to(9, datetime.now(UTC))
    with db.transaction() as session:
        assert close.close_next_day(session)
    assert breaches() == []
    lie("update settlement set gross = gross + 1, net = net + 1, payouts = payouts - 1")
    assert breaches() == ["settlement.closed"]


def test_a_deposit_the_ledger_never_heard_of_is_found(business: str) -> None:
    with db.transaction() as session:
        ledger.post(
            session,
            key="behind our back",
            debit=ledger.house(session, Chart.UNSWEPT, USDC, CHAIN),
            credit=ledger.owned(session, business, USDC),
            money=Money(1, USDC),
            movement=Movement.DEPOSIT,
            ref="dep_nowhere",
        )
    assert breaches() == ["deposits.credited", "sweeps.custody"]


def test_the_worker_raises_one_alarm_a_breach_and_none_for_a_node_away() -> None:
    lie("update transfer set amount = amount - 1")
    audit_worker()
    audit_worker()
    with db.transaction() as session:
        alarms = session.execute(text("select kind, subject from alarm")).all()
        (away,) = audit.audit_chain(session)
    assert [tuple(row) for row in alarms] == [("audit.transfers.posted", "books")]
    assert away.away
    assert not away.is_breach


def test_each_process_s_own_role_is_enough(business: str) -> None:
    from gateway.settlement import close, report, rules
    from workers.close import close as close_worker
    from workers.deliver import deliver as deliver_worker

    date_all(deposit(open_shop("early"), 5), YESTERDAY)
    read_to(9, datetime.now(UTC))
    with role("mizan_worker"):
        close_worker()
        audit_worker()
        deliver_worker()
    with role("mizan_api"), db.snapshot() as session:
        assert session.scalar(text("select count(*) from settlement")) > 0
        assert session.scalar(text("select count(*) from alarm")) == 0
        start, end = rules.span(None, None)
        assert report.report(session, owner=business, since=start, until=end).data
        assert close.open_days(session)
