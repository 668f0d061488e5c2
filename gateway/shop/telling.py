"""Where a shop's server is told of events, and what it is told again: forms of webhooks."""

from typing import Any
from urllib.parse import urlencode

from gateway.errors import Conflict, Refused
from gateway.shop.questions import Field, Form, Sent, Typed, body, in_utc, listed
from gateway.shop.visit import Visit
from gateway.webhooks.routes import EndpointBody, get_endpoint, replay_events
from gateway.webhooks.routes import create as create_endpoint
from gateway.webhooks.shapes import ReplayBody


def endpoint_fields(_: Visit, __: str) -> tuple[Field, ...]:
    """Ask where the shop's server wants to be told."""
    return (
        Field("url", required=True, hint=True),
        Field("events", hint=True),
        Field("payment_link", hint=True),
    )


def send_endpoint(visit: Visit, _: str, typed: Typed) -> Sent:
    """Make a webhook endpoint; its page shows the secret this once."""
    events = listed(typed.get("events", ""))
    told: dict[str, Any] = {"events": events} if events else {}
    asked = {name: typed.get(name, "") for name in ("url", "payment_link")}
    made = create_endpoint(body(EndpointBody, asked, **told), visit.session, visit.principal)
    return Sent(f"/shop/webhooks/{made.id}", made.secret or "")


def replay_fields(_: Visit, __: str) -> tuple[Field, ...]:
    """Ask from where on events are sent again."""
    return (
        Field("from_time", "moment", hint=True),
        Field("from_event", hint=True),
        Field("include_delivered", "switch"),
    )


def replay_known(visit: Visit, endpoint: str) -> Typed:
    """Return where to go on, if an earlier replay said so; raises NotFound."""
    get_endpoint(endpoint, visit.session, visit.principal)
    asked = visit.request.query_params
    return {name: asked.get(name, "") for name in ("from_event", "include_delivered")}


def send_replay(visit: Visit, endpoint: str, typed: Typed) -> Sent:
    """Send an endpoint's events again; its page says how many, and where to go on.

    Raises Refused unless one beginning is named, Conflict while the endpoint is off.
    """
    if not get_endpoint(endpoint, visit.session, visit.principal).active:
        raise Conflict("the endpoint is not active", code="endpoint_off")
    moment, event = typed.get("from_time", ""), typed.get("from_event", "")
    if bool(moment) == bool(event):
        raise Refused("name a time or an event", code="one_beginning", field="from_time")
    told: dict[str, Any] = {"from_time": in_utc(moment)} if moment else {"from_event": event}
    again = bool(typed.get("include_delivered"))
    made = body(ReplayBody, {}, include_delivered=again, **told)
    done = replay_events(endpoint, made, visit.session, visit.principal)
    facts: dict[str, Any] = {"done": "replay", "count": done.queued}
    if done.next_event:
        facts["next"] = done.next_event
    if done.next_event and again:
        facts["include_delivered"] = "on"
    return Sent(f"/shop/webhooks/{endpoint}?{urlencode(facts)}")


TELLING = (
    Form("endpoint", "webhooks:write", "/shop/webhooks", endpoint_fields, send_endpoint),
    Form(
        "replay",
        "webhooks:write",
        "/shop/webhooks/{of}",
        replay_fields,
        send_replay,
        known=replay_known,
    ),
)
