"""How events, endpoints, deliveries and alarms look to a client."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from gateway.web.shapes import Time
from gateway.webhooks.store import Alarm, Delivery, Endpoint, Event


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


class EndpointShape(BaseModel):
    """A webhook endpoint; the secret is shown once, when it is made."""

    id: str
    account: str | None
    url: str
    events: list[str] | None
    active: bool
    disabled_reason: str | None
    secret: str | None = None
    created_at: Time

    @classmethod
    def of(cls, endpoint: Endpoint, secret: str | None = None) -> Self:
        """Show an endpoint."""
        return cls(
            id=endpoint.id,
            account=endpoint.account_id,
            url=endpoint.url,
            events=endpoint.events,
            active=endpoint.active,
            disabled_reason=endpoint.disabled_reason,
            secret=secret,
            created_at=endpoint.created_at,
        )


class DeliveryShape(BaseModel):
    """One event on its way to one endpoint, with the last answer."""

    id: str
    event: str
    endpoint: str
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: Time | None
    response_status: int | None
    response_body: str | None
    error: str | None
    delivered_at: Time | None
    created_at: Time

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show a delivery."""
        return cls.model_validate(
            {
                "id": delivery.id,
                "event": delivery.event_id,
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
