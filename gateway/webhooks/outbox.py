"""Deliveries that are due: taken under a lease, sent without a transaction, then recorded.

Per (endpoint, object) the oldest pending delivery goes first and alone, so a failing endpoint or
object holds up nothing but itself. A lease that runs out (a killed worker) frees its delivery.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.webhooks import alarms, rules, signing
from gateway.webhooks.sending import Answer
from gateway.webhooks.shapes import EventShape
from gateway.webhooks.store import Event

LEASE_SECONDS = 60
IN_FLIGHT_PER_ENDPOINT_MAX = 8
GONE = 410

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
            limit greatest(0, :per_endpoint - (
                select count(*) from delivery busy where busy.endpoint_id = w.id
                    and busy.status = 'pending' and busy.lease_until > now()))
            for update of d skip locked
        ) d
        where w.active order by d.next_attempt_at limit :limit
    ), taken as (
        update delivery set lease_until = now() + cast(:lease as interval)
        from due where delivery.id = due.id
        returning delivery.*
    )
    select t.id, t.endpoint_id, t.object_id, t.seq, t.attempts, t.lease_until,
        w.url, w.secret, case when w.previous_until > now() then w.previous_secret end as previous,
        e.id as event_id, e.type, e.data, e.created_at
    from taken t join webhook_endpoint w on w.id = t.endpoint_id join event e on e.id = t.event_id
    order by t.seq
""")
RECORD = text("""
    update delivery set status = :status, attempts = attempts + 1, lease_until = null,
        next_attempt_at = :next, response_status = :response_status,
        response_body = :response_body, error = :error,
        delivered_at = case when :status = 'delivered' then clock_timestamp() end
    where id = :id and status = 'pending' and lease_until = :lease
""")
# Those behind it wait as long as it waits, so that the due index holds only what can be sent,
# and are due again when it is done.
FOLLOW = text("""
    update delivery set next_attempt_at = :next
    where endpoint_id = :endpoint and object_id = :object and status = 'pending' and seq > :seq
        and case when :final then next_attempt_at > :next else next_attempt_at < :next end
""")
DISABLE = text("""
    update webhook_endpoint set active = false, disabled_reason = :reason
    where id = :endpoint and active
""")
GIVE_UP = text("""
    update delivery set status = 'failed', lease_until = null, error = :reason
    where endpoint_id = :endpoint and status = 'pending'
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


def take(session: Session, limit: int) -> list[Job]:
    """Lease at most `limit` due deliveries; commit before sending them."""
    rows = session.execute(
        TAKE,
        {
            "limit": limit,
            "per_endpoint": IN_FLIGHT_PER_ENDPOINT_MAX,
            "lease": f"{LEASE_SECONDS} seconds",
        },
    )
    return [job(row) for row in rows]


def job(row: Any) -> Job:
    """Return what the sender needs to know of a taken row."""
    event = Event(id=row.event_id, type=row.type, data=row.data, created_at=row.created_at)
    return Job(
        id=row.id,
        endpoint_id=row.endpoint_id,
        object_id=row.object_id,
        seq=row.seq,
        attempts=row.attempts,
        lease_until=row.lease_until,
        url=row.url,
        secrets=tuple(key for key in (row.secret, row.previous) if key is not None),
        event_id=row.event_id,
        body=body_of(event),
    )


def body_of(event: Event) -> str:
    """Return the webhook's body: the event as GET /v1/events shows it."""
    shown = EventShape.of(event).model_dump(mode="json")
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def headers(job: Job) -> dict[str, str]:
    """Sign the job now: every attempt has its own timestamp."""
    return signing.headers(job.secrets, event_id=job.event_id, body=job.body, at=datetime.now(UTC))


def record(session: Session, job: Job, answer: Answer) -> None:
    """Write down what came back and when to try again; nothing if the lease was lost."""
    now = datetime.now(UTC)
    wait = rules.wait_after(job.attempts + 1, answer.retry_after, spread())
    gone = answer.status == GONE
    final = answer.good or gone or wait is None
    later = now if final or wait is None else now + wait
    status = "delivered" if answer.good else "failed" if final else "pending"
    if not write(session, job, answer, status, later):
        return
    log.info(
        f"webhook.{status if final else 'retry'}",
        delivery=job.id,
        endpoint=job.endpoint_id,
        event_id=job.event_id,
        attempt=job.attempts + 1,
        response=answer.status,
    )
    if gone:
        disable(session, job.endpoint_id, "the endpoint answered 410 Gone")
    elif status == "failed":
        alarms.raise_alarm(
            session,
            kind="webhook_failed",
            subject=job.endpoint_id,
            detail=f"delivery {job.id} was given up at attempt {job.attempts + 1}: {answer.error}",
        )


def spread() -> float:
    """Return a number between 0 and 1 that differs from attempt to attempt."""
    return secrets.randbelow(1_000) / 1_000


def write(session: Session, job: Job, answer: Answer, status: str, later: datetime) -> bool:
    """Update the delivery and those waiting behind it; False if another worker has it now."""
    recorded = session.execute(
        RECORD,
        {
            "id": job.id,
            "lease": job.lease_until,
            "status": status,
            "next": later,
            "response_status": answer.status,
            "response_body": answer.body,
            "error": answer.error,
        },
    )
    if not recorded.rowcount:  # type: ignore[attr-defined]
        log.warning("webhook.lease_lost", delivery=job.id)
        return False
    session.execute(
        FOLLOW,
        {
            "next": later,
            "final": status != "pending",
            "endpoint": job.endpoint_id,
            "object": job.object_id,
            "seq": job.seq,
        },
    )
    return True


def disable(session: Session, endpoint_id: str, reason: str) -> None:
    """Stop sending to an endpoint; what was pending is failed and stays in GET /v1/events."""
    session.execute(DISABLE, {"endpoint": endpoint_id, "reason": reason})
    session.execute(GIVE_UP, {"endpoint": endpoint_id, "reason": reason})
    log.warning("webhook.disabled", endpoint=endpoint_id, reason=reason)
