"""The inbox over HTTP: what waits, for whom, and what an operator does about it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.settlement import audit
from tests.api import world
from tests.api.bodies import SOMEBODY
from tests.api.conftest import Client
from tests.api.test_accounts import problem
from tests.api.world import World
from tests.flow import day
from tests.flow.books import CHAIN


@pytest.fixture
def made(http: TestClient) -> World:
    return world.build()


@pytest.fixture
def house(http: TestClient, made: World) -> Client:
    return Client(http, made.operator_key)


@pytest.fixture
def shop(http: TestClient, made: World) -> Client:
    return Client(http, made.merchant_key, made.merchant)


def breaches() -> set[str]:
    """Return which truths of the books do not hold."""
    with db.snapshot() as session:
        return {found.check for found in audit.audit(session) if found.is_breach}


def of_kind(house: Client, kind: str) -> Any:
    return house.get("/v1/inbox", kind=kind).json()["data"][0]


def path(item: Any, action: str) -> str:
    return f"/v1/inbox/{item['id']}/{action}"


def test_it_is_for_operators(shop: Client, made: World) -> None:
    for answer in (
        shop.get("/v1/inbox"),
        shop.get(f"/v1/inbox/{made.items[0]}"),
        shop.post(f"/v1/inbox/{made.items[0]}/assign"),
        shop.post(f"/v1/inbox/{made.items[0]}/refund"),
        shop.post(f"/v1/inbox/{made.items[0]}/dismiss", {"reason": "mine"}),
    ):
        problem(answer, 403, "scope_missing")


def test_the_list_says_what_waits_and_why(house: Client, made: World) -> None:
    body = house.get("/v1/inbox").json()
    assert [row["id"] for row in body["data"]] == sorted(made.items, reverse=True)
    (spam,) = house.get("/v1/inbox", kind="unknown_token").json()["data"]
    assert (spam["transfers"], spam["units"], spam["asset"], spam["amount"]) == (
        2,
        "10000000",
        None,
        None,
    )
    assert spam["account"] == made.merchant
    assert spam["detail"] == "a token that is not listed here came to an address of ours"
    assert (spam["status"], spam["decided_by"], spam["decisions"]) == ("open", None, [])
    found = of_kind(house, "wrong_asset")
    assert (found["asset"], found["amount"], found["deposit"]) == ("USDC", "2000.00", made.deposit)


def test_filters_join(house: Client, made: World) -> None:
    mine = house.get("/v1/inbox", account="@amira").json()["data"]
    assert {row["account"] for row in mine} == {made.person}
    assert {row["kind"] for row in mine} == {"unattributed"}
    found = house.get("/v1/inbox", kind="unattributed", account=made.merchant).json()["data"]
    assert found == []
    assert house.get("/v1/inbox", chain="eip155:1").json()["data"] == []
    assert house.get("/v1/inbox", status="orphaned", chain=CHAIN).json()["data"] == []
    problem(house.get("/v1/inbox", account="@nobody"), 404, "not_found")


def test_one_item_shows_its_transfers(house: Client) -> None:
    spam = of_kind(house, "unknown_token")
    whole = house.get(f"/v1/inbox/{spam['id']}").json()
    assert {name: whole[name] for name in spam} == spam
    told = [(one["tx_hash"], one["units"], one["canonical"]) for one in whole["arrivals"]]
    hashes = sorted("0x" + day.tx(name).hex() for name in ("spam", "spam again"))
    assert sorted(told) == [(tx_hash, "5000000", True) for tx_hash in hashes]
    assert {one["from_address"] for one in whole["arrivals"]} == {spam["from_address"]}


def test_a_decision_says_who_and_why(house: Client, made: World) -> None:
    item = of_kind(house, "unattributed")
    body = {"account": "@falafel-corner", "reason": "their receipt"}
    found = house.post(path(item, "assign"), body)
    assert found.status_code == 200, found.text
    with db.transaction() as session:
        key = session.execute(
            text("select id from api_key where account_id is null order by id limit 1")
        ).scalar_one()
    (decision,) = found.json()["decisions"]
    assert (decision["decision"], decision["by"], decision["reason"]) == (
        "assigned",
        key,
        "their receipt",
    )
    assert decision["account"] == made.merchant
    assert found.json()["decided_by"] == key
    assert house.post(path(item, "assign"), body).json()["decisions"] == [decision]
    problem(house.post(path(item, "assign"), {"account": "@amira"}), 409, "wrong_state")


def test_what_cannot_be_says_what_to_do_instead(house: Client) -> None:
    spam, owed = of_kind(house, "unknown_token"), of_kind(house, "unattributed")
    unreadable = of_kind(house, "set_aside")
    listing = problem(house.post(path(spam, "assign")), 409, "asset_not_listed")
    assert f"mizan chain asset {CHAIN} CODE=0x" in listing["detail"]
    problem(house.post(path(spam, "refund"), {"to_address": SOMEBODY}), 409, "assign_first")
    problem(house.post(path(owed, "dismiss"), {"reason": "no"}), 409, "owed_to_somebody")
    problem(house.post(path(unreadable, "assign"), {"account": "@amira"}), 409, "other_owner")
    problem(house.post(path(owed, "assign"), {"account": "@nobody"}), 404, "not_found")
    problem(house.post(path(owed, "refund")), 422, "to_address_required")
    problem(house.post("/v1/inbox/inb_nothing/assign"), 404, "not_found")
    for reason in (None, "", 5, "x" * 501, "\x00"):
        problem(house.post(path(spam, "dismiss"), {"reason": reason}), 422, "invalid_request")
    assert {row["status"] for row in house.get("/v1/inbox").json()["data"]} == {"open"}


def test_a_refund_is_followed_by_its_withdrawal(house: Client, made: World) -> None:
    item = of_kind(house, "wrong_asset")
    unrepeatable = house.http.post(path(item, "refund"), json={}, headers=house.headers())
    problem(unrepeatable, 400, "idempotency_key_required")
    found = house.post(path(item, "refund"), {"to_address": SOMEBODY, "amount": "4"}).json()
    assert (found["status"], found["account"]) == ("refunded", made.merchant)
    sent = house.get(f"/v1/withdrawals/{found['withdrawal']}").json()
    assert (sent["amount"], sent["refund"], sent["account"]) == ("4.00", item["id"], made.merchant)
    assert house.post(f"/v1/withdrawals/{found['withdrawal']}/cancel").status_code == 200
    again = house.get(f"/v1/inbox/{item['id']}").json()
    assert (again["status"], again["withdrawal"]) == ("open", None)
    assert [one["decision"] for one in again["decisions"]] == ["refunded", "reopened"]


def test_a_decision_is_repeated_by_its_key(house: Client) -> None:
    item = of_kind(house, "unknown_token")
    first = house.post(path(item, "dismiss"), {"reason": "spam"}, key="one")
    again = house.post(path(item, "dismiss"), {"reason": "spam"}, key="one")
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    problem(house.post(path(item, "dismiss"), {"reason": "other"}), 409, "wrong_state")


def test_where_is_my_money_says_that_it_is_in_the_inbox(
    house: Client, shop: Client, made: World
) -> None:
    spam = of_kind(house, "unknown_token")
    tx_hash = "0x" + day.tx("spam").hex()
    told = house.get(f"/v1/trace/{tx_hash}").json()
    assert (told["found"], told["chain"], told["block_number"]) == (True, CHAIN, 5)
    assert [one["id"] for one in told["inbox"]] == [spam["id"]]
    assert "in the inbox (open): a token that is not listed" in told["explanation"]
    house.post(path(spam, "dismiss"), {"reason": "spam"})
    mine = shop.get(f"/v1/trace/{tx_hash}").json()
    assert "in the inbox (dismissed)" in mine["explanation"]
    assert not {"decided_by", "decisions"} & set(mine["inbox"][0])
    stranger = Client(house.http, made.person_key, made.person)
    assert stranger.get(f"/v1/trace/{tx_hash}").json()["inbox"] == []


def test_the_house_is_told_and_nobody_else(house: Client, shop: Client, made: World) -> None:
    item = of_kind(house, "unattributed")
    house.post(path(item, "assign"))
    told = house.get("/v1/events", object=item["id"]).json()["data"]
    assert [event["type"] for event in told] == ["inbox.assigned", "inbox.opened"]
    assert told[0]["data"]["status"] == "assigned"
    mine = shop.get("/v1/events", limit=100).json()["data"]
    assert not [event for event in mine if event["type"].startswith("inbox.")]


def test_what_is_assigned_is_in_every_book(house: Client, made: World) -> None:
    before = house.get("/v1/reports/settlement", merchant=made.merchant).json()["totals"]
    wrong = breaches()  # the world's people have money that no deposit brought
    item = of_kind(house, "unattributed")
    house.post(path(item, "assign"), {"account": made.merchant})
    entry = house.get(f"/v1/accounts/{made.merchant}/entries", asset="ETH").json()["data"][0]
    assert (entry["type"], entry["amount"], entry["caused_by"]) == (
        "assignment",
        "1.00",
        item["id"],
    )
    report = house.get("/v1/reports/settlement", merchant=made.merchant).json()
    assert [row["id"] for row in report["data"] if row["type"] == "assignment"] == [item["id"]]
    gross = {row["asset"]: float(row["gross"]) for row in report["totals"]}
    assert gross["ETH"] == {row["asset"]: float(row["gross"]) for row in before}["ETH"] + 1
    for row in report["totals"]:
        assert float(row["net"]) == float(row["closing_balance"]) - float(row["opening_balance"])
    assert breaches() == wrong
