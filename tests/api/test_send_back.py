"""A payment sent back whole over HTTP: by whom, to where, and once."""

import pytest
from fastapi.testclient import TestClient

from gateway import db
from gateway.accounts import service as accounts
from gateway.accounts.store import Account
from gateway.invoices import service as invoices
from tests import asking
from tests.api.conftest import Client, Make
from tests.api.test_accounts import problem
from tests.flow import outgoing
from tests.flow.books import USDC, fund

SOMEBODY = "0x000000000000000000000000000000000000bEEF"


@pytest.fixture
def shop(open_account: Make) -> Client:
    with db.transaction() as session:
        outgoing.chain_rows(session)
    client: Client = open_account("falafel-corner", kind="merchant")
    with db.transaction() as session:
        fund(session, str(client.account_id), 300 * 10**6, asset=USDC, key="u")
    return client


def void_and_paid(shop: Client) -> tuple[str, str]:
    """Return an invoice of 10 USD that was voided and paid then, and the deposit."""
    with db.transaction() as session:
        facts = asking.asked(session, session.get_one(Account, shop.account_id), "10")
        invoices.void(session, facts.invoice.id)
        deposit = f"dep_{facts.invoice.id}"
        asking.pay(session, facts, "10", deposit=deposit)
        return facts.invoice.id, deposit


def test_it_goes_back_once_and_is_shown(shop: Client) -> None:
    invoice, deposit = void_and_paid(shop)
    path = f"/v1/invoices/{invoice}/refunds"
    body = {"payment": deposit, "to_address": SOMEBODY}
    made = shop.post(path, body, key="one")
    assert made.status_code == 201, made.text
    found = made.json()
    assert (found["payment"], found["amount"], found["to_address"]) == (deposit, "10.00", SOMEBODY)
    assert shop.post(path, body, key="one").json() == found
    problem(shop.post(path, body, key="two"), 409, "wrong_state")
    assert shop.get(path).json()["data"] == [found]
    assert shop.get(f"/v1/withdrawals/{found['withdrawal']}").json()["refund"] == found["id"]


def test_what_it_needs(shop: Client, http: TestClient, open_account: Make) -> None:
    invoice, deposit = void_and_paid(shop)
    path = f"/v1/invoices/{invoice}/refunds"
    body = {"payment": deposit, "to_address": SOMEBODY}
    keyless = http.post(path, json=body, headers=shop.headers())
    problem(keyless, 400, "idempotency_key_required")
    problem(shop.post(path, {"payment": deposit}), 422, "to_address_required")
    for more in ({"amount": "1"}, {"kind": "full"}, {"rate": "current"}, {"to": "payer"}):
        problem(shop.post(path, {**body, **more}), 422, "amount_does_not_fit")
    problem(shop.post(path, {**body, "payment": "dep_nothing"}), 404, "not_found")
    rival = open_account("tea", kind="merchant")
    problem(rival.post(path, body), 404, "not_found")
    with db.transaction() as session:
        _, reader = accounts.issue_key(
            session,
            account_id=str(shop.account_id),
            name="till",
            scopes=frozenset({"invoices:read", "invoices:write"}),
        )
    problem(Client(http, reader, shop.account_id).post(path, body), 403, "scope_missing")
