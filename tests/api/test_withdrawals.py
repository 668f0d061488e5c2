"""Withdrawals over HTTP: the contract's shapes, refusals and second pair of eyes."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.policy import service as policy
from gateway.scopes import OPERATOR_SCOPES
from tests.api.conftest import Client, Make
from tests.flow.books import CHAIN, fund
from tests.flow.outgoing import DOLLAR, VAULT, chain_rows

SOMEBODY = "0x000000000000000000000000000000000000bEEF"


@pytest.fixture
def amira(open_account: Make) -> Client:
    """An account with 5,000 USDC and its own key."""
    client: Client = open_account("amira")
    with db.transaction() as session:
        chain_rows(session)
        fund(session, str(client.account_id), 5_000 * DOLLAR)
    return client


@pytest.fixture
def approver(operator: Client) -> Client:
    """A second operator."""
    with db.transaction() as session:
        _, secret = accounts.issue_key(
            session, account_id=None, name="approver", scopes=OPERATOR_SCOPES
        )
    return Client(operator.http, secret)


def body(amount: str = "25", **other: Any) -> dict[str, Any]:
    return {
        "asset": "USDC",
        "chain": CHAIN,
        "to_address": SOMEBODY.lower(),
        "amount": amount,
    } | other


def test_a_withdrawal_as_the_contract_shows_it(amira: Client) -> None:
    answer = amira.post("/v1/withdrawals", body())
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    expected = {
        "account": amira.account_id,
        "asset": "USDC",
        "chain": CHAIN,
        "to_address": SOMEBODY,
        "amount": "25.00",
        "fee": "0.15",
        "status": "approved",
        "held_reason": None,
        "waiting_reason": None,
        "tx_hash": None,
        "confirmations": 0,
        "confirmations_required": 3,
        "refund": None,
    }
    assert {name: shown[name] for name in expected} == expected
    assert amira.get(f"/v1/withdrawals/{shown['id']}").json() == shown
    listed = amira.get("/v1/withdrawals", status="approved", asset="USDC").json()
    assert listed == {"data": [shown], "has_more": False}
    assert amira.get("/v1/withdrawals", status="held").json()["data"] == []


def test_the_quote_is_what_is_charged(amira: Client) -> None:
    quoted = amira.post("/v1/withdrawals/quote", {"asset": "USDC", "chain": CHAIN, "amount": "25"})
    assert quoted.json() == {
        "asset": "USDC",
        "chain": CHAIN,
        "fee": "0.15",
        "total": "25.15",
        "estimated_seconds": 5,
    }


def test_money_moves_once_for_one_key_and_never_without_one(amira: Client) -> None:
    first = amira.post("/v1/withdrawals", body(), key="k1")
    again = amira.post("/v1/withdrawals", body(), key="k1")
    other = amira.post("/v1/withdrawals", body("26"), key="k1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    headers = {"authorization": f"Bearer {amira.key}"}
    bare = amira.http.post("/v1/withdrawals", json=body(), headers=headers)
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_required")
    assert len(amira.get("/v1/withdrawals").json()["data"]) == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount": "5000"}, 422, "insufficient_funds"),
        ({"amount": "0"}, 422, "invalid_amount"),
        ({"amount": "1.0000001"}, 422, "invalid_amount"),
        ({"to_address": "0x" + VAULT.hex()}, 422, "invalid_address"),
        ({"to_address": "0x" + "0" * 40}, 422, "invalid_address"),
        ({"to_address": SOMEBODY.replace("b", "B")}, 422, "invalid_address"),
        ({"to_address": "0x12"}, 422, "invalid_request"),
        ({"asset": "DOGE"}, 422, "unknown_asset"),
        ({"chain": "eip155:1"}, 422, "unknown_chain"),
        ({"account": "acct_other"}, 404, "not_found"),
    ],
)
def test_what_is_refused(amira: Client, change: dict[str, str], status: int, code: str) -> None:
    answer = amira.post("/v1/withdrawals", body() | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_a_large_withdrawal_needs_a_second_pair_of_eyes(
    amira: Client, operator: Client, approver: Client
) -> None:
    asked = operator.post("/v1/withdrawals", body("1500", account=amira.account_id)).json()
    assert (asked["status"], asked["held_reason"]) == ("held", "above_limit")
    path = f"/v1/withdrawals/{asked['id']}"
    own = amira.post(f"{path}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "scope_missing")
    same = operator.post(f"{path}/approve")
    assert (same.status_code, same.json()["code"]) == (403, "same_person")
    assert approver.post(f"{path}/approve").json()["status"] == "approved"
    again = approver.post(f"{path}/approve")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


def test_reject_and_cancel_give_the_money_back(
    amira: Client, approver: Client, open_account: Make
) -> None:
    held = amira.post("/v1/withdrawals", body("1500")).json()["id"]
    small = amira.post("/v1/withdrawals", body("15")).json()["id"]
    stranger = open_account("badr")
    assert stranger.get(f"/v1/withdrawals/{small}").status_code == 404
    assert stranger.post(f"/v1/withdrawals/{small}/cancel").status_code == 404
    assert approver.post(f"/v1/withdrawals/{held}/reject").json()["status"] == "rejected"
    assert amira.post(f"/v1/withdrawals/{small}/cancel").json()["status"] == "cancelled"
    balances = amira.get(f"/v1/accounts/{amira.account_id}/balances").json()["data"]
    usdc = next(one for one in balances if one["asset"] == "USDC")
    assert (usdc["available"], usdc["held"]) == ("5000.00", "0.00")


def test_a_database_that_goes_while_policy_looks_is_no_mistake_of_ours(
    amira: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(session: Session, _: object) -> object:
        session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        raise AssertionError("the connection was ended")

    monkeypatch.setitem(policy.CONCERNS, "book", policy.Concern(gone, ()))
    answer = amira.post("/v1/withdrawals", body())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
    monkeypatch.undo()
    assert amira.post("/v1/withdrawals", body()).status_code == 201
    assert len(amira.get("/v1/withdrawals").json()["data"]) == 1
