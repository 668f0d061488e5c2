"""/openapi.json is true of every route, and every refusal is a problem."""

from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from gateway.app import app
from tests.api.conftest import Client
from tests.api.test_accounts import problem

# Pages for people and their stream, and the document itself: no part of the API for programs.
PAGES = {
    "/openapi.json",
    "/checkout/{name}",
    "/pay/{invoice}",
    "/pay/{invoice}/authorization",
    "/pay/{invoice}/events",
    "/pay/{invoice}/test",
    "/pay/{invoice}/quote",
    "/pay/{invoice}/receipt",
    "/pay/{invoice}/sandbox",
    "/l/{link}",
    "/pos/{link}",
    "/pos/{link}/{invoice}",
    "/pos/{link}/{invoice}/phone.svg",
    "/refund/{token}",
}
NO_KEY = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/pay/{invoice}/status",
    "/.well-known/mizan-keys.json",
}
CONTRACT = """
POST /v1/accounts
GET /v1/accounts/{account}
POST /v1/accounts/{account}/freeze
POST /v1/accounts/{account}/unfreeze
POST /v1/accounts/{account}/api_keys
GET /v1/accounts/{account}/api_keys
POST /v1/accounts/{account}/api_keys/{key}/revoke
POST /v1/accounts/{account}/api_keys/{key}/rotate
GET /v1/accounts/{account}/balances
GET /v1/accounts/{account}/entries
POST /v1/accounts/{account}/addresses
GET /v1/deposits
GET /v1/deposits/{deposit}
POST /v1/transfers
POST /v1/withdrawals
GET /v1/withdrawals
GET /v1/withdrawals/{withdrawal}
POST /v1/withdrawals/{withdrawal}/approve
POST /v1/withdrawals/{withdrawal}/reject
POST /v1/withdrawals/{withdrawal}/cancel
POST /v1/withdrawals/quote
POST /v1/payment_links
PATCH /v1/payment_links/{link}
GET /v1/payment_links/{link}/button
GET /v1/payment_links/{link}/qr
POST /v1/invoices
GET /v1/invoices/{invoice}
POST /v1/invoices/{invoice}/void
POST /v1/invoices/{invoice}/accept
GET /v1/accounts/{account}/checkout_terms
PUT /v1/accounts/{account}/checkout_terms
POST /v1/invoices/{invoice}/refunds
GET /v1/refunds
GET /v1/refunds/{refund}
POST /v1/refunds/{refund}/cancel
POST /v1/refunds/{refund}/page
GET /pay/{invoice}/status
GET /.well-known/mizan-keys.json
POST /v1/webhook_endpoints
GET /v1/webhook_endpoints/{endpoint}/deliveries
POST /v1/webhook_endpoints/{endpoint}/test
POST /v1/webhook_endpoints/{endpoint}/replay
GET /v1/webhook_endpoints/deliveries/{delivery}
GET /v1/webhook_endpoints/deliveries/{delivery}/attempts
POST /v1/sandbox/invoices/{invoice}/simulate
POST /v1/sandbox/webhook_endpoints/{endpoint}/stick
POST /v1/webhook_endpoints/deliveries/{delivery}/redeliver
POST /v1/webhook_endpoints/{endpoint}/rotate
GET /v1/events
GET /v1/trace/{tx_hash}
GET /v1/settlements
GET /v1/settlements/{date}
GET /v1/reports/settlement
GET /v1/reconciliation
GET /v1/treasury
GET /v1/alarms
GET /v1/inbox
GET /v1/inbox/{item}
POST /v1/inbox/{item}/assign
POST /v1/inbox/{item}/refund
POST /v1/inbox/{item}/accept
POST /v1/inbox/{item}/dismiss
POST /v1/alarms/{alarm}/acknowledge
GET /healthz
GET /readyz
GET /metrics
"""
KEY_REQUIRED = {
    "/v1/transfers",
    "/v1/withdrawals",
    "/v1/invoices/{invoice}/refunds",
    "/v1/inbox/{item}/refund",
    "/v1/payouts",
}
MONEY_WORDS = {"amount", "fee", "gross", "net", "available", "held", "pending", "balance_after"}


def document() -> dict[str, Any]:
    return app.openapi()


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_route_is_documented() -> None:
    documented = {(method, path) for method, path, _ in operations()}
    served = {
        (method, str(route.path))
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or set()) - {"HEAD"}
        if route.path not in PAGES and not str(route.path).startswith(("/console", "/shop"))
    }
    assert documented == served
    assert {tuple(line.split()) for line in CONTRACT.split("\n") if line} <= documented


def test_security_and_problems_are_declared() -> None:
    for method, path, operation in operations():
        assert (operation.get("security") == [{"HTTPBearer": []}]) == (path not in NO_KEY), path
        if path.startswith("/v1"):
            assert {"400", "401", "403", "404", "409", "422", "424", "503"} <= set(
                operation["responses"]
            )
        for status, response in operation["responses"].items():
            if int(status) >= 400 and path != "/readyz":
                assert list(response["content"]) == ["application/problem+json"], (method, path)
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
    schemes = document()["components"]["securitySchemes"]
    assert schemes["HTTPBearer"]["scheme"] == "bearer"
    fields = set(document()["components"]["schemas"]["Problem"]["properties"])
    assert fields == {"type", "title", "status", "detail", "code", "request_id", "errors"}


def test_every_post_has_an_idempotency_key_and_nothing_else_does() -> None:
    for method, path, operation in operations():
        named = [one for one in operation.get("parameters", []) if one["in"] == "header"]
        if method == "POST":
            assert [one["name"] for one in named] == ["Idempotency-Key"], path
            assert named[0]["required"] == (path in KEY_REQUIRED), path
        else:
            assert named == [], path


def test_every_list_has_the_same_parameters() -> None:
    schemas = document()["components"]["schemas"]
    for method, path, operation in operations():
        shape = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        name = shape.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name.startswith("Page_"):
            assert method == "GET"
            names = {one["name"] for one in operation["parameters"]}
            assert {"limit", "starting_after", "created_from", "created_to"} <= names, path
            assert set(schemas[name]["properties"]) == {"data", "has_more"}


def test_money_is_a_string_in_every_shape() -> None:
    for name, schema in document()["components"]["schemas"].items():
        for field, shape in schema.get("properties", {}).items():
            if field in MONEY_WORDS:
                types = {one.get("type") for one in shape.get("anyOf", [shape])}
                assert types <= {"string", "null"}, (name, field)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v2/accounts", "/v1/accounts/a/b/c"])
def test_an_unknown_path_is_a_problem(operator: Client, path: str) -> None:
    problem(operator.get(path), 404, "not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(operator: Client) -> None:
    for method, path, allowed in (
        ("DELETE", "/v1/accounts", "GET, POST"),
        ("PUT", "/v1/payment_links/link_x", "GET, PATCH"),
        ("OPTIONS", "/v1/withdrawals/quote", "POST"),
        ("POST", "/healthz", "GET"),
        ("TRACE", "/v1/events", "GET"),
    ):
        answer = operator.http.request(method, path, headers=operator.headers())
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allowed


def test_every_call_wants_a_key(http: TestClient) -> None:
    for method, path, _ in operations():
        if path not in NO_KEY:
            filled = path.replace("{", "").replace("}", "")
            for header in ("", "Bearer", "Bearer ", "Bearer sk_wrong", "Basic c2s6", "sk_wrong"):
                answer = http.request(method, filled, headers={"authorization": header})
                problem(answer, 401, "unauthorized")
                assert answer.headers["www-authenticate"] == "Bearer"


def test_health_and_figures_need_no_key(http: TestClient) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json()["checks"] == {"database": "ok", "redis": "ok"}
    assert "mizan_" in http.get("/metrics").text
