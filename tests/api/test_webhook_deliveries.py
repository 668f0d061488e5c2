"""A merchant's view of its webhooks over HTTP: tests, attempts, replays, health."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from standardwebhooks import Webhook

from gateway import db
from gateway.webhooks import service
from tests.api.conftest import Client, Make
from tests.flow.receiver import Receiver, Reply, receiver
from workers.deliver import deliver

ENDPOINTS = "/v1/webhook_endpoints"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def shop(open_account: Make) -> Client:
    made: Client = open_account("shop", "merchant")
    return made


def tell(account: str | None, name: str, kind: str = "invoice.paid") -> str:
    with db.transaction() as session:
        return service.emit(
            session, type=kind, account_id=account, object_id=name, data={"id": name}
        ).id


def listen(shop: Client, url: str, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = shop.post(ENDPOINTS, {"url": url, **body}).json()
    return made


def test_a_test_event_arrives_signed_and_its_attempts_are_shown(
    shop: Client, server: Receiver
) -> None:
    server.reply = lambda _: Reply(503, {"x-shop": "closed"}, b"come back")
    made = listen(shop, server.url, events=["invoice.*"])
    asked = shop.post(f"{ENDPOINTS}/{made['id']}/test", key="once")
    assert asked.status_code == 201
    delivery = asked.json()
    assert (delivery["status"], delivery["type"], delivery["object"]) == (
        "pending", "webhook.test", made["id"],
    )  # fmt: skip
    again = shop.post(f"{ENDPOINTS}/{made['id']}/test", key="once").json()
    assert again == delivery  # asked twice with one key, sent once
    deliver()
    (got,) = server.received
    body = Webhook(made["secret"]).verify(got.body, got.headers)
    assert body == shop.get(f"/v1/events/{delivery['event']}").json()
    assert body["data"]["secret"] is None
    seen = shop.get(f"{ENDPOINTS}/deliveries/{delivery['id']}").json()
    assert (seen["attempts"], seen["response_status"], seen["error"]) == (1, 503, "HTTP 503")
    page = shop.get(f"{ENDPOINTS}/deliveries/{delivery['id']}/attempts").json()
    (attempt,) = page["data"]
    assert attempt["request"]["method"] == "POST"
    assert attempt["request"]["url"] == server.url
    assert attempt["request"]["body"] == got.body
    assert attempt["request"]["headers"].items() <= got.headers.items()
    assert attempt["response"]["status"] == 503
    assert attempt["response"]["headers"]["x-shop"] == "closed"
    assert attempt["response"]["body"] == "come back"
    health = shop.get(f"{ENDPOINTS}/{made['id']}").json()["health"]
    assert (health["bad_24h"], health["success_rate_24h"], health["waiting"]) == (1, 0, 1)
    assert health["failing_since"] == health["last_failure_at"]
    assert shop.get(ENDPOINTS).json()["data"][0]["health"] == health


def test_what_was_missed_is_replayed(shop: Client, server: Receiver) -> None:
    events = [tell(shop.account_id, f"inv_{number}") for number in range(3)]
    made = listen(shop, server.url, events=["invoice.*"])
    path = f"{ENDPOINTS}/{made['id']}/replay"
    asked = shop.post(path, {"from_event": events[1]})
    assert (asked.status_code, asked.json()) == (200, {"queued": 2, "next_event": None})
    deliver()
    heard = [json.loads(got.body)["id"] for got in server.received]
    assert sorted(heard) == events[1:]
    missed = {"from_time": "2026-01-01T00:00:00Z", "include_delivered": False}
    assert shop.post(path, missed).json()["queued"] == 1
    assert shop.post(path, {"from_time": "2999-01-01T00:00:00Z"}).json()["queued"] == 0
    listed = shop.get(f"{ENDPOINTS}/{made['id']}/deliveries").json()["data"]
    assert [row["event"] for row in listed] == events[::-1]
    assert {row["type"] for row in listed} == {"invoice.paid"}


def test_a_replay_from_nowhere_is_refused(shop: Client) -> None:
    made = listen(shop, "https://shop.example/hooks")
    bodies: list[dict[str, Any]] = [
        {},
        {"from_event": "evt_1", "from_time": "2026-01-01T00:00:00Z"},
        {"from_event": "evt_nowhere"},
        {"from_event": "a\x00b"},
        {"from_time": "yesterday"},
        {"from_time": "0"},
        {"from_time": "2026-01-01T00:00:00"},
        {"from_time": "2026-01-01T00:00:00Z", "include_delivered": "no"},
    ]
    for body in bodies:
        answer = shop.post(f"{ENDPOINTS}/{made['id']}/replay", body)
        assert answer.status_code == 422, (body, answer.text)
    for far in ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z"):
        answer = shop.post(f"{ENDPOINTS}/{made['id']}/replay", {"from_time": far})
        assert (answer.status_code, answer.json()["queued"]) == (200, 0), answer.text


def test_a_stranger_sees_and_sends_nothing(shop: Client, open_account: Make) -> None:
    mine = tell(shop.account_id, "inv_1")
    made = listen(shop, "https://shop.example/hooks")
    sent = shop.post(f"{ENDPOINTS}/{made['id']}/test").json()
    other: Client = open_account("other", "merchant")
    theirs = listen(other, "https://other.example/hooks")
    for answer in (
        other.get(f"{ENDPOINTS}/deliveries/{sent['id']}"),
        other.get(f"{ENDPOINTS}/deliveries/{sent['id']}/attempts"),
        other.post(f"{ENDPOINTS}/{made['id']}/test"),
        other.post(f"{ENDPOINTS}/{made['id']}/replay", {"from_event": mine}),
    ):
        assert answer.status_code == 404
    refused = other.post(f"{ENDPOINTS}/{theirs['id']}/replay", {"from_event": mine})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_cursor")
    asked = other.post(f"{ENDPOINTS}/{theirs['id']}/replay", {"from_time": "2026-01-01T00:00:00Z"})
    assert asked.json() == {"queued": 0, "next_event": None}


def test_what_is_off_sends_nothing(shop: Client, http: TestClient) -> None:
    made = listen(shop, "https://shop.example/hooks")
    http.delete(f"{ENDPOINTS}/{made['id']}", headers=shop.headers())
    for path, body in (("test", {}), ("replay", {"from_time": "2026-01-01T00:00:00Z"})):
        answer = shop.post(f"{ENDPOINTS}/{made['id']}/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
