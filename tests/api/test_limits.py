"""Tiers and limits over HTTP."""

import pytest

from gateway import db
from tests.api.conftest import Client, Make
from tests.api.test_withdrawals import body
from tests.flow.books import fund
from tests.flow.outgoing import DOLLAR, chain_rows


@pytest.fixture
def amira(open_account: Make) -> Client:
    client: Client = open_account("amira")
    with db.transaction() as session:
        chain_rows(session)
        fund(session, str(client.account_id), 5_000 * DOLLAR)
    return client


def test_an_account_reads_its_limits_and_an_operator_sets_them(
    amira: Client, operator: Client
) -> None:
    path = f"/v1/accounts/{amira.account_id}/limits"
    assert amira.get(path).json() == {
        "account": amira.account_id,
        "tier": 0,
        "windows": [],
        "withdrawals_a_day": None,
        "approval_above": None,
    }
    limit = {"tier": 2, "kind": "day", "amount": "100"}
    made = operator.post("/v1/limits", limit)
    assert (made.status_code, made.json()["amount"]) == (201, "100.00")
    assert operator.get("/v1/limits").json()["data"] == [made.json()]
    tier = {"tier": 2, "evidence": "passport"}
    answer = operator.post(f"/v1/accounts/{amira.account_id}/tier", tier)
    window = {"window": "day", "limit": "100.00", "left": "100.00", "frees_at": None}
    assert (answer.status_code, answer.json()["windows"]) == (200, [window])
    refused = amira.post("/v1/withdrawals", body("100.01")).json()
    assert (refused["status"], refused["failure_reason"]) == ("rejected", "over_limit")
    assert refused["failure_detail"] == "100.00 USD are left of the day's limit"
    assert amira.post("/v1/withdrawals", body("60")).json()["status"] == "approved"
    (now,) = amira.get(path).json()["windows"]
    assert (now["left"], now["frees_at"] is not None) == ("40.00", True)


def test_who_may_not(amira: Client, operator: Client, open_account: Make) -> None:
    tier = {"tier": 3, "evidence": "because"}
    assert amira.post(f"/v1/accounts/{amira.account_id}/tier", tier).status_code == 403
    assert amira.post("/v1/limits", {}).status_code in (403, 422)
    stranger = open_account("badr")
    assert stranger.get(f"/v1/accounts/{amira.account_id}/limits").status_code == 404
    for wrong in ({"tier": 4}, {"kind": "year"}, {"amount": "1.234"}, {"amount": "-1"}):
        answer = operator.post("/v1/limits", {"tier": 1, "kind": "day", "amount": "1"} | wrong)
        assert answer.status_code == 422, answer.text
    much = operator.post("/v1/limits", {"tier": 1, "kind": "day", "amount": "9" * 14})
    assert much.json()["code"] == "invalid_amount"
