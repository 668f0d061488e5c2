"""Webhook endpoints, deliveries, events and alarms over HTTP."""

import threading
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.webhooks import alarms, service
from tests.api.conftest import Client, Make

URL = "https://shop.example/hooks"
ENDPOINTS = "/v1/webhook_endpoints"


@pytest.fixture
def shop(open_account: Make) -> Client:
    made: Client = open_account("shop", "merchant")
    return made


def tell(account: str | None, name: str = "inv_1", kind: str = "invoice.paid") -> str:
    with db.transaction() as session:
        return service.emit(session, type=kind, account_id=account, object_id=name, data={}).id


def patch(client: Client, path: str, body: Any) -> Any:
    return client.http.patch(path, json=body, headers=client.headers())


def test_the_secret_is_shown_once_and_never_in_a_replay(shop: Client) -> None:
    made = shop.post(ENDPOINTS, {"url": URL, "events": ["invoice.*"]}, key="k")
    assert made.status_code == 201
    body = made.json()
    assert body["secret"].startswith("whsec_")
    assert (body["account"], body["active"], body["events"]) == (
        shop.account_id, True, ["invoice.*"],
    )  # fmt: skip
    again = shop.post(ENDPOINTS, {"url": URL, "events": ["invoice.*"]}, key="k").json()
    assert again == body | {"secret": None}
    assert shop.get(f"{ENDPOINTS}/{body['id']}").json() == body | {"secret": None}
    assert shop.get(ENDPOINTS).json()["data"] == [body | {"secret": None}]
    fresh = shop.post(f"{ENDPOINTS}/{body['id']}/rotate").json()
    assert fresh["secret"] not in (None, body["secret"])


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://shop.example/"},
        {"url": "https://10.0.0.1/"},
        {"url": "https://u:p@shop.example/"},
        {"url": ""},
        {},
        {"url": URL, "events": []},
        {"url": URL, "events": ["*"]},
        {"url": URL, "events": ["a" * 81]},
        {"url": URL, "secret": "whsec_mine"},
    ],
)
def test_bad_endpoints_are_refused(shop: Client, body: dict[str, Any]) -> None:
    assert shop.post(ENDPOINTS, body).status_code == 422


def test_an_endpoint_is_changed_and_deactivated(shop: Client) -> None:
    made = shop.post(ENDPOINTS, {"url": URL}).json()
    path = f"{ENDPOINTS}/{made['id']}"
    tell(shop.account_id)
    assert patch(shop, path, {"events": ["deposit.*"]}).json()["events"] == ["deposit.*"]
    assert patch(shop, path, {"events": None}).json()["events"] is None
    assert patch(shop, path, {"url": "https://10.0.0.1/"}).status_code == 422
    gone = shop.http.delete(path, headers=shop.headers()).json()
    assert (gone["active"], gone["disabled_reason"]) == (False, "the endpoint was deactivated")
    (delivery,) = shop.get(f"{path}/deliveries").json()["data"]
    assert (delivery["status"], delivery["error"]) == ("failed", "the endpoint was deactivated")
    again = f"{ENDPOINTS}/deliveries/{delivery['id']}/redeliver"
    assert shop.post(again).status_code == 409
    assert patch(shop, path, {"active": True}).json()["active"] is True
    assert shop.post(again).json()["status"] == "pending"


def test_another_account_s_endpoint_does_not_exist(shop: Client, open_account: Make) -> None:
    made = shop.post(ENDPOINTS, {"url": URL}).json()
    tell(shop.account_id)
    (delivery,) = shop.get(f"{ENDPOINTS}/{made['id']}/deliveries").json()["data"]
    other: Client = open_account("other")
    for answer in (
        other.get(f"{ENDPOINTS}/{made['id']}"),
        other.get(f"{ENDPOINTS}/{made['id']}/deliveries"),
        other.post(f"{ENDPOINTS}/{made['id']}/rotate"),
        other.post(f"{ENDPOINTS}/deliveries/{delivery['id']}/redeliver"),
        other.post(ENDPOINTS, {"url": URL, "account": shop.account_id}),
        patch(other, f"{ENDPOINTS}/{made['id']}", {"active": False}),
        other.http.delete(f"{ENDPOINTS}/{made['id']}", headers=other.headers()),
    ):
        assert answer.status_code == 404
    assert other.get(ENDPOINTS).json()["data"] == []


def test_events_are_listed_newest_first_and_filtered(shop: Client, operator: Client) -> None:
    first = tell(shop.account_id)
    second = tell(shop.account_id, "dep_1", "deposit.credited")
    tell(None, "alm_1", "alarm.x")
    assert [e["id"] for e in shop.get("/v1/events").json()["data"]] == [second, first]
    assert len(operator.get("/v1/events").json()["data"]) == 3
    assert [e["id"] for e in shop.get("/v1/events", object="inv_1").json()["data"]] == [first]
    found = shop.get("/v1/events", type="deposit.credited").json()["data"]
    assert [event["id"] for event in found] == [second]
    assert shop.get(f"/v1/events/{first}").json()["type"] == "invoice.paid"
    assert set(found[0]) == {"id", "type", "created_at", "data"}
    for order in ("asc", "desc"):
        assert shop.get("/v1/events", order=order, starting_after="a\x00b").status_code == 422
        lost = shop.get("/v1/events", order=order, starting_after="evt_nowhere")
        assert (lost.status_code, lost.json()["code"]) == (422, "unknown_cursor")


def test_a_replay_never_passes_a_late_committer_by(shop: Client) -> None:
    """An event made before another and committed after it is still served, once, in order."""
    emitted, commit = threading.Event(), threading.Event()
    late: list[str] = []

    def slow() -> None:
        with db.transaction() as session:
            late.append(
                service.emit(
                    session,
                    type="invoice.paid",
                    account_id=shop.account_id,
                    object_id="late",
                    data={},
                ).id
            )
            emitted.set()
            commit.wait()

    before = tell(shop.account_id, "before")
    thread = threading.Thread(target=slow)
    thread.start()
    emitted.wait()
    after = tell(shop.account_id, "after")
    seen = [e["id"] for e in shop.get("/v1/events", order="asc").json()["data"]]
    assert seen == [before]
    commit.set()
    thread.join()
    rest = shop.get("/v1/events", order="asc", starting_after=before).json()
    assert [event["id"] for event in rest["data"]] == [late[0], after]
    assert rest["has_more"] is False


def test_a_replay_by_small_pages_has_every_event_once(shop: Client) -> None:
    with db.transaction() as session:
        for number in range(5):  # one transaction, one millisecond: ids alone have no order
            service.emit(
                session,
                type="invoice.paid",
                account_id=shop.account_id,
                object_id=f"inv_{number}",
                data={"number": number},
            )
    numbers, cursor = [], None
    for _ in range(5):
        query: dict[str, str] = {"starting_after": cursor} if cursor else {}
        page = shop.get("/v1/events", order="asc", limit=2, **query).json()
        numbers += [event["data"]["number"] for event in page["data"]]
        cursor = page["data"][-1]["id"]
        if not page["has_more"]:
            break
    assert numbers == [0, 1, 2, 3, 4]


def test_alarms_are_for_operators(shop: Client, operator: Client) -> None:
    with db.transaction() as session:
        alarms.raise_alarm(session, kind="node_behind", subject="eip155:1", detail="late")
    assert shop.get("/v1/alarms").status_code == 403
    (alarm,) = operator.get("/v1/alarms").json()["data"]
    assert (alarm["kind"], alarm["acknowledged_at"]) == ("node_behind", None)
    done = operator.post(f"/v1/alarms/{alarm['id']}/acknowledge").json()
    assert done["acknowledged_at"] is not None
    assert operator.post(f"/v1/alarms/{alarm['id']}/acknowledge").json() == done
    assert operator.get("/v1/alarms").json()["data"] == []
    assert operator.get("/v1/alarms", status="acknowledged").json()["data"] == [done]
    assert operator.post("/v1/alarms/alm_nowhere/acknowledge").status_code == 404


def test_emit_is_one_statement(shop: Client) -> None:
    shop.post(ENDPOINTS, {"url": URL})
    with db.transaction() as session:
        statements: list[str] = []
        from sqlalchemy import event

        def count(*arguments: Any) -> None:
            statements.append(str(arguments[2]))

        event.listen(db.engine(), "before_cursor_execute", count)
        service.emit(
            session, type="invoice.paid", account_id=shop.account_id, object_id="inv", data={}
        )
        event.remove(db.engine(), "before_cursor_execute", count)
        assert len(statements) == 1
        assert session.scalar(text("select count(*) from delivery")) == 1
