"""Webhook endpoints, their deliveries, the event log and alarms, over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from gateway.errors import NotFound, Refused
from gateway.links.store import PaymentLink
from gateway.web.auth import Principal, owner_listed, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Body, Text, example
from gateway.webhooks import again, alarms, endpoints, health, outbox
from gateway.webhooks.events import replay, types
from gateway.webhooks.shapes import (
    AlarmShape,
    AttemptShape,
    DeliveryShape,
    EndpointShape,
    EventShape,
    EventTypes,
    Link,
    ReplayBody,
    ReplayShape,
    Url,
)
from gateway.webhooks.store import Alarm, Attempt, Delivery, Endpoint, Event

endpoint_routes = router("/v1/webhook_endpoints", "webhooks")
event_routes = router("/v1/events", "webhooks")
alarm_routes = router("/v1/alarms", "operations")

Reader = Annotated[Principal, Depends(require("webhooks:read"))]
Writer = Annotated[Principal, Depends(require("webhooks:write"))]
EventReader = Annotated[Principal, Depends(require("events:read"))]
Operator = Annotated[Principal, Depends(require("operations:read"))]
OperatorWriter = Annotated[Principal, Depends(require("operations:write"))]

Filter = Annotated[Text | None, Query(max_length=80)]


class EndpointBody(Body):
    """A new endpoint; an operator's key that names no account listens to the whole house."""

    model_config = example(url="https://shop.example/hooks", events=["invoice.*"])

    url: Url
    events: EventTypes | None = None
    payment_link: Link | None = None
    account: Annotated[Text | None, Field(max_length=80)] = None


class EndpointChange(Body):
    """What to change of an endpoint."""

    url: Url | None = None
    events: EventTypes | None = None
    payment_link: Link | None = None
    active: bool | None = None


def check_link(session: Tx, link_id: str | None, owner: str | None) -> None:
    """Raise Refused unless it is a link of the owner; the house, None, listens to anybody's."""
    if link_id is None:
        return
    link = session.get(PaymentLink, link_id)
    if link is None or owner not in (None, link.account_id):
        raise Refused(
            "no such payment link of this account",
            code="unknown_payment_link",
            field="payment_link",
        )


def shown(session: Tx, endpoint: Endpoint, *, with_secret: bool = False) -> EndpointShape:
    """Return the endpoint with its health, and with its secret where that is asked for."""
    (shape,) = health.shown(session, [endpoint])
    if with_secret:
        shape.secret = endpoints.secret(endpoint)
    return shape


def delivery_shown(session: Tx, delivery: Delivery) -> DeliveryShape:
    """Return a delivery with its event's type."""
    return DeliveryShape.of(delivery, types(session, [delivery.event_id])[delivery.event_id])


def visible_delivery(session: Tx, principal: Principal, delivery_id: str) -> Delivery:
    """Return the delivery if its endpoint exists for this key; raises NotFound."""
    found = session.get(Delivery, delivery_id)
    if found is None or not principal.sees(endpoints.find(session, found.endpoint_id).account_id):
        raise NotFound("no such delivery")
    return found


def visible(session: Tx, principal: Principal, endpoint_id: str, *, lock: bool = False) -> Endpoint:
    """Return the endpoint if it exists for this key; raises NotFound."""
    endpoint = endpoints.find(session, endpoint_id, for_update=lock)
    if not principal.sees(endpoint.account_id):
        raise NotFound("no such webhook endpoint")
    return endpoint


@endpoint_routes.post("", status_code=201)
def create(body: EndpointBody, session: Tx, principal: Writer) -> EndpointShape:
    """Make an endpoint; the secret is shown in this answer only."""
    owner = body.account if principal.is_operator else principal.own(body.account)
    if owner is not None:
        owner = endpoints.owner(session, owner)
    check_link(session, body.payment_link, owner)
    made = endpoints.create(
        session,
        account_id=owner,
        url=body.url,
        events=body.events,
        payment_link=body.payment_link,
    )
    return shown(session, made, with_secret=True)


@endpoint_routes.get("")
def list_endpoints(
    session: Tx, principal: Reader, where: ListCursor, account: Filter = None
) -> Page[EndpointShape]:
    """List endpoints, newest first."""
    owner = owner_listed(session, principal, account)
    rows, more = page(session, Endpoint, where, account_id=owner)
    return Page(data=health.shown(session, rows), has_more=more)


@endpoint_routes.get("/{endpoint}")
def get_endpoint(endpoint: Text, session: Tx, principal: Reader) -> EndpointShape:
    """Return one endpoint, without its secret."""
    return shown(session, visible(session, principal, endpoint))


@endpoint_routes.patch("/{endpoint}")
def change(endpoint: Text, body: EndpointChange, session: Tx, principal: Writer) -> EndpointShape:
    """Change the URL, the events or the link, deactivate, or activate again."""
    found = visible(session, principal, endpoint, lock=True)
    check_link(session, body.payment_link, found.account_id)
    told = body.model_fields_set
    changed = endpoints.change(
        session,
        found,
        url=body.url,
        events=body.events,
        every_event="events" in told and body.events is None,
        active=body.active,
        payment_link=body.payment_link,
        every_link="payment_link" in told and body.payment_link is None,
    )
    return shown(session, changed)


@endpoint_routes.delete("/{endpoint}")
def deactivate(endpoint: Text, session: Tx, principal: Writer) -> EndpointShape:
    """Stop sending to the endpoint; it stays in the list with its deliveries."""
    found = visible(session, principal, endpoint, lock=True)
    return shown(session, endpoints.deactivate(session, found))


@endpoint_routes.post("/{endpoint}/rotate")
def rotate(endpoint: Text, session: Tx, principal: Writer) -> EndpointShape:
    """Replace the secret; both sign for 24 hours. The new one is shown in this answer only."""
    found = endpoints.rotate(session, visible(session, principal, endpoint, lock=True))
    return shown(session, found, with_secret=True)


@endpoint_routes.post("/{endpoint}/test", status_code=201)
def send_test(endpoint: Text, session: Tx, principal: Writer) -> DeliveryShape:
    """Send a `webhook.test` event to this endpoint now, whatever events it asked for.

    The answer is the delivery; ask for it again, or for its attempts, to see what became of it.
    """
    found = visible(session, principal, endpoint)
    return DeliveryShape.of(again.send_test(session, found), again.TEST_TYPE)


@endpoint_routes.post("/{endpoint}/replay")
def replay_events(endpoint: Text, body: ReplayBody, session: Tx, principal: Writer) -> ReplayShape:
    """Send events again from an event or a time on: those of this account that it listens to.

    At most 2,000 events are looked at in a call: go on with `from_event` = `next_event`.
    """
    done = again.replay(
        session,
        visible(session, principal, endpoint),
        from_event=body.from_event,
        from_time=body.from_time,
        delivered=body.include_delivered,
    )
    return ReplayShape(queued=done.queued, next_event=done.next_event)


@endpoint_routes.get("/{endpoint}/deliveries")
def list_deliveries(
    endpoint: Text,
    session: Tx,
    principal: Reader,
    where: ListCursor,
    status: Literal["pending", "delivered", "failed"] | None = None,
) -> Page[DeliveryShape]:
    """List what was sent, newest first, with the last answer."""
    found = visible(session, principal, endpoint)
    rows, more = page(session, Delivery, where, endpoint_id=found.id, status=status)
    named = types(session, [row.event_id for row in rows])
    return Page(data=[DeliveryShape.of(row, named[row.event_id]) for row in rows], has_more=more)


@endpoint_routes.get("/deliveries/{delivery}")
def get_delivery(delivery: Text, session: Tx, principal: Reader) -> DeliveryShape:
    """Return one delivery with its last answer."""
    return delivery_shown(session, visible_delivery(session, principal, delivery))


@endpoint_routes.get("/deliveries/{delivery}/attempts")
def list_attempts(
    delivery: Text, session: Tx, principal: Reader, where: ListCursor
) -> Page[AttemptShape]:
    """List what was sent for a delivery and what came back, newest first; kept for 30 days."""
    found = visible_delivery(session, principal, delivery)
    body = outbox.body_of(session.get_one(Event, found.event_id))
    rows, more = page(session, Attempt, where, delivery_id=found.id)
    return Page(data=[AttemptShape.of(row, body) for row in rows], has_more=more)


@endpoint_routes.post("/deliveries/{delivery}/redeliver")
def redeliver(delivery: Text, session: Tx, principal: Writer) -> DeliveryShape:
    """Send a delivery again now, whatever became of it."""
    found = visible_delivery(session, principal, delivery)
    return delivery_shown(session, again.redeliver(session, found))


@event_routes.get("")
def list_events(
    session: Tx,
    principal: EventReader,
    where: ListCursor,
    *,
    type: Filter = None,
    object: Filter = None,
    account: Filter = None,
    order: Annotated[
        Literal["desc", "asc"],
        Query(description="asc replays in order of commit and never misses a late one"),
    ] = "desc",
) -> Page[EventShape]:
    """List what happened: newest first, or replayed forward from any cursor."""
    owner = owner_listed(session, principal, account)
    if order == "asc":
        rows, more = replay(session, where, account_id=owner, type=type, object_id=object)
    else:
        rows, more = page(session, Event, where, account_id=owner, type=type, object_id=object)
    return Page(data=[EventShape.of(row) for row in rows], has_more=more)


@event_routes.get("/{event}")
def get_event(event: Text, session: Tx, principal: EventReader) -> EventShape:
    """Return one event."""
    found = session.get(Event, event)
    if found is None or not principal.sees(found.account_id):
        raise NotFound("no such event")
    return EventShape.of(found)


@alarm_routes.get("")
def list_alarms(
    session: Tx,
    _: Operator,
    where: ListCursor,
    kind: Filter = None,
    status: Literal["open", "acknowledged", "all"] = "open",
) -> Page[AlarmShape]:
    """List alarms, open ones unless asked otherwise, newest first."""
    is_open = Alarm.acknowledged_at.is_(None)
    wanted = {"open": [is_open], "acknowledged": [~is_open], "all": []}[status]
    rows, more = page(session, Alarm, where, *wanted, kind=kind)
    return Page(data=[AlarmShape.of(row) for row in rows], has_more=more)


@alarm_routes.post("/{alarm}/acknowledge")
def acknowledge(alarm: Text, session: Tx, principal: OperatorWriter) -> AlarmShape:
    """Close an alarm; the next occurrence opens a new one."""
    return AlarmShape.of(alarms.acknowledge(session, alarm, by=principal.key_id))


routes = APIRouter()
routes.include_router(endpoint_routes)
routes.include_router(event_routes)
routes.include_router(alarm_routes)
