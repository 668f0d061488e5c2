"""Switches and holds over HTTP."""

import pytest

from gateway import db
from gateway.accounts import service as accounts
from gateway.scopes import OPERATOR_SCOPES
from tests.api.conftest import Client, Make
from tests.api.test_withdrawals import body
from tests.flow.books import CHAIN, fund
from tests.flow.outgoing import DOLLAR, chain_rows


@pytest.fixture
def amira(open_account: Make) -> Client:
    client: Client = open_account("amira")
    with db.transaction() as session:
        chain_rows(session)
        fund(session, str(client.account_id), 9_000 * DOLLAR)
    return client


@pytest.fixture
def approver(operator: Client) -> Client:
    with db.transaction() as session:
        _, secret = accounts.issue_key(session, account_id=None, name="b", scopes=OPERATOR_SCOPES)
    return Client(operator.http, secret)


def test_one_operator_stops_everything_and_another_starts_it(
    operator: Client, approver: Client
) -> None:
    placed = operator.post("/v1/pauses", {"scope": "all", "reason": "a drill"})
    assert placed.status_code == 201, placed.text
    assert (placed.json()["subject"], placed.json()["lifted_at"]) == (None, None)
    assert operator.get("/v1/pauses", active=True).json()["data"] == [placed.json()]
    path = f"/v1/pauses/{placed.json()['id']}/lift"
    assert operator.post(path).json()["code"] == "same_person"
    assert approver.post(path).json()["lifted_at"] is not None
    assert approver.post(path).status_code == 409
    assert operator.get("/v1/pauses", active=True).json()["data"] == []


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"scope": "all", "subject": CHAIN}, 422),
        ({"scope": "chain"}, 422),
        ({"scope": "chain", "subject": "eip155:9"}, 422),
        ({"scope": "asset", "subject": "NONE"}, 422),
        ({"scope": "account", "subject": "@nobody", "side": "debit"}, 404),
        ({"scope": "account", "subject": "@amira"}, 422),
        ({"scope": "asset", "subject": "USDC", "side": "debit"}, 422),
        ({"scope": "all", "reason": ""}, 422),
    ],
)
def test_a_switch_says_what_it_stops(
    amira: Client, operator: Client, wrong: dict[str, str], status: int
) -> None:
    answer = operator.post("/v1/pauses", {"reason": "a drill"} | wrong)
    assert answer.status_code == status, answer.text


def test_a_held_withdrawal_is_listed_taken_and_decided_by_another(
    amira: Client, operator: Client, approver: Client
) -> None:
    asked = operator.post("/v1/withdrawals", body("5000", account=amira.account_id)).json()
    (hold,) = operator.get("/v1/holds", status="open").json()["data"]
    assert (hold["kind"], hold["subject"], hold["reason"]) == (
        "withdrawal",
        asked["id"],
        "above_limit",
    )
    path = f"/v1/holds/{hold['id']}"
    assert approver.post(f"{path}/take").json()["owner"] is not None
    assert operator.post(f"{path}/approve").json()["code"] == "same_person"
    done = approver.post(f"{path}/approve", {"note": "called her"})
    assert (done.status_code, done.json()["status"], done.json()["note"]) == (
        200,
        "approved",
        "called her",
    )
    assert approver.post(f"{path}/reject").status_code == 409
    assert operator.get(f"/v1/withdrawals/{asked['id']}").json()["status"] == "approved"


def test_a_rejected_hold_gives_the_money_back(amira: Client, approver: Client) -> None:
    asked = amira.post("/v1/withdrawals", body("5000")).json()
    (hold,) = approver.get("/v1/holds", status="open", kind="withdrawal").json()["data"]
    assert approver.post(f"/v1/holds/{hold['id']}/reject").json()["status"] == "rejected"
    assert amira.get(f"/v1/withdrawals/{asked['id']}").json()["status"] == "rejected"
    assert amira.get("/v1/holds").status_code == 403
    assert amira.post("/v1/pauses", {"scope": "all", "reason": "x"}).status_code == 403
