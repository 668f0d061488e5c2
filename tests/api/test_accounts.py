"""Accounts, keys and their scopes, over HTTP."""

from typing import Any

import pytest

from gateway import db
from tests.api.conftest import Client, Make
from tests.flow.books import fund


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def test_an_account_is_found_by_id_and_by_handle(operator: Client) -> None:
    opened = operator.post("/v1/accounts", {"handle": "@Amira", "kind": "person"})
    assert opened.status_code == 201
    account = opened.json()
    assert account["handle"] == "amira"
    assert account["status"] == "active"
    assert operator.get(f"/v1/accounts/{account['id']}").json() == account
    assert operator.get("/v1/accounts/@AMIRA").json() == account


def test_handles_and_external_ids_are_unique(operator: Client) -> None:
    body = {"handle": "amira", "kind": "person", "external_id": "u-1"}
    assert operator.post("/v1/accounts", body).status_code == 201
    problem(operator.post("/v1/accounts", body | {"external_id": "u-2"}), 409, "handle_taken")
    problem(operator.post("/v1/accounts", body | {"handle": "b"}), 409, "external_id_taken")


@pytest.mark.parametrize("handle", ["", "a b", "-a", "a" * 33, "äpfel", "аmira", "admin", "a\x00"])
def test_a_bad_handle_is_refused(operator: Client, handle: str) -> None:
    answer = operator.post("/v1/accounts", {"handle": handle, "kind": "person"})
    assert answer.status_code == 422


def test_unknown_fields_and_kinds_are_refused(operator: Client) -> None:
    bodies: list[Any] = [
        {"handle": "a", "kind": "robot"},
        {"handle": "a", "kind": "person", "balance": 5},
        {"handle": "a"},
        [],
    ]
    for body in bodies:
        found = problem(operator.post("/v1/accounts", body), 422, "invalid_request")
        assert found["errors"]


def test_no_key_and_a_wrong_key_are_401(http: Any) -> None:
    problem(http.get("/v1/accounts"), 401, "unauthorized")
    wrong = http.get("/v1/accounts", headers={"authorization": "Bearer sk_wrong"})
    assert problem(wrong, 401, "unauthorized")
    assert wrong.headers["www-authenticate"] == "Bearer"


def test_another_accounts_object_is_404(operator: Client, open_account: Make) -> None:
    amira, karim = open_account("amira"), open_account("karim")
    problem(amira.get(f"/v1/accounts/{karim.account_id}/balances"), 404, "not_found")
    problem(amira.get(f"/v1/accounts/{karim.account_id}"), 404, "not_found")
    assert [row["handle"] for row in amira.get("/v1/accounts").json()["data"]] == ["amira"]


def test_a_key_needs_the_scope_and_can_only_lend_its_own(
    operator: Client, open_account: Make
) -> None:
    amira = open_account("amira")
    problem(amira.post("/v1/accounts", {"handle": "x", "kind": "person"}), 403, "scope_missing")
    path = f"/v1/accounts/{amira.account_id}/api_keys"
    made = amira.post(path, {"scopes": ["accounts:read", "keys:write"]}).json()
    reader = Client(amira.http, made["secret"], amira.account_id)
    assert reader.get(f"/v1/accounts/{amira.account_id}").status_code == 200
    problem(reader.post(path, {"scopes": ["transfers:write"]}), 403, "scope_missing")
    problem(amira.post(path, {"scopes": ["fly"]}), 422, "unknown_scope")


def test_a_revoked_or_rotated_key_is_dead(open_account: Make) -> None:
    amira = open_account("amira")
    path = f"/v1/accounts/{amira.account_id}/api_keys"
    made = amira.post(path, {"scopes": ["accounts:read"]}).json()
    old = Client(amira.http, made["secret"])
    fresh = amira.post(f"{path}/{made['id']}/rotate").json()
    assert fresh["secret"] != made["secret"]
    problem(old.get("/v1/accounts"), 401, "unauthorized")
    new = Client(amira.http, fresh["secret"])
    assert new.get("/v1/accounts").status_code == 200
    amira.post(f"{path}/{fresh['id']}/revoke")
    problem(new.get("/v1/accounts"), 401, "unauthorized")
    listed = amira.get(path).json()["data"]
    assert all(row["secret"] is None for row in listed)


def test_lists_page_by_cursor(operator: Client) -> None:
    for number in range(5):
        operator.post("/v1/accounts", {"handle": f"a{number}", "kind": "person"})
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        body = operator.get("/v1/accounts", limit="2", **cursor).json()
        seen += [row["handle"] for row in body["data"]]
        if not body["has_more"]:
            break
        cursor = {"starting_after": body["data"][-1]["id"]}
    assert seen == ["a4", "a3", "a2", "a1", "a0"]
    problem(operator.get("/v1/accounts", starting_after="acct_no"), 422, "unknown_cursor")
    assert operator.get("/v1/accounts", limit="0").status_code == 422
    assert operator.get("/v1/accounts", limit="101").status_code == 422


def test_a_frozen_account_cannot_send(operator: Client, open_account: Make) -> None:
    amira, karim = open_account("amira"), open_account("karim")
    with db.transaction() as session:
        fund(session, amira.account_id or "", 50_000_000)
    body = {"to": "@karim", "asset": "USDC", "amount": "10"}
    assert operator.post(f"/v1/accounts/{amira.account_id}/freeze").json()["status"] == "frozen"
    problem(amira.post("/v1/transfers", body), 422, "account_frozen")
    operator.post(f"/v1/accounts/{amira.account_id}/unfreeze")
    assert amira.post("/v1/transfers", body).status_code == 201
    assert karim.get(f"/v1/accounts/{karim.account_id}/balances").json()["data"] == [
        {"asset": "ETH", "available": "0.00", "held": "0.00", "pending": "0.00"},
        {"asset": "USDC", "available": "10.00", "held": "0.00", "pending": "0.00"},
    ]
