"""An operator looks at what was sent, and cancels what is stuck, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain.port import tohex
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from tests.api.conftest import Client
from tests.chain.money_in import CHAIN, DOLLAR, open_till
from tests.chain.money_out import Desk, open_desk
from tests.conftest import TestNode
from workers import signer

ALI = bytes([0xB1] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


@pytest.fixture
def http(desk: Desk) -> Iterator[TestClient]:
    from gateway.app import app

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def key_of(http: TestClient, account_id: str | None = None) -> Client:
    scopes = OPERATOR_SCOPES if account_id is None else ACCOUNT_SCOPES
    with db.transaction() as session:
        _, secret = accounts.issue_key(session, account_id=account_id, name="k", scopes=scopes)
    return Client(http, secret)


def test_an_operator_sees_every_attempt_and_cancels_what_is_stuck(
    desk: Desk, http: TestClient
) -> None:
    operator = key_of(http)
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    desk.pay()
    (shown,) = operator.get("/v1/transactions", chain=CHAIN, state="signed").json()["data"]
    assert (shown["kind"], shown["nonce"], shown["seq"]) == ("payout", 0, 0)
    assert (shown["withdrawals"], shown["cancel_wanted"]) == ([wd], False)
    assert [one["outcome"] for one in shown["attempts"]] == ["sent"]
    answer = operator.post(f"/v1/transactions/{shown['id']}/cancel")
    assert (answer.status_code, answer.json()["cancel_wanted"]) == (202, True)
    desk.pay()
    assert signer.raise_next(CHAIN)
    desk.finish()
    now = operator.get(f"/v1/transactions/{shown['id']}").json()
    assert now["state"] == "cancelled"
    assert [one["cancels"] for one in now["attempts"]] == [True, False]
    assert now["tx_hash"] == now["attempts"][0]["tx_hash"] != tohex(desk.row(wd).tx_hash or b"")
    late = operator.post(f"/v1/transactions/{shown['id']}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")


def test_nobody_else_sees_or_cancels(desk: Desk, http: TestClient) -> None:
    merchant = key_of(http, desk.rich())
    assert merchant.get("/v1/transactions").status_code == 403
    assert merchant.post("/v1/transactions/tx_1/cancel").status_code == 403
    operator = key_of(http)
    assert operator.get("/v1/transactions/tx_none").status_code == 404
    assert operator.get("/v1/transactions", chain="eip155:1").json()["data"] == []
