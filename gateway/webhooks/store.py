"""The tables of events, endpoints, deliveries with their attempts, and alarms."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from gateway import db


class Event(db.Base):
    """Something that happened, told in the transaction in which it happened."""

    __tablename__ = "event"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    account_id: Mapped[str | None]
    object_id: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    seq: Mapped[int] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default="clock_timestamp()")


class Endpoint(db.Base):
    """Where an account, or the house, wants to be told."""

    __tablename__ = "webhook_endpoint"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str | None]
    url: Mapped[str]
    events: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    payment_link: Mapped[str | None]
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    previous_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[str | None]
    streak: Mapped[int] = mapped_column(default=0)
    failed_object: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    probe_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    stuck_until: Mapped[datetime | None]
    """Set by the sandbox: until then every call runs out of time."""
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Delivery(db.Base):
    """One event on its way to one endpoint."""

    __tablename__ = "delivery"

    id: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("event.id"))
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoint.id"))
    object_id: Mapped[str]
    seq: Mapped[int]
    status: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    response_status: Mapped[int | None]
    response_body: Mapped[str | None]
    error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Attempt(db.Base):
    """One request of a delivery and what came back; kept for a while."""

    __tablename__ = "delivery_attempt"

    id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("delivery.id"))
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoint.id"))
    number: Mapped[int]
    url: Mapped[str]
    request_headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    response_status: Mapped[int | None]
    response_headers: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    response_body: Mapped[str | None]
    error: Mapped[str | None]
    milliseconds: Mapped[int]
    created_at: Mapped[datetime]


class Hour(db.Base):
    """How many answers of an endpoint were good and bad in one hour."""

    __tablename__ = "webhook_hour"

    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoint.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    good: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)


class Alarm(db.Base):
    """Something an operator must look at, open until acknowledged."""

    __tablename__ = "alarm"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
