"""The report adds up to the ledger, and a day that is closed stays as it is."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from sqlalchemy import text

from gateway import bell, db
from gateway.errors import Refused
from gateway.settlement import close, report, rules
from gateway.settlement.report import as_csv
from gateway.settlement.shapes import Report
from gateway.settlement.store import Settlement
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

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quiet(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "send", lambda *_: None)
    monkeypatch.setattr(bell, "speak", lambda _: None)
    open_chain()
    read_to(2, NOON)


@pytest.fixture
def shop() -> str:
    return open_shop()


def made(owner: str | None = None, since: str | None = None, until: str | None = None) -> Report:
    start, end = rules.span(since, until)
    with db.snapshot() as session:
        return report.report(session, owner=owner, since=start, until=end)


def close_one(now: datetime) -> date | None:
    with db.transaction() as session:
        return close.close_next_day(session, now)


def test_a_movement_is_one_row_with_every_fact(shop: str) -> None:
    invoice = invoice_for(shop, "=1+1")
    arrived = deposit(shop, 12_345_678, invoice=invoice)
    left = withdraw(shop, 2_000_000, 150_000)
    first, second = made(shop).data
    assert (first.type, first.id, first.invoice, first.order_id) == (
        "deposit", arrived, invoice, "=1+1",
    )  # fmt: skip
    assert (first.gross, first.fee, first.net) == ("12.345678", "0.00", "12.345678")
    assert (first.rate, first.quote_currency, first.quote_amount) == ("1.0025", "USD", "12.38")
    assert (first.rate_source, first.rate_at is not None) == ("test", True)
    assert (first.block_number, first.log_index, first.balance_after) == (1, 7, "12.345678")
    assert first.block_hash is not None
    assert (second.type, second.id, second.invoice, second.rate) == ("withdrawal", left, None, None)
    assert (second.gross, second.fee, second.net) == ("-2.00", "-0.15", "-2.15")
    assert second.balance_after == "10.195678"


def test_totals_are_the_change_of_the_ledger_s_balances(shop: str) -> None:
    other = open_shop("other", "person")
    date_all(deposit(shop, 7_000_000), NOON)
    for movement in (
        deposit(shop, 5_000_000),
        withdraw(shop, 1_000_000, 10_000),
        withdraw(shop, 500_000, 10_000, paid=False),
        transfer(shop, other, "3.00"),
    ):
        date_all(movement, NOON + timedelta(days=1))
    date_all(deposit(shop, 1), NOON + timedelta(days=2))
    mine = {total.asset: total for total in made(shop, "2026-11-21", "2026-11-22").totals}["USDC"]
    assert (mine.opening_balance, mine.closing_balance) == ("7.00", "7.99")
    assert (mine.gross, mine.fee, mine.net, mine.count) == ("1.00", "-0.01", "0.99", 3)
    every = {total.asset: total for total in made(None).totals}["USDC"]
    assert (every.opening_balance, every.closing_balance) == ("0.00", "10.990001")
    assert every.net == "10.990001"
    left = {row.account: row.balance_after for row in made().data}
    assert left == {shop: "7.990001", other: "3.00"}, "of several accounts each row names its own"


def test_a_range_takes_its_start_and_leaves_its_end(shop: str) -> None:
    date_all(deposit(shop, 1), MIDNIGHT)
    date_all(deposit(shop, 2), MIDNIGHT - timedelta(microseconds=1))
    assert [row.net for row in made(shop, "2026-11-21", "2026-11-22").data] == ["0.000001"]
    assert [row.net for row in made(shop, "2026-11-20", "2026-11-21").data] == ["0.000002"]
    assert len(made(shop, None, "2026-11-21T00:00:00.000001Z").data) == 2


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("yesterday", None),
        ("2026-11-21T00:00:00", None),
        ("2026-13-01", None),
        ("2026-11-22", "2026-11-21"),
        (None, "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_range_that_is_none_is_refused(since: str | None, until: str | None) -> None:
    with pytest.raises(Refused):
        rules.span(since, until)


def test_too_long_a_report_is_refused_clearly(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "ROWS_MAX", 1)
    deposit(shop, 1)
    made(shop)
    deposit(shop, 1)
    with pytest.raises(Refused, match="more than 1 movements"):
        made(shop)


def test_the_csv_adds_up_and_runs_no_formula(shop: str) -> None:
    for order in ("=cmd", "+1", "-1", "@x", "\tx", "plain", 'with "quotes", commas\nand lines'):
        deposit(shop, 1_000_001, invoice=invoice_for(shop, order))
    withdraw(shop, 1, 1)
    document = as_csv(made(shop))
    rows = list(csv.DictReader(io.StringIO(document, newline="")))
    assert tuple(rows[0]) == rules.COLUMNS
    assert sum(Decimal(row["net"]) for row in rows) == Decimal("7.000005")
    assert rows[-1]["gross"] == "-0.000001"
    orders = [row["order_id"] for row in rows[:-1]]
    assert orders[:5] == ["'=cmd", "'+1", "'-1", "'@x", "'\tx"]
    assert orders[5:] == ["plain", 'with "quotes", commas\nand lines']


def test_a_withdrawal_cut_by_midnight_still_adds_up(shop: str) -> None:
    deposit(shop, 10_000_000)
    left = withdraw(shop, 2_000_000, 100_000)
    date_all(left, MIDNIGHT - timedelta(microseconds=1))
    with db.transaction() as session:
        session.execute(text("alter table ledger.transfer disable trigger append_only"))
        session.execute(
            text("update ledger.transfer set created_at = :at where ref = :ref and code = 5"),
            {"at": MIDNIGHT, "ref": left},
        )
    (before,) = made(shop, "2026-11-20", "2026-11-21").data
    (after, _) = made(shop, "2026-11-21").data
    assert (before.gross, before.fee) == ("-2.00", "0.00")
    assert (after.type, after.gross, after.fee) == ("withdrawal", "0.00", "-0.10")


def test_a_day_closes_when_its_last_block_is_final(shop: str) -> None:
    date_all(deposit(shop, 5_000_000), NOON)
    assert close_one(MIDNIGHT - timedelta(seconds=1)) is None
    read_to(9, MIDNIGHT + timedelta(seconds=1))  # final: block 7, still of the day before
    assert close_one(MIDNIGHT + timedelta(minutes=1)) is None
    read_to(12, MIDNIGHT + timedelta(seconds=4))
    assert close_one(MIDNIGHT + timedelta(minutes=1)) == DAY
    assert close_one(MIDNIGHT + timedelta(minutes=1)) is None
    with db.transaction() as session:
        (row,) = session.query(Settlement)
        assert [int(row.closing_balance), int(row.gross), row.count] == [5_000_000, 5_000_000, 1]
        (event,) = session.scalars(text("select data from event where type = 'settlement.closed'"))
    assert (event["date"], event["account"]) == ("2026-11-20", shop)
    assert event["data"][0]["status"] == "closed"
    assert event["data"][0]["closing_balance"] == "5.00"


def test_days_follow_each_other_and_columns_add_up(shop: str) -> None:
    other = open_shop("other")
    date_all(deposit(shop, 9_000_000), NOON)
    date_all(withdraw(shop, 1_000_000, 10_000), NOON)
    date_all(transfer(shop, other, "2.00"), NOON + timedelta(days=2))
    read_to(20, NOON + timedelta(days=5))
    for _ in range(3):
        assert close_one(NOON + timedelta(days=4))
    with db.transaction() as session:
        rows = session.query(Settlement).order_by(Settlement.id).all()
    mine = [row for row in rows if row.account_id == shop]
    assert [row.date.day for row in mine] == [20, 21, 22]
    for row in rows:
        assert row.net == row.gross + row.fees + row.refunds
        assert row.closing_balance == row.opening_balance + row.net + row.payouts
    for earlier, later in pairwise(mine):
        assert later.opening_balance == earlier.closing_balance
    assert [int(mine[0].fees), int(mine[0].payouts), mine[0].count] == [-10_000, -1_000_000, 2]
    assert mine[2].payouts == -2_000_000
    assert [row.gross for row in rows if row.account_id == other] == [2_000_000]


def test_a_day_waits_for_a_transaction_that_may_still_post_into_it(shop: str) -> None:
    date_all(deposit(shop, 1), NOON)
    read_to(20, MIDNIGHT + timedelta(hours=1))
    with db.new_session() as slow:
        slow.execute(text("select pg_current_xact_id()"))
        assert close_one(MIDNIGHT + timedelta(minutes=1)) is None
        assert close_one(MIDNIGHT + timedelta(minutes=1)) is None
        slow.rollback()
    assert close_one(MIDNIGHT + timedelta(minutes=1)) == DAY


def test_a_day_that_cannot_close_raises_an_alarm(shop: str) -> None:
    date_all(deposit(shop, 1), NOON)
    assert close_one(MIDNIGHT + timedelta(hours=3)) is None
    with db.transaction() as session:
        assert session.scalar(text("select kind from alarm")) == "settlement_late"


def test_a_back_dated_movement_stops_the_next_close(shop: str) -> None:
    date_all(deposit(shop, 5), NOON)
    read_to(20, NOON + timedelta(days=5))
    close_one(MIDNIGHT + timedelta(minutes=1))
    assert close_one(MIDNIGHT + timedelta(minutes=1)) is None
    date_all(deposit(shop, 7), NOON)
    assert close_one(MIDNIGHT + timedelta(days=2)) is None
    with db.transaction() as session:
        assert session.scalar(text("select kind from alarm")) == "settlement_broken"
        assert session.scalar(text("select count(*) from settlement")) == 1


def test_an_open_day_is_computed_now(shop: str) -> None:
    deposit(shop, 5_000_000)
    with db.transaction() as session:
        (today,) = close.open_days(session)
        (row,) = close.live(session, today, shop)
    assert int(row.gross) == 5_000_000
    assert row.id.startswith(f"set_{today:%Y%m%d}_{shop}")
