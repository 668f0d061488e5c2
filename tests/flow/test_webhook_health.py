"""Endpoints that fail: left alone, probed, told of, disabled; and what is kept of every attempt."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from gateway import bell, db, ids
from gateway.accounts import service as accounts
from gateway.errors import Conflict
from gateway.webhooks import again, breaker, endpoints, health, record, sealing, service, upkeep
from gateway.webhooks.shapes import EndpointHealth
from gateway.webhooks.store import Attempt, Delivery, Endpoint, Event
from tests.flow.receiver import Receiver, Reply, receiver
from workers.deliver import deliver, tidied, tidy


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def merchant(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(bell, "send", lambda *_: None)
    monkeypatch.setattr(bell, "speak", lambda *_: None)
    with db.transaction() as session:
        return accounts.open_account(session, handle="shop", kind="merchant").id


def listen(account: str | None, url: str, *events: str) -> Endpoint:
    with db.transaction() as session:
        return endpoints.create(session, account_id=account, url=url, events=list(events) or None)


def tell(account: str | None, name: str, kind: str = "invoice.paid", **data: Any) -> str:
    with db.transaction() as session:
        return service.emit(
            session, type=kind, account_id=account, object_id=name, data={"id": name, **data}
        ).id


def told(shop: Receiver) -> list[str]:
    """Return the objects that the receiver heard of, in order, and forget them."""
    heard = [json.loads(got.body)["data"]["id"] for got in shop.received]
    shop.received.clear()
    return heard


def change(statement: str, **values: Any) -> None:
    with db.transaction() as session:
        session.execute(text(statement), values)


def ask(statement: str) -> list[Any]:
    with db.transaction() as session:
        return [tuple(row) for row in session.execute(text(statement))]


def health_of(endpoint: Endpoint) -> EndpointHealth:
    with db.transaction() as session:
        found = session.get_one(Endpoint, endpoint.id, populate_existing=True)
        shown = health.shown(session, [found])[0].health
    assert shown is not None
    return shown


def probe_now() -> None:
    """Let the time to the next probe pass, and nothing else."""
    change("update webhook_endpoint set probe_at = now() where probe_at > now()")


def test_a_dead_endpoint_gets_a_probe_now_and_then_until_it_lives(
    merchant: str, shop: Receiver
) -> None:
    shop.reply = lambda _: Reply(500)
    endpoint = listen(merchant, shop.url)
    for number in range(30):
        tell(merchant, f"inv_{number:02}")
    deliver()
    failed = len(told(shop))
    assert breaker.OPENS_AT <= failed <= breaker.OPENS_AT + 1  # two were on their way
    facts = health_of(endpoint)
    assert (facts.breaker, facts.waiting, facts.bad_24h) == ("open", 30, failed)
    assert facts.failing_since is not None
    assert facts.success_rate_24h == 0
    deliver()
    assert told(shop) == []
    probe_now()
    assert health_of(endpoint).breaker == "half_open"
    deliver()
    assert len(told(shop)) == 1
    deliver()
    assert told(shop) == []
    shop.reply = lambda _: Reply()
    probe_now()
    deliver()
    heard = told(shop)  # all but those that wait for their own second attempt
    assert len(heard) == 30 - failed - 1
    facts = health_of(endpoint)
    assert (facts.breaker, facts.failing_since, facts.waiting) == ("closed", None, failed + 1)
    assert (facts.good_24h, facts.bad_24h) == (len(heard), failed + 1)
    assert facts.success_rate_24h == round(len(heard) / 30, 4)
    assert facts.last_success_at is not None


def test_one_object_that_fails_holds_up_no_other_however_often(
    merchant: str, shop: Receiver
) -> None:
    shop.reply = lambda got: Reply(500 if '"inv_bad"' in got.body else 200)
    endpoint = listen(merchant, shop.url)
    tell(merchant, "inv_bad")
    for _ in range(breaker.OPENS_AT + 1):
        deliver()
        change("update delivery set next_attempt_at = now()")
    assert told(shop) == ["inv_bad"] * (breaker.OPENS_AT + 1)
    assert health_of(endpoint).breaker == "closed"
    change("update delivery set next_attempt_at = now() + interval '1 hour'")
    tell(merchant, "inv_good")
    deliver()
    assert told(shop) == ["inv_good"]


def test_an_unproven_endpoint_gets_few_at_once_and_a_dead_one_a_single_slot(
    merchant: str, shop: Receiver
) -> None:
    busy, most, lock = [0], [0], threading.Lock()

    def count(_: Any) -> Reply:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        threading.Event().wait(0.1)
        with lock:
            busy[0] -= 1
        return Reply(status[0])

    status = [500]
    shop.reply = count
    listen(merchant, shop.url)
    for number in range(12):
        tell(merchant, f"inv_{number}")
    deliver()
    assert most == [2]
    most[0] = 0
    change("update delivery set next_attempt_at = now()")
    probe_now()
    deliver()
    assert most == [1]
    status[0] = 200
    change("update delivery set next_attempt_at = now()")
    probe_now()
    deliver()
    assert 2 < most[0] <= 8
    assert ask("select distinct status from delivery") == [("delivered",)]


def test_a_receiver_that_says_when_is_left_alone_until_then(merchant: str, shop: Receiver) -> None:
    shop.reply = lambda _: Reply(429, {"retry-after": "600"})
    endpoint = listen(merchant, shop.url)
    tell(merchant, "inv_1")
    deliver()
    tell(merchant, "inv_2")
    deliver()
    assert told(shop) == ["inv_1"]
    facts = health_of(endpoint)
    assert facts.breaker == "open"
    assert facts.next_probe_at is not None
    assert timedelta(0) < facts.next_probe_at - datetime.now(UTC) <= timedelta(seconds=600)


def test_after_five_days_of_failure_it_is_disabled_and_people_are_told(
    merchant: str, shop: Receiver
) -> None:
    with receiver() as other:
        shop.reply = lambda _: Reply(500)
        endpoint = listen(merchant, shop.url, "invoice.*")
        watcher = listen(merchant, other.url, "webhook_endpoint.*")
        for number in range(8):
            tell(merchant, f"inv_{number}")
        deliver()
        assert health_of(endpoint).breaker == "open"
        change("update webhook_endpoint set failing_since = now() - interval '5 days'")
        probe_now()
        deliver()
        (got,) = other.received
        body = Webhook(endpoints.secret(watcher)).verify(got.body, got.headers)
    assert body["type"] == "webhook_endpoint.disabled"
    assert body["data"]["id"] == endpoint.id
    assert body["data"]["disabled_reason"] == "the endpoint took nothing for 5 days"
    assert body["data"]["secret"] is None
    assert ask("select kind, subject from alarm") == [("webhook_endpoint_disabled", endpoint.id)]
    statuses = "select distinct status from delivery where object_id like 'inv_%'"
    assert ask(statuses) == [("failed",)]
    shop.reply = lambda _: Reply()
    with db.transaction() as session:  # the merchant repaired it, and asks for what it missed
        found = endpoints.find(session, endpoint.id, for_update=True)
        endpoints.change(session, found, url=None, events=None, every_event=False, active=True)
        since = datetime.now(UTC) - timedelta(hours=1)
        done = again.replay(session, found, from_event=None, from_time=since, delivered=False)
    told(shop)
    deliver()
    assert (done.queued, done.next_event) == (8, None)
    assert sorted(told(shop)) == [f"inv_{number}" for number in range(8)]
    assert health_of(endpoint).breaker == "closed"


def test_every_attempt_is_kept_as_it_was_and_old_ones_are_forgotten(
    merchant: str, shop: Receiver
) -> None:
    answers = iter([Reply(500, {"x-why": "no\u00e9"}, b"\x00down"), Reply(201, body=b"thanks")])
    shop.reply = lambda _: next(answers)
    listen(merchant, shop.url)
    tell(merchant, "inv_1")
    deliver()
    change("update delivery set next_attempt_at = now()")
    deliver()
    with db.transaction() as session:
        first, second = session.query(Attempt).order_by(Attempt.id)
    for attempt, got in zip((first, second), shop.received, strict=True):
        assert attempt.url == shop.url
        assert attempt.request_headers.items() <= got.headers.items()
        assert {"webhook-id", "webhook-signature", "webhook-timestamp"} < set(
            attempt.request_headers
        )
    assert (first.number, first.response_status, first.response_body) == (1, 500, "down")
    assert first.response_headers is not None
    assert first.response_headers["x-why"] == "no\u00e9"
    assert (second.number, second.response_status, second.error) == (2, 201, None)
    with db.transaction() as session:
        assert upkeep.prune(session, datetime.now(UTC)) == 0
        old = ids.first_id("att", datetime.now(UTC) - upkeep.ATTEMPTS_KEPT - timedelta(minutes=1))
        session.execute(
            text("update delivery_attempt set id = :old where id = :id"),
            {"old": old, "id": first.id},
        )
        assert upkeep.prune(session, datetime.now(UTC)) == 1
        assert [row.id for row in session.query(Attempt)] == [second.id]


def test_an_answer_that_cannot_be_recorded_keeps_no_other_from_it(
    merchant: str, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = record.keep

    def fails(session: Any, outcomes: Any) -> None:
        if any(one.sent.job.object_id == "inv_odd" for one in outcomes):
            session.execute(text("select 1 / 0"))
        keep(session, outcomes)

    monkeypatch.setattr(record, "keep", fails)
    endpoint = listen(merchant, shop.url)
    change("update webhook_endpoint set last_success_at = now() where id = :id", id=endpoint.id)
    for name in ("inv_1", "inv_odd", "inv_2"):
        tell(merchant, name)
    with capture_logs() as logs:
        deliver()
    assert "webhook.unrecorded" in {line["event"] for line in logs}
    assert ask("select object_id, status from delivery order by seq") == [
        ("inv_1", "delivered"),
        ("inv_odd", "pending"),
        ("inv_2", "delivered"),
    ]


def test_secrets_are_sealed_in_the_table_those_from_before_too(
    merchant: str, shop: Receiver
) -> None:
    endpoint = listen(merchant, shop.url)
    secret = endpoints.secret(endpoint)
    assert secret.startswith("whsec_")
    assert endpoint.secret.startswith(sealing.PREFIX)
    change("update webhook_endpoint set secret = :plain", plain=secret)
    tell(merchant, "inv_1")
    deliver()
    tidied().clear()
    tidy()
    ((stored,),) = ask("select secret from webhook_endpoint")
    assert stored.startswith(sealing.PREFIX)
    assert secret not in stored
    tell(merchant, "inv_2")
    deliver()
    for got in shop.received:
        Webhook(secret).verify(got.body, got.headers)
    assert len(shop.received) == 2
    change("update webhook_endpoint set secret = 'sealed:00000000:AAAA'")
    tell(merchant, "inv_3")
    deliver()
    assert len(shop.received) == 2
    assert ask("select status from delivery where object_id = 'inv_3'") == [("pending",)]


def test_a_test_event_goes_to_one_endpoint_ahead_of_all_that_waits(
    merchant: str, shop: Receiver
) -> None:
    with receiver() as other:
        shop.reply = lambda _: Reply(500)
        endpoint = listen(merchant, shop.url, "invoice.*")
        listen(merchant, other.url)
        for number in range(7):
            tell(merchant, f"inv_{number}")
        deliver()
        shop.received.clear()
        other.received.clear()
        assert health_of(endpoint).breaker == "open"
        with db.transaction() as session:
            found = endpoints.find(session, endpoint.id)
            sent = again.send_test(session, found)
        shop.reply = lambda _: Reply()
        deliver()
        assert other.received == []
    body = Webhook(endpoints.secret(endpoint)).verify(
        shop.received[0].body, shop.received[0].headers
    )
    assert (body["type"], body["data"]["id"]) == ("webhook.test", endpoint.id)
    with db.transaction() as session:
        assert session.get_one(Delivery, sent.id).status == "delivered"
        endpoints.deactivate(session, endpoints.find(session, endpoint.id, for_update=True))
        with pytest.raises(Conflict):
            again.send_test(session, endpoints.find(session, endpoint.id))


def test_a_replay_goes_on_from_page_to_page_and_asks_nothing_twice(
    merchant: str, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "EVENTS_AT_ONCE_MAX", 4)
    with db.transaction() as session:
        stranger = accounts.open_account(session, handle="other", kind="merchant").id
    before = [tell(merchant, f"inv_{number}", step=number) for number in range(6)]
    tell(stranger, "inv_theirs")
    tell(merchant, "dep_1", kind="deposit.credited")
    endpoint = listen(merchant, shop.url, "invoice.*")  # it was not there when all that happened
    later = [tell(merchant, f"inv_{number}", step=number + 6) for number in range(3)]
    deliver()
    assert sorted(told(shop)) == ["inv_0", "inv_1", "inv_2"]
    queued: list[int] = []
    cursor: str | None = before[1]
    while cursor is not None:
        with db.transaction() as session:
            found = endpoints.find(session, endpoint.id)
            done = again.replay(session, found, from_event=cursor, from_time=None, delivered=False)
        queued.append(done.queued)
        cursor = done.next_event
    assert queued == [4, 1, 0]
    deliver()
    heard = [json.loads(got.body)["data"]["step"] for got in shop.received]
    assert sorted(heard) == [1, 2, 3, 4, 5]
    shop.received.clear()
    with db.transaction() as session:
        found = endpoints.find(session, endpoint.id)
        for _ in range(2):  # what is pending already is left as it is
            done = again.replay(session, found, from_event=later[0], from_time=None, delivered=True)
            queued.append(done.queued)
        assert session.get_one(Event, later[0]).account_id == merchant
    assert queued[-2:] == [3, 0]
    deliver()
    assert sorted(told(shop)) == ["inv_0", "inv_1", "inv_2"]


def test_what_the_sandbox_holds_up_arrives_later_in_order(merchant: str, shop: Receiver) -> None:
    endpoint = listen(merchant, shop.url)
    change("update webhook_endpoint set stuck_until = now() + interval '1 minute'")
    first, second = tell(merchant, "inv_1"), tell(merchant, "inv_1", "invoice.overpaid")
    deliver()
    assert told(shop) == []
    assert ask("select status, attempts, error from delivery order by seq") == [
        ("pending", 1, "timed out: the sandbox holds this endpoint up"),
        ("pending", 0, None),
    ]
    change("update webhook_endpoint set stuck_until = now()")
    change("update delivery set next_attempt_at = now()")
    deliver()
    arrived = [json.loads(got.body)["id"] for got in shop.received]
    assert arrived == [first, second]
    assert health_of(endpoint).waiting == 0
