"""A merchant's terms over HTTP: set, shown, kept by an invoice, and answered by one call."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api import world
from tests.api.conftest import Client
from tests.api.test_accounts import problem
from tests.api.world import World

DEFAULTS = {
    "under_percent": "0",
    "under_amount": "0",
    "over_percent": "0",
    "over_amount": "0",
    "late_percent": "5",
    "late_hours": 24,
    "late": "credit",
    "support_url": None,
    "changed_at": None,
}
OWN = {
    "under_percent": "1.5",
    "under_amount": "0.05",
    "over_percent": "2",
    "over_amount": "1.00",
    "late_percent": None,
    "late_hours": 48,
    "late": "refund",
    "support_url": "https://shop.example/help?about=payments",
}


@pytest.fixture
def made(http: TestClient) -> World:
    return world.build()


@pytest.fixture
def shop(http: TestClient, made: World) -> Client:
    return Client(http, made.merchant_key, made.merchant)


@pytest.fixture
def house(http: TestClient, made: World) -> Client:
    return Client(http, made.operator_key)


def put(client: Client, account: str, body: Any) -> Any:
    path = f"/v1/accounts/{account}/checkout_terms"
    return client.http.put(path, json=body, headers=client.headers())


def test_terms_are_set_as_a_whole_and_copied_onto_invoices(
    shop: Client, house: Client, made: World
) -> None:
    path = f"/v1/accounts/{made.merchant}/checkout_terms"
    assert shop.get(path).json() == {"account": made.merchant, **DEFAULTS}
    answer = put(shop, made.merchant, OWN)
    assert answer.status_code == 200
    changed = answer.json()
    assert changed.pop("changed_at") is not None
    assert changed == {"account": made.merchant, **OWN}
    assert house.get("/v1/accounts/@falafel-corner/checkout_terms").json()["late_hours"] == 48
    body = {"amount": "100", "terms": {"late_hours": None, "under_percent": "3"}}
    invoice = shop.post("/v1/invoices", body).json()
    assert invoice["terms"] == {
        "under": "3.00",
        "over": "2.00",
        "late_percent": None,
        "late_hours": None,
        "late": "refund",
    }
    assert put(shop, made.merchant, {}).json()["under_percent"] == "0"
    assert shop.get(f"/v1/invoices/{invoice['id']}").json()["terms"]["under"] == "3.00"


def test_terms_that_make_no_sense_are_refused(shop: Client, made: World) -> None:
    for wrong in (
        {"under_percent": "50.1"},
        {"under_percent": "-1"},
        {"under_percent": "1e1"},
        {"under_percent": 1},
        {"under_amount": "-0.01"},
        {"under_amount": "0.001"},
        {"over_percent": "100.0001"},
        {"late_percent": "101"},
        {"late_hours": -1},
        {"late_hours": 8_761},
        {"late_hours": 1.5},
        {"late": "keep"},
        {"under_percent": None},
        {"late_minutes": 3},
    ):
        assert put(shop, made.merchant, wrong).status_code == 422, wrong
        answer = shop.post("/v1/invoices", {"amount": "5", "terms": wrong})
        assert answer.status_code == 422, wrong
    assert shop.get(f"/v1/accounts/{made.merchant}/checkout_terms").json()["changed_at"] is None


def test_payers_may_ask_over_https_or_by_mail(shop: Client, made: World) -> None:
    for good in ("mailto:help@shop.example", "https://shop.example", None):
        assert put(shop, made.merchant, {"support_url": good}).json()["support_url"] == good
    for wrong in (
        "http://shop.example",
        "javascript:alert(1)",
        "mailto:help",
        "mailto:a b@shop.example",
        "https://me:secret@shop.example",
        "https://",
        "help@shop.example",
        "",
    ):
        assert put(shop, made.merchant, {"support_url": wrong}).status_code == 422, wrong
    own = {"amount": "5", "terms": {"support_url": "https://shop.example"}}
    assert shop.post("/v1/invoices", own).status_code == 422  # it is no term of an invoice
    assert put(shop, made.merchant, {}).json()["support_url"] is None


def test_terms_are_the_merchants_own(shop: Client, made: World) -> None:
    problem(shop.get(f"/v1/accounts/{made.person}/checkout_terms"), 404, "not_found")
    problem(put(shop, made.person, OWN), 404, "not_found")
    problem(put(shop, "acct_none", OWN), 404, "not_found")


def test_what_waits_for_an_answer_is_listed_and_accepted_by_one_call(
    shop: Client, made: World
) -> None:
    (waits,) = shop.get("/v1/invoices", late_action="review").json()["data"]
    assert (waits["id"], waits["status"], waits["paid_state"]) == (
        made.late_invoice,
        "expired",
        "exact",
    )
    (payment,) = waits["payments"]
    assert (payment["late"], payment["settles"], payment["accepted_at"]) == (True, False, None)
    path = f"/v1/invoices/{made.late_invoice}/accept"
    for _ in range(2):
        paid = shop.post(path)
        assert paid.status_code == 200
        assert (paid.json()["status"], paid.json()["late_action"]) == ("paid", None)
    assert shop.get("/v1/invoices", late_action="review").json()["data"] == []
    problem(shop.post(f"/v1/invoices/{made.invoice}/accept"), 409, "nothing_to_accept")
    problem(shop.post(path, {"payment": "dep_none"}), 404, "not_found")
    problem(shop.post("/v1/invoices/inv_none/accept"), 404, "not_found")


def test_what_waits_is_no_more_once_it_goes_back_and_again_when_it_does_not(
    shop: Client, made: World
) -> None:
    path = f"/v1/invoices/{made.late_invoice}"
    promised = shop.post(f"{path}/refunds", {"to": "payer"})
    assert promised.status_code == 201, promised.text
    assert shop.get(path).json()["late_action"] is None
    shop.post(f"/v1/refunds/{promised.json()['id']}/cancel")
    assert shop.get(path).json()["late_action"] == "review"


def item_of(house: Client, made: World) -> Any:
    """Return the item that was sent to pay an invoice."""
    rows = house.get("/v1/inbox", kind="wrong_asset", limit=100).json()["data"]
    (found,) = (row for row in rows if row["invoice"] == made.late_invoice)
    return found


def test_the_wrong_asset_is_accepted_by_an_operator_or_its_merchant(
    shop: Client, house: Client, made: World
) -> None:
    item = item_of(house, made)
    accepted = house.post(f"/v1/inbox/{item['id']}/accept", {"reason": "mixed up"})
    assert accepted.status_code == 200
    assert accepted.json()["status"] == "accepted"
    assert accepted.json()["decisions"][0]["decision"] == "accepted"
    assert shop.get(f"/v1/invoices/{made.late_invoice}").json()["status"] == "paid"
    for action, body in (("assign", {}), ("refund", {}), ("dismiss", {"reason": "no"})):
        problem(house.post(f"/v1/inbox/{item['id']}/{action}", body), 409, "wrong_state")
    problem(shop.post(f"/v1/inbox/{item['id']}/accept"), 403, "scope_missing")


def test_a_merchants_answer_settles_the_item_of_its_payment(
    shop: Client, house: Client, made: World
) -> None:
    item = item_of(house, made)
    path = f"/v1/invoices/{made.late_invoice}/accept"
    assert shop.post(path, {"payment": item["deposit"]}).json()["status"] == "paid"
    assert house.get(f"/v1/inbox/{item['id']}").json()["status"] == "accepted"
    (payment,) = shop.get(f"/v1/invoices/{made.late_invoice}").json()["payments"]
    assert (payment["late"], payment["settles"]) == (True, True)
    assert payment["accepted_at"] is not None


def test_what_names_no_invoice_cannot_be_accepted(house: Client, made: World) -> None:
    for kind in ("wrong_asset", "unattributed", "unknown_token"):
        rows = house.get("/v1/inbox", kind=kind).json()["data"]
        other = next(row for row in rows if row["invoice"] is None)
        problem(house.post(f"/v1/inbox/{other['id']}/accept"), 409, "no_invoice")
