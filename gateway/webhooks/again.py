"""Sent because a person asks: one delivery again, a test event, events from some point on.

The endpoint is locked before its deliveries, as where answers are recorded.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import bell
from gateway.errors import Conflict, Refused
from gateway.ids import first_id, new_id
from gateway.webhooks.service import DELIVERY_ID, OF_LINK, WANTED
from gateway.webhooks.shapes import EndpointShape
from gateway.webhooks.store import Delivery, Endpoint, Event

TEST_TYPE = "webhook.test"
EVENTS_AT_ONCE_MAX = 2_000
CLOCKS_APART_MAX = timedelta(minutes=5)
"""Between the clock that made an event's id and the one that dated it."""
FIRST_TIME = datetime(2020, 1, 1, tzinfo=UTC)
"""Before every event."""

FIRST_IN_LINE = text("""
    select least(now(), min(next_attempt_at)) - interval '1 millisecond' from delivery
    where endpoint_id = :endpoint and status = 'pending'
""")
FOUND = """
    select e.id, e.object_id, e.seq from event e, webhook_endpoint w
    where w.id = :endpoint and (w.account_id is null or e.account_id = w.account_id)
        and e.id >= :first and (cast(:since as timestamptz) is null or e.created_at >= :since)
        and e.type <> 'webhook.test'
    order by e.id limit :most
"""
# Deliveries that are pending already keep their place.
REPLAY = text(f"""
    with found as ({FOUND}), asked as (
        insert into delivery as d (id, event_id, endpoint_id, object_id, seq)
        select {DELIVERY_ID.format(event="f.id", endpoint="w.id")}, f.id, w.id, f.object_id, f.seq
        from found f join event e on e.id = f.id join webhook_endpoint w on w.id = :endpoint
        where {WANTED.format(type="e.type")} and {OF_LINK.format(data="e.data")}
        order by f.seq
        on conflict (event_id, endpoint_id) do update set status = 'pending', attempts = 0,
            next_attempt_at = now(), delivered_at = null, lease_until = null
        where d.status = 'failed' or (d.status = 'delivered' and :delivered)
        returning 1
    )
    select (select count(*) from asked) as queued, (select count(*) from found) as found,
        (select max(id) from found) as last
""")  # noqa: S608 — made of constants of ours
NEXT = text("""
    select min(e.id) from event e, webhook_endpoint w
    where w.id = :endpoint and (w.account_id is null or e.account_id = w.account_id)
        and e.id > :last
""")


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries leave again, and the event to go on from."""

    queued: int
    next_event: str | None


def redeliver(session: Session, delivery: Delivery) -> Delivery:
    """Send again, now, with the whole schedule ahead. Raises Conflict if the endpoint is off."""
    probe(session, delivery.endpoint_id)
    session.refresh(delivery, with_for_update=True)
    delivery.status = "pending"
    delivery.attempts = 0
    delivery.next_attempt_at = first_in_line(session, delivery.endpoint_id)
    delivery.delivered_at = None
    session.flush()
    bell.ring(session, "deliver")
    return delivery


def send_test(session: Session, endpoint: Endpoint) -> Delivery:
    """Send a test event to this endpoint alone, whatever it listens to. Raises Conflict."""
    probe(session, endpoint.id)
    event = Event(
        id=new_id("evt"),
        type=TEST_TYPE,
        account_id=endpoint.account_id,
        object_id=endpoint.id,
        data=EndpointShape.of(endpoint).model_dump(mode="json"),
    )
    session.add(event)
    session.flush()
    session.refresh(event)
    delivery = Delivery(
        id=new_id("dlv"),
        event_id=event.id,
        endpoint_id=endpoint.id,
        object_id=endpoint.id,
        seq=event.seq,
        status="pending",
        attempts=0,
        next_attempt_at=first_in_line(session, endpoint.id),
        created_at=datetime.now(UTC),
    )
    session.add(delivery)
    session.flush()
    bell.ring(session, "deliver")
    return delivery


def replay(
    session: Session,
    endpoint: Endpoint,
    *,
    from_event: str | None,
    from_time: datetime | None,
    delivered: bool,
) -> Replayed:
    """Send again what the endpoint listens to, from an event or a time on, oldest first.

    What was delivered is sent again only if `delivered` says so. At most EVENTS_AT_ONCE_MAX events
    are looked at; `next_event` is where to go on. An event that is committed late needs no replay:
    its delivery is made with it. Raises Refused for an unknown event, Conflict if it is off.
    """
    probe(session, endpoint.id)
    if from_event is not None:
        check_event(session, endpoint, from_event)
    first = from_event or first_id(
        "evt", max(from_time or FIRST_TIME, FIRST_TIME) - CLOCKS_APART_MAX
    )
    row: Any = session.execute(
        REPLAY,
        {
            "endpoint": endpoint.id,
            "first": first,
            "since": from_time,
            "most": EVENTS_AT_ONCE_MAX,
            "delivered": delivered,
        },
    ).one()
    if row.queued:
        bell.ring(session, "deliver")
    if row.found < EVENTS_AT_ONCE_MAX:
        return Replayed(row.queued, None)
    following = session.scalar(NEXT, {"endpoint": endpoint.id, "last": row.last})
    return Replayed(row.queued, following)


def check_event(session: Session, endpoint: Endpoint, event_id: str) -> None:
    """Raise Refused unless it is an event that the endpoint's owner may see."""
    event = session.get(Event, event_id)
    if event is None or endpoint.account_id not in (None, event.account_id):
        raise Refused("from_event is no event of this account", code="unknown_cursor")


def probe(session: Session, endpoint_id: str) -> None:
    """Let the breaker try now: a person asks. Raises Conflict if the endpoint is off."""
    endpoint = session.get_one(Endpoint, endpoint_id, with_for_update={"key_share": True})
    if not endpoint.active:
        raise Conflict("the endpoint is not active", code="wrong_state")
    if endpoint.probe_at is not None:
        endpoint.probe_at = datetime.now(UTC)
        session.flush()


def first_in_line(session: Session, endpoint_id: str) -> datetime:
    """Return a time before that of everything that waits for the endpoint."""
    moment: datetime = session.scalars(FIRST_IN_LINE, {"endpoint": endpoint_id}).one()
    return moment
