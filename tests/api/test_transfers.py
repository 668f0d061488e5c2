"""Transfers over HTTP, and the one idempotency mechanism on the way."""

import threading
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.web import auth, requests
from tests.api.conftest import Client, Make
from tests.api.test_accounts import problem
from tests.flow.books import fund

STORED = text(
    "insert into idempotency_key (principal, key, request_hash, status, body)"
    " values (:principal, :key, '', 201, '{}')"
)
BODY = {"to": "@karim", "asset": "USDC", "amount": "12.50"}


@pytest.fixture
def amira(open_account: Make) -> Client:
    open_account("karim")
    client: Client = open_account("amira")
    with db.transaction() as session:
        fund(session, client.account_id or "", 100_000_000)
    return client


def available(client: Client) -> str:
    rows = client.get(f"/v1/accounts/{client.account_id}/balances").json()["data"]
    return next(str(row["available"]) for row in rows if row["asset"] == "USDC")


def test_a_transfer_is_posted_and_listed_on_both_sides(amira: Client) -> None:
    sent = amira.post("/v1/transfers", BODY | {"memo": "lunch"}).json()
    assert sent["status"] == "posted"
    assert sent["from"] == amira.account_id
    assert amira.get(f"/v1/transfers/{sent['id']}").json() == sent
    assert amira.get("/v1/transfers").json()["data"] == [sent]
    assert available(amira) == "87.50"
    lines = amira.get(f"/v1/accounts/{amira.account_id}/entries").json()["data"]
    assert [(line["amount"], line["balance_after"]) for line in lines] == [
        ("-12.50", "87.50"),
        ("100.00", "100.00"),
    ]
    assert lines[0]["caused_by"] == sent["id"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount": "100.000001"}, 422, "insufficient_funds"),
        ({"amount": "1.0000001"}, 422, "invalid_amount"),
        ({"amount": "0"}, 422, "invalid_amount"),
        ({"amount": "-1"}, 422, "invalid_request"),
        ({"amount": 5}, 422, "invalid_request"),
        ({"asset": "DOGE"}, 422, "unknown_asset"),
        ({"to": "@nobody"}, 404, "not_found"),
        ({"to": "@amira"}, 422, "same_account"),
        ({"memo": "a\x00b"}, 422, "invalid_request"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_moves_nothing(
    amira: Client, change: dict[str, Any], status: int, code: str
) -> None:
    problem(amira.post("/v1/transfers", BODY | change), status, code)
    assert available(amira) == "100.00"


def test_another_accounts_money_cannot_be_sent(amira: Client, open_account: Make) -> None:
    thief = open_account("thief")
    stolen = BODY | {"from": amira.account_id}
    problem(thief.post("/v1/transfers", stolen), 404, "not_found")


def test_a_transfer_must_carry_an_idempotency_key(amira: Client) -> None:
    answer = amira.http.post("/v1/transfers", json=BODY, headers=amira.headers())
    problem(answer, 400, "idempotency_key_required")


def test_the_same_key_moves_money_once_and_gets_the_same_answer(amira: Client) -> None:
    first = amira.post("/v1/transfers", BODY, key="k1")
    again = amira.post("/v1/transfers", BODY, key="k1")
    assert again.status_code == first.status_code == 201
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert available(amira) == "87.50"


def test_the_same_key_with_another_body_is_refused(amira: Client) -> None:
    amira.post("/v1/transfers", BODY, key="k1")
    other = amira.post("/v1/transfers", BODY | {"amount": "1"}, key="k1")
    problem(other, 422, "idempotency_key_reused")


def test_a_refusal_is_not_stored(amira: Client) -> None:
    too_much = amira.post("/v1/transfers", BODY | {"amount": "1000"}, key="k1")
    assert too_much.status_code == 422
    assert amira.post("/v1/transfers", BODY, key="k1").status_code == 201


def test_a_secret_is_shown_once_even_when_replayed(amira: Client) -> None:
    path = f"/v1/accounts/{amira.account_id}/api_keys"
    first = amira.post(path, {"scopes": ["accounts:read"]}, key="k1").json()
    again = amira.post(path, {"scopes": ["accounts:read"]}, key="k1").json()
    assert first["secret"].startswith("sk_")
    assert again == first | {"secret": None}


def test_a_lost_scope_also_loses_the_stored_answer(amira: Client) -> None:
    """A key that may not send must not read the answer of one that did."""
    amira.post("/v1/transfers", BODY, key="k1")
    path = f"/v1/accounts/{amira.account_id}/api_keys"
    weak = Client(amira.http, amira.post(path, {"scopes": ["accounts:read"]}).json()["secret"])
    problem(weak.post("/v1/transfers", BODY, key="k1"), 403, "scope_missing")


def test_twenty_equal_requests_at_once_move_money_once(amira: Client) -> None:
    answers: list[int] = []

    def send() -> None:
        answers.append(amira.post("/v1/transfers", BODY, key="race").status_code)

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {201, 409}
    assert 201 in answers
    assert available(amira) == "87.50"


def test_an_answer_stored_in_the_moment_of_the_claim_is_not_acted_on_again(
    amira: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement that takes the lock may have begun before the other's commit."""

    def after_another(request: Any, principal: str, earlier: requests.Earlier) -> None:
        requests.replay_or_claim(request, principal, earlier)
        with db.transaction() as session:
            session.execute(STORED, {"principal": principal, "key": earlier.key})

    with monkeypatch.context() as patch:
        patch.setattr(auth, "replay_or_claim", after_another)
        problem(amira.post("/v1/transfers", BODY, key="k1"), 409, "request_in_progress")
    assert available(amira) == "100.00"


def test_twenty_different_requests_at_once_never_overdraw(amira: Client) -> None:
    answers: list[int] = []

    def send(number: int) -> None:
        answers.append(amira.post("/v1/transfers", BODY, key=f"r{number}").status_code)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] * 8 + [422] * 12
    assert available(amira) == "0.00"
