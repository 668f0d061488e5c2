"""Payouts and their schedules over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api import world
from tests.api.conftest import Client
from tests.api.test_accounts import problem
from tests.api.test_contract_shapes import check, rows
from tests.api.world import World

PAYOUT = (
    "account asset chain address_entry to_address amount? fee? status waiting_reason? schedule?"
    " due_at? withdrawal? tx_hash? created_at ended_at?"
)
SCHEDULE = "account asset chain address_entry every day hour minimum keep_reserve active next_at?"


@pytest.fixture
def made(http: TestClient) -> World:
    return world.build()


@pytest.fixture
def shop(http: TestClient, made: World) -> Client:
    return Client(http, made.merchant_key, made.merchant)


def put(client: Client, body: Any) -> Any:
    return client.http.put("/v1/payout_schedules", json=body, headers=client.headers())


def test_a_payout_is_asked_for_shown_and_listed(shop: Client, made: World) -> None:
    body = {"asset": "USDC", "address_entry": made.entries[0], "amount": "1.50"}
    answer = check(shop.post("/v1/payouts", body, key="once"), 201, "po", PAYOUT)
    assert (answer["status"], answer["amount"], answer["schedule"]) == ("pending", "1.50", None)
    assert shop.post("/v1/payouts", body, key="once").json() == answer
    assert check(shop.get(f"/v1/payouts/{answer['id']}"), 200, "po", PAYOUT) == answer
    assert [row["asset"] for row in rows(shop.get("/v1/payouts"), PAYOUT, "po")] == ["USDC", "ETH"]
    (found,) = rows(shop.get("/v1/payouts", asset="ETH", status="pending"), PAYOUT, "po")
    assert found["id"] == made.payout
    carrier = shop.get(f"/v1/withdrawals/{answer['withdrawal']}").json()
    assert (carrier["to_address"], carrier["amount"]) == (answer["to_address"], "1.50")
    shop.post(f"/v1/withdrawals/{answer['withdrawal']}/cancel")
    assert shop.get(f"/v1/payouts/{answer['id']}").json()["status"] == "cancelled"


def test_money_goes_out_only_with_a_key_and_to_the_own_book(shop: Client, made: World) -> None:
    body = {"asset": "USDC", "address_entry": made.entries[0], "amount": "1"}
    problem(
        shop.http.post("/v1/payouts", json=body, headers=shop.headers()),
        400,
        "idempotency_key_required",
    )
    for wrong in ({"address_entry": made.entries[1]}, {"address_entry": "\x00"}):
        answer = shop.post("/v1/payouts", body | wrong)
        assert answer.status_code == 422
        assert answer.json()["code"] in ("address_not_in_book", "invalid_request")
    problem(shop.post("/v1/payouts", body | {"asset": "DOGE"}), 422, "unknown_asset")
    problem(shop.post("/v1/payouts", body | {"amount": "0"}), 422, "invalid_amount")
    problem(shop.post("/v1/payouts", body | {"account": "@amira"}), 404, "not_found")


def test_nobody_sees_anothers_payouts(http: TestClient, made: World) -> None:
    other = Client(http, made.person_key, made.person)
    problem(other.get(f"/v1/payouts/{made.payout}"), 404, "not_found")
    for path in ("/v1/payouts", "/v1/payout_schedules"):
        assert other.get(path).json()["data"] == []


def test_a_schedule_is_set_and_set_again(shop: Client, made: World) -> None:
    body = {
        "asset": "USDC",
        "address_entry": made.entries[0],
        "every": "week",
        "day": 5,
        "hour": 6,
        "minimum": "50",
        "keep_reserve": "0",
    }
    first = check(put(shop, body), 200, "psc", SCHEDULE)
    assert (first["minimum"], first["keep_reserve"], first["active"]) == ("50.00", "0.00", True)
    assert "T06:00:00" in first["next_at"]
    off = put(shop, body | {"active": False, "minimum": "0.00"}).json()
    assert (off["id"], off["next_at"], off["minimum"]) == (first["id"], None, "0.00")
    found = rows(shop.get("/v1/payout_schedules"), SCHEDULE, "psc")
    assert [row["asset"] for row in found] == ["USDC", "ETH"]


def test_a_schedule_that_cannot_be_is_refused(shop: Client, made: World) -> None:
    body = {"asset": "USDC", "address_entry": made.entries[0], "every": "week", "hour": 6}
    for change, code in (
        ({"day": 8}, "invalid_day"),
        ({"every": "month", "day": 29}, "invalid_request"),
        ({"hour": 24}, "invalid_request"),
        ({"every": "year"}, "invalid_request"),
        ({"minimum": "-1"}, "invalid_request"),
        ({"minimum": "0.0000001"}, "invalid_amount"),
        ({"address_entry": "adr_none"}, "address_not_in_book"),
        ({"asset": "DOGE"}, "unknown_asset"),
    ):
        problem(put(shop, body | change), 422, code)
    assert [row["asset"] for row in rows(shop.get("/v1/payout_schedules"), SCHEDULE)] == ["ETH"]
