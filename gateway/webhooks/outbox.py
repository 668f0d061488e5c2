"""Deliveries that are due: taken under a lease, sent without a transaction, then recorded.

Per (endpoint, object) the oldest pending delivery goes first and alone, so a failing endpoint or
object holds up nothing but itself. A lease that runs out (a killed worker) frees its delivery.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.webhooks import sealing, signing
from gateway.webhooks.sending import CONSTANT_HEADERS
from gateway.webhooks.shapes import EventShape
from gateway.webhooks.store import Event

LEASE_SECONDS = 60
IN_FLIGHT_PER_ENDPOINT_MAX = 8
IN_FLIGHT_UNPROVEN_MAX = 2
"""To an endpoint whose last answer was no success: if it hangs, it hangs up few."""

# now() and not clock_timestamp(): a stable moment is what an index can be searched by.
TAKE = text("""
    with due as (
        select d.id from webhook_endpoint w cross join lateral (
            select d.id, d.next_attempt_at from delivery d
            where d.endpoint_id = w.id and d.status = 'pending'
                and d.next_attempt_at <= now()
                and (d.lease_until is null or d.lease_until < now())
                and not exists (
                    select from delivery b where b.endpoint_id = d.endpoint_id
                        and b.object_id = d.object_id and b.status = 'pending' and b.seq < d.seq)
            order by d.next_attempt_at
            limit greatest(0, case
                    when w.probe_at is not null then 1
                    when w.failing_since is not null or w.last_success_at is null then :unproven
                    else :per_endpoint end - (
                select count(*) from delivery busy where busy.endpoint_id = w.id
                    and busy.status = 'pending' and busy.lease_until > now()))
            for update of d skip locked
        ) d
        where w.active and (w.probe_at is null or w.probe_at <= now())
        order by d.next_attempt_at limit :limit
    ), taken as (
        update delivery set lease_until = now() + cast(:lease as interval)
        from due where delivery.id = due.id
        returning delivery.*
    )
    select t.id, t.endpoint_id, t.object_id, t.seq, t.attempts, t.lease_until,
        w.url, w.secret, case when w.previous_until > now() then w.previous_secret end as previous,
        coalesce(w.stuck_until > now(), false) as stuck,
        e.id as event_id, e.type, e.data, e.created_at
    from taken t join webhook_endpoint w on w.id = t.endpoint_id join event e on e.id = t.event_id
    order by t.seq
""")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery to send now, with everything the sender needs."""

    id: str
    endpoint_id: str
    object_id: str
    seq: int
    attempts: int
    lease_until: datetime
    url: str
    secrets: tuple[str, ...]
    event_id: str
    body: str
    stuck: bool = False


def take(session: Session, limit: int) -> list[Job]:
    """Lease at most `limit` due deliveries; commit before sending them."""
    rows = session.execute(
        TAKE,
        {
            "limit": limit,
            "per_endpoint": IN_FLIGHT_PER_ENDPOINT_MAX,
            "unproven": IN_FLIGHT_UNPROVEN_MAX,
            "lease": f"{LEASE_SECONDS} seconds",
        },
    )
    return [made for made in map(job, rows) if made is not None]


def job(row: Any) -> Job | None:
    """Return what the sender needs to know of a taken row; None where its secret stays shut.

    Such a row keeps its lease: it is asked for again when somebody may have given us the key, and
    upkeep calls a person. A previous secret that stays shut signs nothing; the current one does.
    """
    event = Event(id=row.event_id, type=row.type, data=row.data, created_at=row.created_at)
    current, previous = opened(row.secret, row.endpoint_id), opened(row.previous, row.endpoint_id)
    if current is None:
        return None
    return Job(
        id=row.id,
        endpoint_id=row.endpoint_id,
        object_id=row.object_id,
        seq=row.seq,
        attempts=row.attempts,
        lease_until=row.lease_until,
        url=row.url,
        secrets=(current,) if previous is None else (current, previous),
        event_id=row.event_id,
        body=body_of(event),
        stuck=row.stuck,
    )


def opened(stored: str | None, endpoint_id: str) -> str | None:
    """Return a stored secret in the clear; None where there is none or it stays shut."""
    if stored is None:
        return None
    try:
        return sealing.unseal(stored, endpoint_id=endpoint_id)
    except sealing.Unsealable as error:
        log.error("webhook.sealed", endpoint=endpoint_id, reason=str(error))
        return None


def body_of(event: Event) -> str:
    """Return the webhook's body: the event as GET /v1/events shows it."""
    shown = EventShape.of(event).model_dump(mode="json")
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def headers(job: Job) -> dict[str, str]:
    """Sign the job now: every attempt has its own timestamp."""
    at = datetime.now(UTC)
    signed = signing.headers(job.secrets, event_id=job.event_id, body=job.body, at=at)
    return {**CONSTANT_HEADERS, **signed}
