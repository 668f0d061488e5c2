"""Signed payments over HTTP without a node: bad input is a problem, a node that is away is 424."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.invoices import service as invoices
from gateway.sending import service as sending
from tests import asking
from tests.api.test_accounts import problem

PAYER = "0x" + "ab" * 20


@pytest.fixture
def invoice(http: TestClient) -> str:
    with db.transaction() as session:
        asking.add_chain(session)
        session.execute(
            text(
                "insert into gasless_token (chain, asset, name, version)"
                " values (:chain, 'USDC', 'USD Coin', '2')"
            ),
            {"chain": asking.CHAIN},
        )
        sending.register_signer(
            session, chain=asking.CHAIN, address=bytes([4] * 20), role="relay", next_nonce=0
        )
        return asking.asked(session, asking.merchant(session)).invoice.id


def typed(http: TestClient, invoice: str, **other: str) -> Any:
    values = {"chain": asking.CHAIN, "asset": "USDC", "from": PAYER, **other}
    return http.get(f"/pay/{invoice}/authorization", params=values)


def test_what_is_to_be_signed_names_the_token_and_the_invoices_address(
    http: TestClient, invoice: str
) -> None:
    answer = typed(http, invoice)
    assert answer.status_code == 200
    data = answer.json()["typed_data"]
    status = http.get(f"/pay/{invoice}/status").json()
    assert data["domain"]["chainId"] == 31337
    assert data["domain"]["verifyingContract"].lower() == "0x" + asking.USDC_CONTRACT.hex()
    assert data["message"]["to"] == status["payment_options"][0]["address"]
    assert data["message"]["value"] == "12500000"
    assert status["signable"] == [f"USDC.{asking.CHAIN}"]
    assert status["authorization"] is None
    assert answer.json()["chain_id"] == "0x7a69"
    again = typed(http, invoice).json()["typed_data"]
    assert again["message"]["nonce"] != data["message"]["nonce"]


def test_what_cannot_be_paid_so_is_told(http: TestClient, invoice: str) -> None:
    problem(typed(http, "inv_none"), 404, "not_found")
    problem(typed(http, invoice, asset="ETH"), 404, "not_found")
    problem(typed(http, invoice, chain="eip155:1"), 404, "not_found")
    problem(typed(http, invoice, **{"from": "0x12"}), 422, "invalid_address")
    with db.transaction() as session:
        session.execute(text("update gasless_token set active = false"))
    problem(typed(http, invoice), 404, "not_found")
    assert http.get(f"/pay/{invoice}/status").json()["signable"] == []


def body(http: TestClient, invoice: str, **other: Any) -> dict[str, Any]:
    message = typed(http, invoice).json()["typed_data"]["message"]
    return {
        "chain": asking.CHAIN,
        "asset": "USDC",
        "authorization": message | other.pop("authorization", {}),
        "signature": "0x" + "11" * 65,
        **other,
    }


def test_rubbish_is_a_problem(http: TestClient, invoice: str) -> None:
    path = f"/pay/{invoice}/authorization"
    rubbish: list[Any] = [None, [], 7, "x", {}, {"chain": "a"}, {"authorization": {}}]
    for one in rubbish:
        problem(http.post(path, json=one), 422, "invalid_request")
    wrong: dict[str, list[Any]] = {
        "value": ["-1", "1.5", "0x1", "1e9", "", 5, None, "9" * 400],
        "nonce": ["0x", "11" * 32, 7, "0x" + "zz" * 32],
        "from": ["0x\x00", "\ud800", ""],
    }
    for field, values in wrong.items():
        for value in values:
            sent = body(http, invoice, authorization={field: value})
            answer = http.post(
                path, content=as_json(sent), headers={"content-type": "application/json"}
            )
            problem(answer, 422, "invalid_request")
    refused: dict[str, dict[str, Any]] = {
        "invalid_number": {"authorization": {"value": str(2**256)}},
        "invalid_bytes": {"signature": "0x11"},
        "invalid_address": {"authorization": {"to": "0x12"}},
    }
    for expected, changes in refused.items():
        problem(http.post(path, json=body(http, invoice, **changes)), 422, expected)


def as_json(value: Any) -> bytes:
    """Write JSON that may hold what no text can."""
    return json.dumps(value).encode()


def test_a_node_that_is_away_refuses_nothing_for_good(http: TestClient, invoice: str) -> None:
    path = f"/pay/{invoice}/authorization"
    answer = http.post(path, json=body(http, invoice))
    assert answer.status_code == 424
    with db.transaction() as session:
        assert session.execute(text("select count(*) from payment_authorization")).scalar() == 0


def test_a_program_is_asked_by_402_and_an_ended_invoice_asks_nothing(
    http: TestClient, invoice: str
) -> None:
    wants = {"accept": "application/json"}
    answer = http.get(f"/pay/{invoice}", headers=wants)
    assert answer.status_code == 402
    assert answer.headers["payment-required"]
    assert "application/json" in answer.headers["content-type"]
    with db.transaction() as session:
        session.execute(text("update invoice set voided_at = now(), status = 'void'"))
    problem(http.get(f"/pay/{invoice}", headers=wants), 409, "wrong_state")
    problem(http.get("/pay/inv_none", headers=wants), 404, "not_found")
    page = http.get(f"/pay/{invoice}", headers={"accept": "text/html, application/json"})
    assert page.headers["content-type"].startswith("text/html")


def test_a_program_is_refused_once_an_invoice_can_only_be_late(
    http: TestClient, invoice: str
) -> None:
    with db.transaction() as session:
        session.execute(
            text(
                "update invoice set expires_at = now() - interval '1 minute', late_hours = 0"
                " where id = :id"
            ),
            {"id": invoice},
        )
        invoices.expire_due(session)
        asking.pay(session, invoices.get(session, invoice), "12.50")
    answer = http.get(f"/pay/{invoice}", headers={"accept": "application/json"})
    problem(answer, 409, "wrong_state")
