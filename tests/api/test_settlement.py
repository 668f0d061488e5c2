"""Report, closed days, reconciliation and trace over HTTP."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from gateway import db
from gateway.settlement import close, rules
from tests.api.conftest import Client, Make
from tests.flow.day import date_all, deposit, open_chain, read_to, transfer, tx, withdraw

DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def shop(open_account: Make) -> Client:
    """A merchant with one closed day and some movements today."""
    open_chain()
    read_to(9, DAY + timedelta(days=1))
    made: Client = open_account("shop", "merchant")
    other: Client = open_account("other", "merchant")
    account = made.account_id or ""
    date_all(deposit(account, 9_000_000), DAY)
    with db.transaction() as session:
        assert close.close_next_day(session, DAY + timedelta(days=1))
    withdraw(account, 1_000_000, 10_000)
    transfer(account, other.account_id or "", "2.50")
    return made


def test_the_report_sums_in_json_and_in_csv(shop: Client) -> None:
    found = shop.get("/v1/reports/settlement").json()
    assert [row["type"] for row in found["data"]] == ["deposit", "withdrawal", "transfer"]
    assert tuple(found["data"][0]) == rules.COLUMNS
    total = next(total for total in found["totals"] if total["asset"] == "USDC")
    assert (total["opening_balance"], total["closing_balance"]) == ("0.00", "5.49")
    assert total["count"] == 3
    answer = shop.get("/v1/reports/settlement", format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert sum(Decimal(row["net"]) for row in rows) == Decimal("5.49")
    assert rows[-1]["balance_after"] == "5.49"
    half = shop.get("/v1/reports/settlement", **{"from": "2026-11-20", "to": "2026-11-21"}).json()
    assert len(half["data"]) == 1


def test_a_merchant_sees_itself_and_an_operator_everybody(
    shop: Client, operator: Client, open_account: Make
) -> None:
    other: Client = open_account("third", "merchant")
    assert other.get("/v1/reports/settlement").json()["data"] == []
    for path in ("/v1/reports/settlement", "/v1/settlements", "/v1/settlements/2026-11-20"):
        assert other.get(path, merchant=shop.account_id).status_code == 404
    assert len(operator.get("/v1/reports/settlement").json()["data"]) == 4
    mine = operator.get("/v1/reports/settlement", merchant="@shop").json()
    assert mine == shop.get("/v1/reports/settlement").json()


def test_a_bad_range_or_format_is_422(shop: Client) -> None:
    for query in ({"from": "x"}, {"format": "pdf"}, {"from": "2026-11-22", "to": "2026-11-21"}):
        assert shop.get("/v1/reports/settlement", **query).status_code == 422


def test_settlements_are_listed_open_days_first_by_any_page(shop: Client) -> None:
    today = datetime.now(UTC).date().isoformat()
    rows = shop.get("/v1/settlements", limit=100).json()["data"]
    assert (rows[0]["date"], rows[0]["status"]) == (today, "open")
    assert (rows[-1]["date"], rows[-1]["status"]) == ("2026-11-20", "closed")
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    for later, earlier in pairwise(rows):
        assert later["opening_balance"] == earlier["closing_balance"]
    assert (rows[0]["fees"], rows[0]["payouts"]) == ("-0.01", "-3.50")
    paged, cursor = [], None
    while True:
        query: dict[str, str] = {"starting_after": cursor} if cursor else {}
        page = shop.get("/v1/settlements", limit=2, **query).json()
        paged += page["data"]
        cursor = page["data"][-1]["id"]
        if not page["has_more"]:
            break
    assert paged == rows
    assert shop.get("/v1/settlements", starting_after="set_nowhere").status_code == 422


def test_a_day_is_found_by_its_date_and_a_future_one_is_not(shop: Client) -> None:
    day = shop.get("/v1/settlements/2026-11-20").json()
    assert (day["date"], day["status"]) == ("2026-11-20", "closed")
    (row,) = day["data"]
    assert (row["opening_balance"], row["closing_balance"]) == ("0.00", "9.00")
    assert row["gross"] == "9.00"
    today = datetime.now(UTC).date()
    assert shop.get(f"/v1/settlements/{today}").json()["status"] == "open"
    for name in (str(today + timedelta(days=1)), "2020-01-01", "yesterday", "9999-12-31"):
        assert shop.get(f"/v1/settlements/{name}").status_code == 404


def test_reconciliation_is_for_operators_and_424_without_a_node(
    shop: Client, operator: Client
) -> None:
    assert shop.get("/v1/reconciliation").status_code == 403
    assert operator.get("/v1/reconciliation").status_code == 424


def test_a_trace_shows_what_a_transaction_did_to_who_may_see_it(
    shop: Client, operator: Client, open_account: Make
) -> None:
    (row,) = shop.get("/v1/deposits").json()["data"]
    found = shop.get(f"/v1/trace/{row['tx_hash']}").json()
    assert (found["found"], found["chain"], found["block_number"]) == (True, "eip155:31337", 1)
    assert found["deposits"] == [row]
    assert [entry["amount"] for entry in found["entries"]] == ["9.00"]
    assert len(operator.get(f"/v1/trace/{row['tx_hash']}").json()["entries"]) == 2
    stranger: Client = open_account("third")
    hidden = stranger.get(f"/v1/trace/{row['tx_hash']}").json()
    assert (hidden["found"], hidden["deposits"], hidden["entries"]) == (False, [], [])
    assert "is away" in hidden["explanation"]
    withdrawal = next(r for r in shop.get("/v1/withdrawals").json()["data"])
    left = shop.get(f"/v1/trace/0x{tx(withdrawal['id']).hex()}").json()
    assert [row["id"] for row in left["withdrawals"]] == [withdrawal["id"]]
    assert shop.get("/v1/trace/0x12").status_code == 422
