"""How events, endpoints, deliveries and alarms look to a client."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from gateway.web.shapes import Body, Moment, Text, Time, example
from gateway.webhooks.rules import URL_CHARACTERS_MAX, check_event_type
from gateway.webhooks.store import Alarm, Attempt, Delivery, Endpoint, Event

EVENTS_MAX = 50

Url = Annotated[
    Text,
    Field(min_length=1, max_length=URL_CHARACTERS_MAX, examples=["https://shop.example/hooks"]),
]
EventType = Annotated[
    Text,
    Field(max_length=80, pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?$", examples=["invoice.*"]),
    AfterValidator(check_event_type),
]
EventTypes = Annotated[
    list[EventType],
    Field(min_length=1, max_length=EVENTS_MAX, description="Left out: every event."),
]
Link = Annotated[
    Text,
    Field(
        max_length=80,
        description=(
            "A payment link: only events of its invoices (`invoice.*`) and of their refunds"
            " (`refund.*`) are sent, none of another kind. null: every event."
        ),
        examples=["link_01JDB1X9W2T6ZGQ0P5M8R4C7NV"],
    ),
]


class EventShape(BaseModel):
    """Something that happened; a webhook's body is exactly this."""

    id: str
    type: Annotated[str, Field(examples=["invoice.paid"])]
    created_at: Time
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> Self:
        """Show an event."""
        return cls(id=event.id, type=event.type, created_at=event.created_at, data=event.data)


class EndpointHealth(BaseModel):
    """How an endpoint does."""

    good_24h: Annotated[int, Field(description="2xx answers of the last 24 hours, by the hour.")]
    bad_24h: Annotated[int, Field(description="Every other attempt of the last 24 hours.")]
    success_rate_24h: Annotated[
        float | None, Field(ge=0, le=1, description="null without an attempt.", examples=[0.9981])
    ]
    last_success_at: Time | None
    last_failure_at: Time | None
    failing_since: Annotated[
        Time | None,
        Field(description="No success since then; after five days the endpoint is disabled."),
    ]
    waiting: Annotated[int, Field(description="Pending deliveries, counted up to 10,000.")]
    oldest_waiting_at: Time | None
    breaker: Annotated[
        Literal["closed", "open", "half_open"],
        Field(
            description=(
                "open: nothing is sent before `next_probe_at`; half_open: one delivery at a time"
                " until one succeeds."
            )
        ),
    ]
    next_probe_at: Time | None


class EndpointShape(BaseModel):
    """A webhook endpoint; the secret is shown once, when it is made."""

    id: str
    account: str | None
    url: str
    events: list[str] | None
    payment_link: Annotated[
        str | None, Field(description="The only link it is told of; null: all that happens.")
    ]
    active: bool
    disabled_reason: str | None
    secret: str | None = None
    created_at: Time
    health: Annotated[EndpointHealth | None, Field(description="null in events.")] = None

    @classmethod
    def of(cls, endpoint: Endpoint, health: EndpointHealth | None = None) -> Self:
        """Show an endpoint."""
        return cls(
            id=endpoint.id,
            account=endpoint.account_id,
            url=endpoint.url,
            events=endpoint.events,
            payment_link=endpoint.payment_link,
            active=endpoint.active,
            disabled_reason=endpoint.disabled_reason,
            created_at=endpoint.created_at,
            health=health,
        )


class DeliveryShape(BaseModel):
    """One event on its way to one endpoint, with the last answer."""

    id: str
    event: str
    type: Annotated[str, Field(description="The event's type.", examples=["invoice.paid"])]
    object: Annotated[str, Field(description="Whom the event is about; its events keep order.")]
    endpoint: str
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: Time | None
    response_status: int | None
    response_body: Annotated[str | None, Field(description="Its beginning.")]
    error: str | None
    delivered_at: Time | None
    created_at: Time

    @classmethod
    def of(cls, delivery: Delivery, type: str) -> Self:
        """Show a delivery of an event of this type."""
        return cls.model_validate(
            {
                "id": delivery.id,
                "event": delivery.event_id,
                "type": type,
                "object": delivery.object_id,
                "endpoint": delivery.endpoint_id,
                "status": delivery.status,
                "attempts": delivery.attempts,
                "next_attempt_at": (
                    delivery.next_attempt_at if delivery.status == "pending" else None
                ),
                "response_status": delivery.response_status,
                "response_body": delivery.response_body,
                "error": delivery.error,
                "delivered_at": delivery.delivered_at,
                "created_at": delivery.created_at,
            }
        )


class AttemptRequest(BaseModel):
    """What was sent; the body is the event's."""

    method: Literal["POST"] = "POST"
    url: str
    headers: dict[str, str]
    body: str


class AttemptResponse(BaseModel):
    """What came back, as far as it is kept."""

    status: int
    headers: dict[str, str]
    body: str


class AttemptShape(BaseModel):
    """One request of a delivery and its answer; kept for 30 days."""

    id: str
    delivery: str
    number: Annotated[int, Field(description="1 is the first since the delivery was asked for.")]
    request: AttemptRequest
    response: Annotated[AttemptResponse | None, Field(description="null where none came.")]
    error: str | None
    milliseconds: int
    created_at: Time

    @classmethod
    def of(cls, attempt: Attempt, body: str) -> Self:
        """Show an attempt to send this body."""
        answered = attempt.response_status is not None
        return cls(
            id=attempt.id,
            delivery=attempt.delivery_id,
            number=attempt.number,
            request=AttemptRequest(url=attempt.url, headers=attempt.request_headers, body=body),
            response=AttemptResponse.model_validate(
                {
                    "status": attempt.response_status,
                    "headers": attempt.response_headers or {},
                    "body": attempt.response_body or "",
                }
            )
            if answered
            else None,
            error=attempt.error,
            milliseconds=attempt.milliseconds,
            created_at=attempt.created_at,
        )


class ReplayBody(Body):
    """From where on events are sent again: exactly one of the two."""

    model_config = example(from_time="2026-01-31T00:00:00Z", include_delivered=False)

    from_event: Annotated[
        Text | None, Field(max_length=80, description="The first event to send again.")
    ] = None
    from_time: Annotated[
        Moment | None, Field(strict=False, description="Events from this time on.")
    ] = None
    include_delivered: Annotated[
        bool, Field(description="false: only what the endpoint never took.")
    ] = True

    @model_validator(mode="after")
    def name_one_beginning(self) -> Self:
        """Refuse none and both."""
        if (self.from_event is None) == (self.from_time is None):
            raise ValueError("name from_event or from_time")
        return self


class ReplayShape(BaseModel):
    """What a replay asked for again."""

    queued: Annotated[int, Field(description="Deliveries that leave now.")]
    next_event: Annotated[
        str | None,
        Field(description="Where to go on with the next call; null when nothing is left."),
    ]


class AlarmShape(BaseModel):
    """Something an operator must look at."""

    id: str
    kind: str
    subject: str
    detail: str
    created_at: Time
    acknowledged_at: Time | None

    @classmethod
    def of(cls, alarm: Alarm) -> Self:
        """Show an alarm."""
        return cls(
            id=alarm.id,
            kind=alarm.kind,
            subject=alarm.subject,
            detail=alarm.detail,
            created_at=alarm.created_at,
            acknowledged_at=alarm.acknowledged_at,
        )
