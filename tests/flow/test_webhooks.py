"""Events and their webhooks: one transaction, signed, in order per object, tried again."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from gateway import bell, db, outbound
from gateway.accounts import service as accounts
from gateway.errors import Refused
from gateway.outbound import Resolve
from gateway.webhooks import again, alarms, endpoints, outbox, record, sending, service
from gateway.webhooks.record import Sent
from gateway.webhooks.sending import Answer, Line
from gateway.webhooks.store import Delivery, Endpoint
from tests.flow.receiver import Receiver, Reply, receiver
from tests.looping import in_a_loop
from workers.deliver import Courier, deliver

PATIENCE_SECONDS = 14


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The workers that were rung, without Redis."""
    heard: list[str] = []
    monkeypatch.setattr(bell, "send", lambda worker, *ids: heard.append(worker))
    monkeypatch.setattr(bell, "speak", heard.append)
    return heard


@pytest.fixture
def merchant(database: str, rung: list[str]) -> str:
    with db.transaction() as session:
        return accounts.open_account(session, handle="shop", kind="merchant").id


def listen(account: str | None, url: str, *events: str) -> Endpoint:
    with db.transaction() as session:
        return endpoints.create(session, account_id=account, url=url, events=list(events) or None)


def tell(account: str | None, name: str = "inv_1", kind: str = "invoice.paid", **data: Any) -> str:
    with db.transaction() as session:
        return service.emit(
            session, type=kind, account_id=account, object_id=name, data={"id": name, **data}
        ).id


def deliveries() -> list[Delivery]:
    with db.transaction() as session:
        return list(session.query(Delivery).order_by(Delivery.seq, Delivery.id))


def send(url: str, *, development: bool, resolve: Resolve = outbound.resolve) -> Answer:
    """Send one webhook over connections of its own."""

    async def once() -> Answer:
        line = Line(development, resolve)
        try:
            return await line.send(url, "{}", {})
        finally:
            await line.close()

    return in_a_loop(once())


def make_due() -> None:
    """Let the time to the next attempt pass."""
    with db.transaction() as session:
        session.execute(text("update delivery set next_attempt_at = now(), lease_until = null"))
        session.execute(text("update webhook_endpoint set probe_at = now() where probe_at > now()"))


def test_an_event_arrives_signed_and_verifies(merchant: str, shop: Receiver) -> None:
    endpoint = listen(merchant, shop.url)
    event = tell(merchant, amount="12.50", note="شكرا")
    deliver()
    (got,) = shop.received
    body = Webhook(endpoints.secret(endpoint)).verify(got.body, got.headers)
    assert body["id"] == event == got.headers["webhook-id"]
    assert set(body) == {"id", "type", "created_at", "data"}
    assert body["data"] == {"id": "inv_1", "amount": "12.50", "note": "شكرا"}
    (delivery,) = deliveries()
    assert (delivery.status, delivery.attempts, delivery.response_status) == ("delivered", 1, 200)
    assert delivery.response_body == "ok"
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoints.secret(endpoint)).verify(got.body + " ", got.headers)


def test_the_event_lives_and_dies_with_its_transaction(merchant: str, rung: list[str]) -> None:
    listen(merchant, "http://127.0.0.1:9/")
    with db.new_session() as session, session.begin() as transaction:
        service.emit(session, type="invoice.paid", account_id=merchant, object_id="inv_1", data={})
        transaction.rollback()
    assert rung == []
    assert deliveries() == []


def test_it_rings_only_when_somebody_listens(merchant: str, rung: list[str]) -> None:
    tell(merchant)
    assert rung == ["object:inv_1"]
    listen(merchant, "http://127.0.0.1:9/")
    tell(merchant)
    assert "deliver" in rung


@pytest.mark.parametrize(
    ("wanted", "count"),
    [([], 3), (["invoice.*"], 2), (["invoice.paid"], 1), (["invoice.p.*"], 0), (["inv.*"], 0)],
)
def test_an_endpoint_hears_what_it_asked_for(merchant: str, wanted: list[str], count: int) -> None:
    listen(merchant, "http://127.0.0.1:9/", *wanted)
    for kind in ("invoice.paid", "invoice.expired", "deposit.credited"):
        tell(merchant, kind=kind)
    assert len(deliveries()) == count


def test_the_house_hears_all_and_a_merchant_only_its_own(merchant: str) -> None:
    house = listen(None, "http://127.0.0.1:9/")
    with db.transaction() as session:
        other = accounts.open_account(session, handle="other", kind="merchant").id
    listen(other, "http://127.0.0.1:9/")
    tell(merchant)
    tell(None)
    assert [row.endpoint_id for row in deliveries()] == [house.id] * 2


def test_failures_follow_the_schedule_and_then_an_alarm_opens(
    merchant: str, shop: Receiver
) -> None:
    shop.reply = lambda _: Reply(500, body=b"\x00broken" + b"x" * 100_000)
    endpoint = listen(merchant, shop.url)
    tell(merchant)
    for attempt, seconds in enumerate((5, 300, 1800), 1):
        deliver()
        (delivery,) = deliveries()
        left = (delivery.next_attempt_at - datetime.now(UTC)).total_seconds()
        assert (delivery.status, delivery.attempts) == ("pending", attempt)
        assert seconds - 3 < left <= seconds * 1.2
        make_due()
    assert delivery.response_status == 500
    assert delivery.error == "HTTP 500"
    assert delivery.response_body is not None
    assert len(delivery.response_body) < 5_000
    with db.transaction() as session:
        session.execute(text("update delivery set attempts = 9"))
    deliver()
    (delivery,) = deliveries()
    assert (delivery.status, delivery.attempts) == ("failed", 10)
    with db.transaction() as session:
        assert alarms.open_count(session) == 1
        subject = session.scalar(text("select subject from alarm where kind = 'webhook_failed'"))
    assert subject == endpoint.id


def test_order_holds_for_one_object_and_blocks_no_other(merchant: str, shop: Receiver) -> None:
    shop.reply = lambda got: Reply(503 if json.loads(got.body)["data"]["id"] == "inv_1" else 200)
    listen(merchant, shop.url)
    for step in range(3):
        tell(merchant, "inv_1", step=step)
        tell(merchant, "inv_2", step=step)
    deliver()
    bodies = [json.loads(got.body)["data"] for got in shop.received]
    seen = [(body["id"], body["step"]) for body in bodies]
    assert [step for name, step in seen if name == "inv_2"] == [0, 1, 2]
    assert [step for name, step in seen if name == "inv_1"] == [0]
    shop.reply = lambda _: Reply()
    shop.received.clear()
    make_due()
    deliver()
    assert [json.loads(got.body)["data"]["step"] for got in shop.received] == [0, 1, 2]


def test_a_failing_endpoint_blocks_no_other(merchant: str, shop: Receiver) -> None:
    listen(merchant, "http://127.0.0.1:9/")  # nothing listens there
    listen(merchant, shop.url)
    tell(merchant)
    tell(merchant)
    deliver()
    assert len(shop.received) == 2
    assert sorted(row.status for row in deliveries()) == ["delivered"] * 2 + ["pending"] * 2


def test_a_slow_endpoint_holds_up_no_other(merchant: str, shop: Receiver) -> None:
    released = threading.Event()
    with receiver() as slow:
        slow.reply = lambda _: Reply(200 if released.wait(PATIENCE_SECONDS) else 500)
        listen(merchant, slow.url)
        listen(merchant, shop.url)
        for number in range(9):
            tell(merchant, f"inv_{number}")
        worker = threading.Thread(target=deliver)
        worker.start()
        until(lambda: len(shop.received) == 9)
        tell(merchant, "inv_late")
        until(lambda: len(shop.received) == 10)
        released.set()
        worker.join()
    assert [row.status for row in deliveries()] == ["delivered"] * 20


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that must happen before the slow receiver answers."""
    ends = time.monotonic() + PATIENCE_SECONDS / 2
    while not happened():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_410_disables_the_endpoint_and_what_was_pending(merchant: str, shop: Receiver) -> None:
    shop.reply = lambda _: Reply(410)
    endpoint = listen(merchant, shop.url)
    tell(merchant)
    tell(merchant)
    deliver()
    assert len(shop.received) == 1
    assert [row.status for row in deliveries()] == ["failed", "failed"]
    tell(merchant)
    assert len(deliveries()) == 2
    with db.transaction() as session:
        found = session.get_one(Endpoint, endpoint.id)
        assert not found.active
        assert found.disabled_reason == "the endpoint answered 410 Gone"


def test_retry_after_is_honoured(merchant: str, shop: Receiver) -> None:
    shop.reply = lambda _: Reply(429, {"retry-after": "100"})
    listen(merchant, shop.url)
    tell(merchant)
    deliver()
    (delivery,) = deliveries()
    assert delivery.next_attempt_at - datetime.now(UTC) > timedelta(seconds=95)


def test_a_redirect_is_a_failure_and_is_not_followed(merchant: str, shop: Receiver) -> None:
    with receiver() as elsewhere:
        shop.reply = lambda _: Reply(307, {"location": elsewhere.url})
        listen(merchant, shop.url)
        tell(merchant)
        deliver()
        assert elsewhere.received == []
    assert deliveries()[0].error == "HTTP 307"


def test_two_workers_send_each_delivery_once(merchant: str, shop: Receiver) -> None:
    shop.reply = lambda _: Reply(wait=0.005)
    listen(merchant, shop.url)
    for number in range(60):
        tell(merchant, f"inv_{number % 20}", step=number)
    couriers = [Courier() for _ in range(3)]
    workers = [threading.Thread(target=courier.work, args=(20,)) for courier in couriers]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for courier in couriers:
        courier.close()
    deliver()
    steps = [json.loads(got.body)["data"]["step"] for got in shop.received]
    assert sorted(steps) == list(range(60))
    for number in range(20):
        assert [step for step in steps if step % 20 == number] == [number, number + 20, number + 40]


def test_a_killed_worker_s_lease_runs_out(merchant: str, shop: Receiver) -> None:
    listen(merchant, shop.url)
    tell(merchant)
    with db.transaction() as session:
        (lost,) = outbox.take(session, 10)
    deliver()
    assert shop.received == []
    with db.transaction() as session:
        session.execute(text("update delivery set lease_until = now() - interval '1 second'"))
    deliver()
    assert len(shop.received) == 1
    with db.transaction() as session:
        late = Sent(lost, {}, Answer(error="late"), datetime.now(UTC), 1.0)
        record.record(session, [late])  # the lost worker wakes up
    assert deliveries()[0].status == "delivered"


def test_no_transaction_is_open_while_the_call_runs(merchant: str, shop: Receiver) -> None:
    idle = []

    def look(_: Any) -> Reply:
        with db.new_session() as session:
            idle.append(
                session.scalar(
                    text(
                        "select count(*) from pg_stat_activity where datname = current_database()"
                        " and state like 'idle in transaction%'"
                    )
                )
            )
        return Reply(wait=0.1)

    shop.reply = look
    listen(merchant, shop.url)
    tell(merchant)
    deliver()
    assert idle == [0]


def test_rotation_signs_with_both_secrets_for_a_day(merchant: str, shop: Receiver) -> None:
    old = listen(merchant, shop.url)
    with db.transaction() as session:
        found = endpoints.find(session, old.id, for_update=True)
        previous = endpoints.secret(found)
        fresh = endpoints.secret(endpoints.rotate(session, found))
    tell(merchant)
    deliver()
    with db.transaction() as session:
        session.execute(text("update webhook_endpoint set previous_until = now()"))
    tell(merchant)
    deliver()
    first, second = shop.received
    for secret in (previous, fresh):
        Webhook(secret).verify(first.body, first.headers)
    Webhook(fresh).verify(second.body, second.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(previous).verify(second.body, second.headers)


def test_redelivery_sends_again(merchant: str, shop: Receiver) -> None:
    listen(merchant, shop.url)
    tell(merchant)
    deliver()
    with db.transaction() as session:
        again.redeliver(session, session.get_one(Delivery, deliveries()[0].id))
    deliver()
    assert len({got.headers["webhook-id"] for got in shop.received}) == 1
    assert len(shop.received) == 2


def test_a_name_that_leads_home_is_refused_whatever_its_other_addresses() -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34", "10.0.0.7"]

    answer = send("https://shop.example/", development=False, resolve=resolve)
    assert answer.error == "the host has an address that may not be called"
    assert asked == ["shop.example"]


def test_the_checked_address_is_the_one_connected_to(shop: Receiver) -> None:
    port = int(shop.url.split(":")[2].split("/")[0])
    answers = iter([["127.0.0.2", "127.0.0.1"], ["10.0.0.1"]])
    answer = send(
        f"http://shop.example:{port}/hook",
        development=True,
        resolve=lambda host, _: next(answers),
    )
    assert answer.good
    assert shop.received[0].headers["host"] == f"shop.example:{port}"
    assert len(list(answers)) == 1


def test_a_receiver_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "DEADLINE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    for letter in "HTTP/1.1 200 OK\r\n" + "x: y\r\n" * 100:
                        connection.sendall(letter.encode())
                        time.sleep(0.1)
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        started = time.time()
        answer = send(url, development=True)
        thread.join()
    assert answer.error is not None
    assert time.time() - started < 2


def test_an_account_has_a_bounded_number_of_endpoints(session: Session) -> None:
    for _ in range(endpoints.ACTIVE_ENDPOINTS_MAX):
        endpoints.create(session, account_id=None, url="https://shop.example/", events=None)
    with pytest.raises(Refused, match="at most"):
        endpoints.create(session, account_id=None, url="https://shop.example/", events=None)


def test_an_alarm_is_open_once_until_acknowledged(merchant: str) -> None:
    for _ in range(3):
        with db.transaction() as session:
            alarms.raise_alarm(session, kind="node_behind", subject="eip155:1", detail="late")
    with db.transaction() as session:
        assert alarms.open_count(session) == 1
        events = session.scalars(text("select data from event where type = 'alarm.node_behind'"))
        (data,) = events
        alarms.acknowledge(session, data["id"], by="key_1")
        assert alarms.open_count(session) == 0
        alarms.raise_alarm(session, kind="node_behind", subject="eip155:1", detail="late")
        assert alarms.open_count(session) == 1
