"""Every row of the contract: fields, types, prefixes, statuses, money as decimal strings."""

import re
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api import bodies, world
from tests.api.conftest import Client
from tests.api.world import World
from tests.flow.books import CHAIN

MONEY = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
HASH = re.compile(r"0x[0-9a-f]{64}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
BODY = "[0-9A-HJKMNP-TV-Z]{26}"

# Which shape a field has wherever it stands: `?` after a name in a row means that it may be null.
MONEY_FIELDS = frozenset(
    """
    amount amount_due amount_paid available balance_after closing_balance custody difference fee
    fees gross held house ledger net on_chain opening_balance owed payouts pending quote_amount
    rate refunds total unswept
    """.split()  # noqa: SIM905 - a list of words reads better
)
ADDRESS_FIELDS = frozenset({"address", "to_address", "from_address"})
HASH_FIELDS = frozenset({"tx_hash", "block_hash"})
PREFIXES = {
    "account": "acct",
    "invoice": "inv",
    "withdrawal": "wd",
    "refund": "ref",
    "endpoint": "whe",
    "payment_link": "link",
}


@pytest.fixture
def made(http: TestClient) -> World:
    return world.build()


@pytest.fixture
def house(http: TestClient, made: World) -> Client:
    return Client(http, made.operator_key)


@pytest.fixture
def shop(http: TestClient, made: World) -> Client:
    return Client(http, made.merchant_key, made.merchant)


def check(answer: Any, status: int, prefix: str | None, fields: str) -> dict[str, Any]:
    """Assert an answer's status, its id's prefix, and that it has the fields in their form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    body: dict[str, Any] = answer.json()
    if prefix is not None:
        assert re.fullmatch(f"{prefix}_{BODY}", body["id"]), body["id"]
    has(body, fields)
    return body


def has(body: dict[str, Any], fields: str) -> None:
    """Assert the named fields; `name?` may be null."""
    for field in fields.split():
        name = field.removesuffix("?")
        assert name in body, (name, body)
        if body[name] is None:
            assert field.endswith("?"), f"{name} is null"
        else:
            form(name, body[name])


def form(name: str, value: Any) -> None:
    """Assert the form that a field of this name has everywhere."""
    if name in MONEY_FIELDS:
        assert isinstance(value, str), (name, value)
        assert MONEY.fullmatch(value), (name, value)
    elif name.endswith("_at"):
        assert TIME.fullmatch(value), (name, value)
        datetime.fromisoformat(value)
    elif name in ADDRESS_FIELDS:
        assert ADDRESS.fullmatch(value), (name, value)
    elif name in HASH_FIELDS:
        assert HASH.fullmatch(value), (name, value)
    elif name in PREFIXES:
        assert re.fullmatch(f"{PREFIXES[name]}_{BODY}", value), (name, value)
    elif name == "chain":
        assert re.fullmatch(r"eip155:\d+", value)
    elif name == "metadata":
        assert all(isinstance(item, str) for item in value.values())


def rows(answer: Any, fields: str, prefix: str | None = None) -> list[dict[str, Any]]:
    """Assert a list whose rows have the fields, and that it is not empty."""
    body = check(answer, 200, None, "data")
    assert body["data"], "the list is empty"
    for row in body["data"]:
        has(row, fields)
        if prefix is not None:
            assert re.fullmatch(f"{prefix}_{BODY}", row["id"])
    found: list[dict[str, Any]] = body["data"]
    return found


ACCOUNT = "id handle kind status created_at external_id? metadata"


def test_accounts(house: Client, made: World) -> None:
    body = {"handle": "noor", "kind": "person", "external_id": "u-7", "metadata": {"city": "Haifa"}}
    opened = check(house.post("/v1/accounts", body), 201, "acct", ACCOUNT)
    assert opened["status"] == "active"
    path = f"/v1/accounts/{opened['id']}"
    assert check(house.post(f"{path}/freeze"), 200, "acct", ACCOUNT)["status"] == "frozen"
    assert check(house.post(f"{path}/unfreeze"), 200, "acct", ACCOUNT)["status"] == "active"
    assert check(house.get("/v1/accounts/@noor"), 200, "acct", ACCOUNT) == opened
    rows(house.get("/v1/accounts"), ACCOUNT, "acct")


def test_keys(shop: Client, made: World) -> None:
    path = f"/v1/accounts/{made.merchant}/api_keys"
    key = check(shop.post(path, {"scopes": ["invoices:read"]}), 201, "key", "scopes secret")
    assert key["secret"].startswith("sk_")
    assert all(row["secret"] is None for row in rows(shop.get(path), "scopes created_at", "key"))
    fresh = check(shop.post(f"{path}/{key['id']}/rotate"), 201, "key", "scopes secret")
    assert fresh["secret"] != key["secret"]
    gone = check(shop.post(f"{path}/{fresh['id']}/revoke"), 200, "key", "revoked_at")
    assert gone["secret"] is None
    for secret in (key["secret"], fresh["secret"]):
        assert Client(shop.http, secret).get("/v1/invoices").status_code == 401


def test_balances_entries_and_addresses(shop: Client, made: World) -> None:
    path = f"/v1/accounts/{made.merchant}"
    balances = rows(shop.get(f"{path}/balances"), "asset available held pending")
    assert {row["asset"] for row in balances} == {"ETH", "USDC"}
    entries = rows(
        shop.get(f"{path}/entries"), "id transfer asset amount balance_after caused_by created_at"
    )
    assert made.transfer in {row["caused_by"] for row in entries}
    asked = shop.post(f"{path}/addresses", {"chain": CHAIN})
    first = check(asked, 200, None, "address chain minimum_deposits")
    for amount in first["minimum_deposits"].values():
        assert MONEY.fullmatch(amount)
    assert shop.post(f"{path}/addresses", {"chain": CHAIN}).json() == first


DEPOSIT = (
    "id account invoice? chain asset amount address from_address tx_hash block_number block_hash"
    " status confirmations finality confirmations_required detected_at credited_at?"
)


def test_deposits(shop: Client, made: World) -> None:
    listed = rows(shop.get("/v1/deposits"), DEPOSIT, "dep")
    one = check(shop.get(f"/v1/deposits/{made.deposit}"), 200, "dep", DEPOSIT)
    assert one in listed
    assert one["status"] == "credited"
    assert isinstance(one["confirmations"], int)


def test_transfers(shop: Client, made: World) -> None:
    body = {"from": made.merchant, "to": "@amira", "asset": "USDC", "amount": "1.5", "memo": "tea"}
    fields = "id status from to asset amount memo? created_at"
    sent = check(shop.post("/v1/transfers", body), 201, "tr", fields)
    assert (sent["status"], sent["amount"], sent["to"]) == ("posted", "1.50", made.person)
    assert check(shop.get(f"/v1/transfers/{sent['id']}"), 200, "tr", fields) == sent
    assert sent in rows(shop.get("/v1/transfers"), fields, "tr")


WITHDRAWAL = (
    "id account asset chain to_address amount fee status held_reason? waiting_reason? tx_hash?"
    " created_at"
)


def test_withdrawals(house: Client, shop: Client, made: World) -> None:
    body = {"asset": "USDC", "chain": CHAIN, "to_address": bodies.SOMEBODY, "amount": "2"}
    quoted = check(shop.post("/v1/withdrawals/quote", body_of_quote(body)), 200, None, "fee total")
    asked = check(shop.post("/v1/withdrawals", body), 201, "wd", WITHDRAWAL)
    assert (asked["fee"], asked["account"]) == (quoted["fee"], made.merchant)
    path = f"/v1/withdrawals/{asked['id']}"
    assert check(shop.get(path), 200, "wd", WITHDRAWAL) == asked
    assert check(shop.post(f"{path}/cancel"), 200, "wd", WITHDRAWAL)["status"] == "cancelled"
    held = f"/v1/withdrawals/{made.held}"
    assert check(house.get(held), 200, "wd", WITHDRAWAL)["held_reason"]
    assert check(house.post(f"{held}/approve"), 200, "wd", WITHDRAWAL)["status"] == "approved"
    more = {**body, "account": made.person, "amount": "5000"}
    second = house.post("/v1/withdrawals", more).json()
    rejected = house.post(f"/v1/withdrawals/{second['id']}/reject")
    assert check(rejected, 200, "wd", WITHDRAWAL)["status"] == "rejected"
    rows(house.get("/v1/withdrawals"), WITHDRAWAL, "wd")


def body_of_quote(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("asset", "chain", "amount")}


INVOICE = (
    "id url account status paid_state late amount currency amount_paid amount_due order_id?"
    " payment_options payments expires_at created_at metadata"
)


def test_invoices_and_refunds(shop: Client, made: World) -> None:
    body = {"amount": "12.50", "currency": "USD", "order_id": "7", "metadata": {"table": "4"}}
    opened = check(shop.post("/v1/invoices", body), 201, "inv", INVOICE)
    assert check(shop.post("/v1/invoices", body), 200, "inv", INVOICE) == opened
    for option in opened["payment_options"]:
        has(option, "asset chain address amount rate quote_expires_at")
    assert isinstance(opened["late"], bool)
    path = f"/v1/invoices/{opened['id']}"
    assert check(shop.post(f"{path}/void"), 200, "inv", INVOICE)["status"] == "void"
    paid = check(shop.get(f"/v1/invoices/{made.paid_invoice}"), 200, "inv", INVOICE)
    assert (paid["status"], paid["paid_state"], paid["amount_paid"]) == ("paid", "exact", "20.00")
    for payment in paid["payments"]:
        has(payment, DEPOSIT)
    back = shop.post(
        f"/v1/invoices/{made.paid_invoice}/refunds", {"amount": "5", "to_address": bodies.SOMEBODY}
    )
    check(back, 201, "ref", "id status amount asset withdrawal")
    rows(shop.get("/v1/invoices"), INVOICE, "inv")
    rows(shop.get(f"/v1/invoices/{made.paid_invoice}/refunds"), "id status amount asset", "ref")


def test_payment_links_and_the_payers_pages(shop: Client, made: World) -> None:
    fields = "id url active title created_at"
    body = {"title": "Tea", "amount": "3", "currency": "USD", "max_uses": 9}
    link = check(shop.post("/v1/payment_links", body), 201, "link", fields)
    path = f"/v1/payment_links/{link['id']}"
    assert link["url"].endswith(f"/l/{link['id']}")
    before = len(shop.get("/v1/invoices").json()["data"])
    assert shop.http.get(f"/l/{link['id']}").status_code == 200
    assert len(shop.get("/v1/invoices").json()["data"]) == before
    sent = shop.http.post(f"/l/{link['id']}", headers={"accept": "application/json"})
    invoice = check(sent, 201, "inv", "id url status payment_options")
    check(shop.http.get(f"/pay/{invoice['id']}/status"), 200, None, "status amount_due")
    page = shop.http.get(f"/pay/{invoice['id']}?lang=ar")
    first = invoice["payment_options"][0]
    assert first["address"] in page.text
    assert first["amount"] in page.text
    assert re.search(r"<html[^>]*lang=\"ar\"[^>]*dir=\"rtl\"", page.text)
    off = shop.http.patch(path, json={"active": False}, headers=shop.headers())
    assert check(off, 200, "link", fields)["active"] is False
    rows(shop.get("/v1/payment_links"), fields, "link")


def test_webhooks_and_events(house: Client, shop: Client, made: World) -> None:
    body = {"url": "https://shop.example/other", "events": ["invoice.*"]}
    endpoint = check(shop.post("/v1/webhook_endpoints", body), 201, "whe", "url secret")
    assert endpoint["secret"].startswith("whsec_")
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    turned = check(shop.post(f"{path}/rotate"), 200, "whe", "secret")
    assert turned["secret"].startswith("whsec_")
    assert shop.get(path).json()["secret"] is None
    sent = rows(shop.get(f"/v1/webhook_endpoints/{made.endpoint}/deliveries"), "id status", "dlv")
    again = shop.post(f"/v1/webhook_endpoints/deliveries/{sent[0]['id']}/redeliver")
    check(again, 200, "dlv", "id status")
    events = rows(shop.get("/v1/events"), "id type created_at data", "evt")
    event = check(shop.get(f"/v1/events/{events[0]['id']}"), 200, "evt", "type created_at data")
    assert set(event) == {"id", "type", "created_at", "data"}


def test_operations(house: Client, shop: Client, made: World) -> None:
    trace = check(shop.get(f"/v1/trace/{made.tx_hash}"), 200, None, "tx_hash explanation")
    assert [row["id"] for row in trace["deposits"]] == [made.deposit]
    unknown = check(shop.get(f"/v1/trace/0x{'0' * 64}"), 200, None, "explanation")
    assert unknown["found"] is False
    alarm = rows(house.get("/v1/alarms"), "id kind created_at", "alm")[0]
    check(house.post(f"/v1/alarms/{alarm['id']}/acknowledge"), 200, "alm", "acknowledged_at")
    assert house.get("/v1/alarms").json()["data"] == []
    assert house.get("/v1/reconciliation").status_code == 424  # no node here


CLOSE = (
    "id date account asset status gross fees refunds net payouts opening_balance closing_balance"
    " count"
)
MOVEMENT = (
    "date type id invoice? order_id? asset chain? gross fee net rate? quote_currency? quote_amount?"
    " tx_hash? block_number? block_hash? log_index? balance_after"
    " rate_source? rate_at? account"
)


def test_settlement(shop: Client, made: World) -> None:
    rows(shop.get("/v1/settlements"), CLOSE)
    day = check(shop.get(f"/v1/settlements/{made.closed_day}"), 200, None, "date status data")
    assert day["status"] == "closed"
    for row in day["data"]:
        has(row, CLOSE)
    report = shop.get("/v1/reports/settlement", **{"from": made.closed_day})
    rows(report, MOVEMENT)
    table = shop.get("/v1/reports/settlement", format="csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.text.splitlines()[0] == ",".join(MOVEMENT.replace("?", "").split())
