"""What is refused, with which status and code, and that nothing moved."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain.address import show_address
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from tests.api import world
from tests.api.bodies import SOMEBODY
from tests.api.conftest import Client
from tests.api.test_accounts import problem
from tests.api.world import World
from tests.flow.books import CHAIN
from tests.flow.outgoing import FACTORY, TOKEN, TREASURY, VAULT

TRANSFER = {"to": "@amira", "asset": "USDC", "amount": "1"}
WITHDRAWAL = {"asset": "USDC", "chain": CHAIN, "to_address": SOMEBODY, "amount": "1"}
INVOICE = {"amount": "12.50", "currency": "USD"}
ETHER = {"asset": "ETH", "chain": CHAIN}
WRONG_CASE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD".swapcase().replace("0X", "0x")
AMOUNTS = ("0", "-1", "+1", "1e3", "1E3", "NaN", "Infinity", "01", "1.", ".5", "1,5", " 1", "1 ")
MORE_AMOUNTS = ("", "0.00", "0x10", "١", "1_000", "1" * 101, 5, 1.5, None, True, ["1"], {"a": "1"})


@pytest.fixture
def made(http: TestClient) -> World:
    return world.build()


@pytest.fixture
def house(http: TestClient, made: World) -> Client:
    return Client(http, made.operator_key)


@pytest.fixture
def shop(http: TestClient, made: World) -> Client:
    return Client(http, made.merchant_key, made.merchant)


def refused(answer: Any, *codes: str) -> None:
    assert answer.status_code == 422, answer.text
    problem(answer, 422, answer.json()["code"])
    assert answer.json()["code"] in codes, answer.text


def held(shop: Client) -> Any:
    return shop.get(f"/v1/accounts/{shop.account_id}/balances").json()


def test_what_is_no_amount_is_refused_wherever_money_is_named(shop: Client, made: World) -> None:
    before = held(shop)
    calls = (
        ("/v1/transfers", TRANSFER),
        ("/v1/withdrawals", WITHDRAWAL),
        ("/v1/invoices", INVOICE),
        ("/v1/payment_links", {"title": "Tea", **INVOICE}),
        ("/v1/withdrawals/quote", {"asset": "USDC", "chain": CHAIN}),
        (f"/v1/invoices/{made.paid_invoice}/refunds", {"to_address": SOMEBODY}),
    )
    for path, body in calls:
        for amount in (*AMOUNTS, *MORE_AMOUNTS, "1.0000001"):
            optional = path.endswith(("links", "quote", "refunds"))
            if amount is None and optional:
                continue
            answer = shop.post(path, {**body, "amount": amount})
            refused(answer, "invalid_amount", "invalid_request")
    assert held(shop) == before
    refused(shop.post("/v1/invoices", INVOICE | {"amount": "1.001"}), "invalid_amount")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/transfers", TRANSFER | {"asset": "DOGE"}, "unknown_asset"),
        ("/v1/transfers", TRANSFER | {"amount": "1000000"}, "insufficient_funds"),
        ("/v1/transfers", TRANSFER | {"to": "@falafel-corner"}, "same_account"),
        ("/v1/transfers", TRANSFER | {"fee": "1"}, "invalid_request"),
        ("/v1/withdrawals", WITHDRAWAL | {"asset": "DOGE"}, "unknown_asset"),
        ("/v1/withdrawals", WITHDRAWAL | {"chain": "eip155:1"}, "unknown_chain"),
        ("/v1/withdrawals", WITHDRAWAL | {"chain": ""}, "unknown_chain"),
        ("/v1/withdrawals", WITHDRAWAL | {"amount": "1000000"}, "insufficient_funds"),
        ("/v1/withdrawals", WITHDRAWAL | {"amount": "10035.3"}, "insufficient_funds"),
        ("/v1/withdrawals", WITHDRAWAL | {"to_address": WRONG_CASE}, "invalid_address"),
        ("/v1/withdrawals", WITHDRAWAL | {"to_address": "0x12"}, "invalid_request"),
        ("/v1/withdrawals/quote", {"asset": "DOGE", "chain": CHAIN}, "unknown_asset"),
        ("/v1/withdrawals/quote", {"asset": "USDC", "chain": "x"}, "unknown_chain"),
        ("/v1/invoices", INVOICE | {"currency": "EUR"}, "unknown_asset"),
        ("/v1/invoices", INVOICE | {"expires_in": 4}, "invalid_request"),
        ("/v1/invoices", INVOICE | {"metadata": {"a": 1}}, "invalid_request"),
        ("/v1/invoices", INVOICE | {"assets": [ETHER | {"asset": "DOGE"}]}, "unknown_asset"),
        ("/v1/invoices", INVOICE | {"assets": [ETHER | {"chain": "x"}]}, "unknown_chain"),
        ("/v1/payment_links", {"title": "Tea", "currency": "EUR"}, "unknown_asset"),
        ("/v1/payment_links", {"title": "", "currency": "USD"}, "invalid_request"),
        ("/v1/accounts/@falafel-corner/addresses", {"chain": "eip155:1"}, "unknown_chain"),
        ("/v1/accounts/@falafel-corner/api_keys", {"scopes": ["sudo"]}, "unknown_scope"),
        ("/v1/webhook_endpoints", {"url": "ftp://shop.example"}, "invalid_url"),
    ],
)
def test_a_refusal_names_its_reason(
    shop: Client, path: str, body: dict[str, Any], code: str
) -> None:
    before = held(shop)
    answer = problem(shop.post(path, body), 422, code)
    assert answer["detail"]
    assert held(shop) == before


def test_a_value_of_another_type_is_not_bent_into_shape(shop: Client, made: World) -> None:
    link = {"title": "Tea", "currency": "USD"}
    for path, body in (
        ("/v1/invoices", INVOICE | {"expires_in": "300"}),
        ("/v1/invoices", INVOICE | {"expires_in": True}),
        ("/v1/invoices", INVOICE | {"order_id": 7}),
        ("/v1/payment_links", link | {"max_uses": "1"}),
        ("/v1/payment_links", link | {"title": True}),
    ):
        problem(shop.post(path, body), 422, "invalid_request")
    for active in (0, 1, "false", "no", None):
        path = f"/v1/payment_links/{made.link}"
        answer = shop.http.patch(path, json={"active": active}, headers=shop.headers())
        problem(answer, 422, "invalid_request")


def test_money_is_not_sent_to_an_address_of_ours(shop: Client, made: World) -> None:
    own = shop.post(f"/v1/accounts/{made.merchant}/addresses", {"chain": CHAIN}).json()["address"]
    option = shop.get(f"/v1/invoices/{made.invoice}").json()["payment_options"][0]["address"]
    ours = [show_address(place) for place in (FACTORY, TOKEN, TREASURY, VAULT, bytes(20))]
    for address in (own, own.lower(), option, *ours):
        body = WITHDRAWAL | {"to_address": address}
        problem(shop.post("/v1/withdrawals", body), 422, "invalid_address")


def test_another_accounts_object_does_not_exist(shop: Client, house: Client, made: World) -> None:
    amira = made.person
    mine = house.post("/v1/invoices", INVOICE | {"account": amira}).json()["id"]
    link = house.post("/v1/payment_links", {"title": "x", "account": amira}).json()["id"]
    hook = {"url": "https://a.example/", "account": amira}
    endpoint = house.post("/v1/webhook_endpoints", hook).json()["id"]
    event = house.get("/v1/events", account=amira).json()["data"][0]["id"]
    for path in (
        f"/v1/accounts/{amira}",
        "/v1/accounts/@amira",
        f"/v1/accounts/{amira}/balances",
        f"/v1/accounts/{amira}/entries",
        f"/v1/accounts/{amira}/api_keys",
        f"/v1/withdrawals/{made.held}",
        f"/v1/invoices/{mine}",
        f"/v1/invoices/{mine}/refunds",
        f"/v1/payment_links/{link}",
        f"/v1/webhook_endpoints/{endpoint}",
        f"/v1/webhook_endpoints/{endpoint}/deliveries",
        f"/v1/events/{event}",
        f"/v1/events/{made.alarm}",
    ):
        problem(shop.get(path), 404, "not_found")
    for path, body in (
        (f"/v1/accounts/{amira}/addresses", {"chain": CHAIN}),
        (f"/v1/accounts/{amira}/api_keys", {"scopes": ["invoices:read"]}),
        (f"/v1/withdrawals/{made.held}/cancel", {}),
        (f"/v1/invoices/{mine}/void", {}),
        (f"/v1/invoices/{mine}/refunds", {"to_address": SOMEBODY}),
        (f"/v1/webhook_endpoints/{endpoint}/rotate", {}),
        ("/v1/transfers", {"from": amira, "to": made.merchant, "asset": "USDC", "amount": "1"}),
        ("/v1/withdrawals", WITHDRAWAL | {"account": amira}),
        ("/v1/invoices", INVOICE | {"account": amira}),
    ):
        problem(shop.post(path, body), 404, "not_found")


def test_an_unknown_id_is_404(house: Client, made: World) -> None:
    nouns = (
        "accounts deposits transfers withdrawals invoices payment_links webhook_endpoints events"
        " inbox"
    )
    for noun in nouns.split():
        for name in ("nothing", made.alarm, "é", "a b", "%00x", "'--"):
            answer = house.get(f"/v1/{noun}/{name}")
            assert answer.status_code == (422 if "%00" in name else 404), answer.text
            problem(answer, answer.status_code, answer.json()["code"])


def doors_of(made: World) -> dict[str, tuple[str, str]]:
    """Return a call for each scope that nothing else opens."""
    return {
        "accounts:read": ("GET", "/v1/accounts"),
        "addresses:write": ("POST", f"/v1/accounts/{made.merchant}/addresses"),
        "deposits:read": ("GET", "/v1/deposits"),
        "events:read": ("GET", "/v1/events"),
        "invoices:read": ("GET", "/v1/invoices"),
        "invoices:write": ("POST", "/v1/invoices"),
        "keys:write": ("GET", f"/v1/accounts/{made.merchant}/api_keys"),
        "reports:read": ("GET", "/v1/settlements"),
        "transfers:read": ("GET", "/v1/transfers"),
        "transfers:write": ("POST", "/v1/transfers"),
        "webhooks:read": ("GET", "/v1/webhook_endpoints"),
        "webhooks:write": ("POST", "/v1/webhook_endpoints"),
        "withdrawals:read": ("GET", "/v1/withdrawals"),
        "withdrawals:write": ("POST", "/v1/withdrawals"),
        "accounts:write": ("POST", "/v1/accounts"),
        "inbox:read": ("GET", "/v1/inbox"),
        "inbox:write": ("POST", f"/v1/inbox/{made.items[0]}/assign"),
        "operations:read": ("GET", "/v1/alarms"),
        "operations:write": ("POST", "/v1/alarms/x/acknowledge"),
        "withdrawals:approve": ("POST", f"/v1/withdrawals/{made.held}/approve"),
    }


def test_each_scope_opens_its_own_doors(shop: Client, house: Client, made: World) -> None:
    doors = doors_of(made)
    assert set(doors) == OPERATOR_SCOPES
    for scope, (method, path) in doors.items():
        owner = made.merchant if scope in ACCOUNT_SCOPES else None
        every = ACCOUNT_SCOPES if owner else OPERATOR_SCOPES
        with db.transaction() as session:
            _, without = accounts.issue_key(
                session, account_id=owner, name="all but one", scopes=every - {scope}
            )
            _, only = accounts.issue_key(
                session, account_id=owner, name="one", scopes=frozenset({scope})
            )
        for key, expected in ((without, True), (only, False)):
            headers = {"authorization": f"Bearer {key}", "idempotency-key": key[:40]}
            body: dict[str, str] | None = {} if method == "POST" else None
            answer = shop.http.request(method, path, headers=headers, json=body)
            assert (answer.status_code == 403) is expected, (scope, answer.text)
    for scope in sorted(OPERATOR_SCOPES - ACCOUNT_SCOPES):
        method, path = doors[scope]
        answer = shop.http.request(method, path, headers=shop.headers(), json={})
        problem(answer, 403, "scope_missing")


def test_states_that_do_not_allow_it_are_409(house: Client, shop: Client, made: World) -> None:
    problem(house.post(f"/v1/withdrawals/{made.sent}/approve"), 409, "wrong_state")
    problem(house.post(f"/v1/withdrawals/{made.sent}/reject"), 409, "wrong_state")
    assert shop.post(f"/v1/withdrawals/{made.sent}/cancel").status_code == 409
    assert shop.post(f"/v1/invoices/{made.paid_invoice}/void").status_code == 409
    order = INVOICE | {"order_id": "1042", "amount": "9"}
    problem(shop.post("/v1/invoices", order), 409, "order_id_taken")
    body = {"handle": "amira", "kind": "person"}
    problem(house.post("/v1/accounts", body), 409, "handle_taken")


def test_what_is_asked_for_needs_another_pair_of_eyes(house: Client, made: World) -> None:
    body = WITHDRAWAL | {"account": made.person, "amount": "5000"}
    asked = house.post("/v1/withdrawals", body).json()
    assert asked["status"] == "held"
    path = f"/v1/withdrawals/{asked['id']}/approve"
    problem(house.post(path), 403, "same_person")
    other = Client(house.http, made.approver_key)
    assert other.post(path).json()["status"] == "approved"


def test_the_payer_may_be_named_by_handle(shop: Client, house: Client, made: World) -> None:
    own = {"from": "@falafel-corner"}
    assert shop.post("/v1/transfers", TRANSFER | own).json()["from"] == made.merchant
    named = {"account": "@Falafel-Corner"}
    for client in (shop, house):
        sent = client.post("/v1/withdrawals", WITHDRAWAL | named).json()
        assert sent["account"] == made.merchant
        assert sent in client.get("/v1/withdrawals", **named).json()["data"]
    for noun in ("transfers", "deposits", "withdrawals", "invoices", "events", "payment_links"):
        assert house.get(f"/v1/{noun}", **named).json() == shop.get(f"/v1/{noun}").json()
        problem(house.get(f"/v1/{noun}", account="@nobody"), 404, "not_found")
        problem(shop.get(f"/v1/{noun}", account="@amira"), 404, "not_found")


def test_a_frozen_account_sends_nothing(house: Client, shop: Client, made: World) -> None:
    house.post(f"/v1/accounts/{made.merchant}/freeze")
    problem(shop.post("/v1/transfers", TRANSFER), 422, "account_frozen")
    problem(shop.post("/v1/withdrawals", WITHDRAWAL), 422, "account_frozen")
    refund = f"/v1/invoices/{made.paid_invoice}/refunds"
    problem(shop.post(refund, {"to_address": SOMEBODY}), 422, "account_frozen")
    house.post(f"/v1/accounts/{made.merchant}/unfreeze")
    assert shop.post("/v1/transfers", TRANSFER).status_code == 201


def test_a_refund_never_exceeds_what_was_paid(shop: Client, made: World) -> None:
    path = f"/v1/invoices/{made.paid_invoice}/refunds"
    body = {"to_address": SOMEBODY}
    assert shop.post(path, body | {"amount": "20.01"}).status_code == 422
    assert shop.post(path, body | {"amount": "15"}).status_code == 201
    assert shop.post(path, body | {"amount": "5.01"}).status_code == 422
    unpaid = f"/v1/invoices/{made.invoice}/refunds"
    assert shop.post(unpaid, body).status_code == 422
