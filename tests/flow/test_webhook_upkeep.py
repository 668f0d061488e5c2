"""What the deliverer tidies: secrets under old keys or none, and what is left behind."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from gateway import bell, db
from gateway.accounts import service as accounts
from gateway.settings import settings
from gateway.webhooks import disabling, endpoints, outbox, sealing, service, upkeep
from gateway.webhooks.store import Endpoint
from tests.flow.receiver import Receiver, receiver
from workers.deliver import deliver, tidied, tidy

OLD, NEW = (base64.b64encode(bytes([number] * 32)).decode() for number in (1, 2))
Give = Callable[[str], None]


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


@pytest.fixture
def give(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Give]:
    def keys(words: str) -> None:
        monkeypatch.setenv("MIZAN_WEBHOOK_KEYS", words)
        settings.cache_clear()

    yield keys
    monkeypatch.undo()
    settings.cache_clear()


def listen(account: str | None, url: str) -> Endpoint:
    with db.transaction() as session:
        return endpoints.create(session, account_id=account, url=url, events=None)


def rotate(endpoint: Endpoint) -> None:
    with db.transaction() as session:
        endpoints.rotate(session, endpoints.find(session, endpoint.id, for_update=True))


def tell(account: str, name: str) -> None:
    with db.transaction() as session:
        service.emit(
            session, type="invoice.paid", account_id=account, object_id=name, data={"id": name}
        )


def change(statement: str, **values: Any) -> None:
    with db.transaction() as session:
        session.execute(text(statement), values)


def ask(statement: str) -> list[Any]:
    with db.transaction() as session:
        return [tuple(row) for row in session.execute(text(statement))]


def tidy_now() -> None:
    tidied().clear()
    tidy()


def test_an_old_key_may_be_dropped_once_all_is_sealed_with_the_new_one(
    merchant: str, shop: Receiver, give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SEALED_AT_ONCE_MAX", 2)
    give(OLD)
    made = [listen(merchant, shop.url) for _ in range(3)]
    rotate(made[0])
    secrets = {endpoint.id: endpoints.secret(endpoint) for endpoint in made}
    give(f"{NEW} {OLD}")
    for _ in range(2):
        tidy_now()
    give(NEW)
    name = next(iter(sealing.keys()))
    stored = ask(
        "select secret from webhook_endpoint union all select previous_secret"
        " from webhook_endpoint where previous_secret is not null"
    )
    assert [key.split(":")[1] for (key,) in stored] == [name] * 4
    tell(merchant, "inv_1")
    deliver()
    assert len(shop.received) == 3
    right = 0
    for got in shop.received:
        for secret in secrets.values():
            try:
                Webhook(secret).verify(got.body, got.headers)
            except WebhookVerificationError:
                continue
            right += 1
    assert right == 3  # the rotated one's first secret signs too
    assert ask("select kind from alarm") == []


def test_a_previous_secret_that_stays_shut_stops_nothing(
    merchant: str, shop: Receiver, give: Give
) -> None:
    give(OLD)
    endpoint = listen(merchant, shop.url)
    give(NEW)
    rotate(endpoint)
    with db.transaction() as session:
        secret = endpoints.secret(endpoints.find(session, endpoint.id))
    tell(merchant, "inv_1")
    deliver()
    (got,) = shop.received
    Webhook(secret).verify(got.body, got.headers)
    assert len(got.headers["webhook-signature"].split()) == 1
    give(f"{sealing.new_key()} {NEW}")
    tidy_now()  # the one that opens is sealed anew, the other is left for the key that opens it
    name = next(iter(sealing.keys()))
    ((now, before),) = ask("select secret, previous_secret from webhook_endpoint")
    assert now.split(":")[1] == name
    assert before == endpoint.secret
    assert ask("select kind from alarm") == []


@pytest.mark.parametrize("broken", ["no key", "another row's", "no base64", "too short"])
def test_a_secret_that_stays_shut_calls_a_person_and_stops_no_other(
    merchant: str, shop: Receiver, give: Give, broken: str
) -> None:
    give(f"{NEW} {OLD}")
    shut, well = listen(merchant, shop.url), listen(merchant, shop.url)
    name = next(iter(sealing.keys()))
    stored = {
        "no key": "sealed:00000000:AAAA",
        "another row's": well.secret,
        "no base64": f"sealed:{name}:A",
        "too short": f"sealed:{name}:AAAA",
    }[broken]
    change("update webhook_endpoint set secret = :stored where id = :id", stored=stored, id=shut.id)
    tell(merchant, "inv_1")
    for _ in range(2):
        deliver()
        tidy_now()
    assert len(shop.received) == 1
    Webhook(endpoints.secret(well)).verify(shop.received[0].body, shop.received[0].headers)
    assert ask("select kind, subject from alarm") == [("webhook_secret_shut", shut.id)]
    rotate(shut)
    change("update delivery set lease_until = null where status = 'pending'")
    deliver()
    assert len(shop.received) == 2


def test_what_was_told_while_an_endpoint_was_stopped_does_not_wait_for_ever(
    merchant: str, shop: Receiver
) -> None:
    stopped, other = listen(merchant, shop.url), listen(merchant, shop.url)
    with db.transaction() as telling:  # it sees the endpoint active, and commits after it is not
        service.emit(
            telling, type="invoice.paid", account_id=merchant, object_id="inv_1", data={"id": "1"}
        )
        with db.transaction() as session:
            disabling.stop(session, stopped.id, "the endpoint was deactivated")
    waits = "select endpoint_id, status, error from delivery order by endpoint_id"
    assert (stopped.id, "pending", None) in ask(waits)
    with db.transaction() as session:
        (job,) = outbox.take(session, 10)
    assert job.endpoint_id == other.id
    tidy_now()
    assert {row[0]: row[1:] for row in ask(waits)} == {
        stopped.id: ("failed", "the endpoint was deactivated"),
        other.id: ("pending", None),
    }
