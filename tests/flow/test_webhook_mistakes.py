"""A receiver's nonsense or a mistake of ours is one failed attempt, never a loop of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from gateway import bell, db
from gateway.accounts import service as accounts
from gateway.webhooks import endpoints, outbox, rules, service
from gateway.webhooks.store import Delivery
from tests.flow.receiver import Receiver, Reply, receiver
from workers.deliver import deliver


@pytest.fixture
def shop(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver that one event is about to be sent to."""
    monkeypatch.setattr(bell, "send", lambda *_: None)
    monkeypatch.setattr(bell, "speak", lambda *_: None)
    with receiver() as found:
        with db.transaction() as session:
            account = accounts.open_account(session, handle="shop", kind="merchant").id
            endpoints.create(session, account_id=account, url=found.url, events=None)
            service.emit(
                session, type="invoice.paid", account_id=account, object_id="inv_1", data={}
            )
        yield found


def attempted() -> Delivery:
    """Return the one delivery after its first attempt, which was recorded and not retried yet."""
    deliver()
    with db.transaction() as session:
        delivery = session.query(Delivery).one()
    assert (delivery.status, delivery.attempts, delivery.lease_until) == ("pending", 1, None)
    assert delivery.next_attempt_at > datetime.now(UTC)
    return delivery


def test_a_retry_after_beyond_all_time_says_nothing(shop: Receiver) -> None:
    shop.reply = lambda _: Reply(503, {"retry-after": "Mon, 01 Jan 99999999999 00:00:00 GMT"})
    assert attempted().error == "HTTP 503"


def test_a_mistake_of_ours_in_reading_an_answer_is_a_failure(
    shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(header: str | None, now: datetime) -> None:
        raise RuntimeError("somebody forgot a case")

    monkeypatch.setattr(rules, "retry_after_seconds", mistaken)
    assert attempted().error == "RuntimeError"
    assert len(shop.received) == 1


def test_a_mistake_of_ours_in_signing_is_a_failure(
    shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(job: outbox.Job) -> dict[str, str]:
        raise KeyError(job.id)

    monkeypatch.setattr(outbox, "headers", mistaken)
    assert attempted().error == "KeyError"
    assert shop.received == []
