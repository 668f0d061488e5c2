"""Every list: limit, cursor, newest first, filters, and whose rows are in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api import world
from tests.api.conftest import Client
from tests.api.test_accounts import problem
from tests.api.world import World
from tests.flow.books import CHAIN

LISTS = (
    "/v1/accounts",
    "/v1/accounts/@falafel-corner/entries",
    "/v1/accounts/@falafel-corner/api_keys",
    "/v1/deposits",
    "/v1/transfers",
    "/v1/withdrawals",
    "/v1/invoices",
    "/v1/payment_links",
    "/v1/webhook_endpoints",
    "/v1/events",
    "/v1/alarms",
    "/v1/inbox",
    "/v1/settlements",
    "/v1/payouts",
    "/v1/payout_schedules",
)


@pytest.fixture
def made(http: TestClient) -> World:
    return world.build()


@pytest.fixture
def house(http: TestClient, made: World) -> Client:
    return Client(http, made.operator_key)


@pytest.fixture
def shop(http: TestClient, made: World) -> Client:
    return Client(http, made.merchant_key, made.merchant)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"data", "has_more"}
    return [row["id"] for row in body["data"]]


def test_limit_and_cursor_are_checked_everywhere(house: Client, made: World) -> None:
    for path in (*LISTS, f"/v1/webhook_endpoints/{made.endpoint}/deliveries"):
        for limit in ("0", "101", "-1", "1.5", "x", ""):
            problem(house.get(path, limit=limit), 422, "invalid_request")
        assert house.get(path, limit=100).status_code == 200
        for cursor in ("nothing", "acct_00000000000000000000000000", "\x00", "é" * 80):
            answer = house.get(path, starting_after=cursor)
            assert answer.status_code == 422, (path, cursor, answer.text)


def test_pages_join_to_the_whole_newest_first(house: Client, made: World) -> None:
    for path in (*LISTS, f"/v1/webhook_endpoints/{made.endpoint}/deliveries"):
        whole = ids(house.get(path, limit=100))
        assert whole, path
        seen: list[str] = []
        more = True
        while more:
            cursor = {"starting_after": seen[-1]} if seen else {}
            answer = house.get(path, limit=1, **cursor)
            seen += ids(answer)
            more = answer.json()["has_more"]
        assert seen == whole, path
        if "entries" not in path and "settlements" not in path:
            assert whole == sorted(whole, reverse=True), path


def test_a_range_of_time_is_inclusive_then_exclusive(house: Client, made: World) -> None:
    for path in ("/v1/accounts", "/v1/invoices", "/v1/deposits", "/v1/withdrawals", "/v1/events"):
        row = house.get(path).json()["data"][-1]
        at = row.get("created_at") or row["detected_at"]
        assert row["id"] in ids(house.get(path, created_from=at, limit=100))
        assert row["id"] not in ids(house.get(path, created_to=at, limit=100))
        later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert ids(house.get(path, created_from=later)) == []
        for wrong in ("0", "now", "2026-01-31", "2026-01-31T00:00:00", "2026-02-30T00:00:00Z"):
            problem(house.get(path, created_from=wrong), 422, "invalid_request")


@pytest.mark.parametrize(
    ("path", "filters"),
    [
        ("/v1/accounts", {"status": "active", "kind": "merchant"}),
        ("/v1/deposits", {"status": "credited", "asset": "USDC", "chain": CHAIN}),
        ("/v1/transfers", {"asset": "USDC"}),
        ("/v1/withdrawals", {"status": "held", "asset": "USDC", "chain": CHAIN}),
        ("/v1/invoices", {"status": "open", "asset": "USDC", "chain": CHAIN, "order_id": "1042"}),
        ("/v1/payment_links", {"active": "true"}),
        ("/v1/events", {"type": "invoice.paid"}),
        ("/v1/alarms", {"kind": "books_differ"}),
        ("/v1/inbox", {"status": "open", "kind": "set_aside", "chain": CHAIN}),
    ],
)
def test_a_filter_keeps_what_it_names(house: Client, path: str, filters: dict[str, str]) -> None:
    assert ids(house.get(path, **filters))
    for name, value in filters.items():
        found = house.get(path, limit=100, **{name: value}).json()["data"]
        for row in found:
            if name in row:
                assert row[name] in (value, value == "true")
        other = {"status": "no", "kind": "no", "active": "no way"}.get(name, "none-such")
        answer = house.get(path, **{name: other})
        assert answer.status_code == 422 or ids(answer) == []


def test_an_account_sees_its_own(house: Client, shop: Client, made: World) -> None:
    for path in ("/v1/deposits", "/v1/withdrawals", "/v1/invoices"):
        mine = shop.get(path, limit=100).json()["data"]
        assert {row["account"] for row in mine} == {made.merchant}
        assert ids(shop.get(path, account=made.merchant, limit=100)) == [row["id"] for row in mine]
        assert ids(house.get(path, account=made.merchant, limit=100)) == [r["id"] for r in mine]
        problem(shop.get(path, account=made.person), 404, "not_found")
    assert ids(shop.get("/v1/accounts")) == [made.merchant]
    for event in shop.get("/v1/events", limit=100).json()["data"]:
        assert made.person not in str({k: v for k, v in event["data"].items() if k == "account"})
