"""What came back is written down: many answers in one transaction, endpoints locked in order.

One transaction for many, because a commit costs more than the call to a receiver that is near.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from gateway.ids import new_id
from gateway.webhooks import alarms, breaker, disabling, rules
from gateway.webhooks.breaker import Standing
from gateway.webhooks.outbox import Job
from gateway.webhooks.sending import Answer
from gateway.webhooks.store import Attempt

GONE = 410

# Endpoints are locked before deliveries, here and wherever a person acts on them.
LOCK = text("""
    select id, active, streak, failed_object, failing_since, probe_at, last_success_at,
        last_failure_at
    from webhook_endpoint where id = any(:endpoints) order by id for no key update
""")
RECORD = text("""
    update delivery d set status = a.status, attempts = attempts + 1, lease_until = null,
        next_attempt_at = a.later, response_status = a.response_status,
        response_body = a.response_body, error = a.error,
        delivered_at = case when a.status = 'delivered' then clock_timestamp() end
    from unnest(cast(:id as text[]), cast(:lease as timestamptz[]), cast(:status as text[]),
        cast(:later as timestamptz[]), cast(:response_status as integer[]),
        cast(:response_body as text[]), cast(:error as text[]))
        as a(id, lease, status, later, response_status, response_body, error)
    where d.id = a.id and d.status = 'pending' and d.lease_until = a.lease
    returning d.id
""")
# Those behind it wait as long as it waits, so that the due index holds only what can be sent,
# and are due again when it is done.
FOLLOW = text("""
    update delivery d set next_attempt_at = a.later
    from unnest(cast(:endpoint as text[]), cast(:object as text[]), cast(:seq as bigint[]),
        cast(:later as timestamptz[]), cast(:final as boolean[]))
        as a(endpoint, object, seq, later, final)
    where d.endpoint_id = a.endpoint and d.object_id = a.object and d.status = 'pending'
        and d.seq > a.seq
        and case when a.final then d.next_attempt_at > a.later else d.next_attempt_at < a.later end
""")
COUNT = text("""
    insert into webhook_hour as h (endpoint_id, hour, good, bad)
    select endpoint, date_trunc('hour', now(), 'UTC'), good, bad
    from unnest(cast(:endpoint as text[]), cast(:good as integer[]), cast(:bad as integer[]))
        as a(endpoint, good, bad)
    on conflict (endpoint_id, hour)
        do update set good = h.good + excluded.good, bad = h.bad + excluded.bad
""")
STAND = text("""
    update webhook_endpoint w set streak = a.streak, failed_object = a.failed_object,
        failing_since = a.failing_since, probe_at = a.probe_at,
        last_success_at = a.last_success_at, last_failure_at = a.last_failure_at
    from unnest(cast(:endpoint as text[]), cast(:streak as integer[]),
        cast(:failed_object as text[]), cast(:failing_since as timestamptz[]),
        cast(:probe_at as timestamptz[]), cast(:last_success_at as timestamptz[]),
        cast(:last_failure_at as timestamptz[]))
        as a(endpoint, streak, failed_object, failing_since, probe_at, last_success_at,
            last_failure_at)
    where w.id = a.endpoint
""")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sent:
    """One request and its answer."""

    job: Job
    headers: dict[str, str]
    answer: Answer
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer makes of its delivery: the status, and when it or the next one is due."""

    sent: Sent
    status: str
    later: datetime

    @property
    def final(self) -> bool:
        """True when it is not tried again."""
        return self.status != "pending"


def record(session: Session, answered: Sequence[Sent]) -> None:
    """Write down what came back and when to try again; nothing for those whose lease was lost."""
    now = datetime.now(UTC)
    endpoints = sorted({sent.job.endpoint_id for sent in answered})
    standings = {row.id: row for row in session.execute(LOCK, {"endpoints": endpoints})}
    outcomes = write(session, [outcome(sent, now) for sent in answered])
    follow(session, outcomes)
    keep(session, outcomes)
    judge(session, outcomes, {key: row for key, row in standings.items() if row.active}, now)
    for one in outcomes:
        tell(session, one)


def outcome(sent: Sent, now: datetime) -> Outcome:
    """Decide what becomes of the delivery."""
    wait = rules.wait_after(sent.job.attempts + 1, sent.answer.retry_after, spread())
    if sent.answer.good:
        return Outcome(sent, "delivered", now)
    if sent.answer.status == GONE or wait is None:
        return Outcome(sent, "failed", now)
    return Outcome(sent, "pending", now + wait)


def spread() -> float:
    """Return a number between 0 and 1 that differs from attempt to attempt."""
    return secrets.randbelow(1_000) / 1_000


def write(session: Session, outcomes: list[Outcome]) -> list[Outcome]:
    """Update the deliveries; return those that are still ours to speak of."""
    recorded = session.scalars(
        RECORD,
        {
            "id": [one.sent.job.id for one in outcomes],
            "lease": [one.sent.job.lease_until for one in outcomes],
            "status": [one.status for one in outcomes],
            "later": [one.later for one in outcomes],
            "response_status": [one.sent.answer.status for one in outcomes],
            "response_body": [one.sent.answer.body for one in outcomes],
            "error": [one.sent.answer.error for one in outcomes],
        },
    )
    ours = set(recorded)
    for one in outcomes:
        if one.sent.job.id not in ours:
            log.warning("webhook.lease_lost", delivery=one.sent.job.id)
    return [one for one in outcomes if one.sent.job.id in ours]


def follow(session: Session, outcomes: list[Outcome]) -> None:
    """Move those that wait behind these."""
    session.execute(
        FOLLOW,
        {
            "endpoint": [one.sent.job.endpoint_id for one in outcomes],
            "object": [one.sent.job.object_id for one in outcomes],
            "seq": [one.sent.job.seq for one in outcomes],
            "later": [one.later for one in outcomes],
            "final": [one.final for one in outcomes],
        },
    )


def keep(session: Session, outcomes: list[Outcome]) -> None:
    """Keep each request with its answer for the log."""
    rows = [
        {
            "id": new_id("att"),
            "delivery_id": one.sent.job.id,
            "endpoint_id": one.sent.job.endpoint_id,
            "number": one.sent.job.attempts + 1,
            "url": one.sent.job.url,
            "request_headers": one.sent.headers,
            "response_status": one.sent.answer.status,
            "response_headers": one.sent.answer.headers,
            "response_body": one.sent.answer.body,
            "error": one.sent.answer.error,
            "milliseconds": round(one.sent.seconds * 1_000),
            "created_at": one.sent.at,
        }
        for one in outcomes
    ]
    if rows:
        session.execute(insert(Attempt), rows)


def standing_of(row: Any) -> Standing:
    """Return what is known of the endpoint."""
    return Standing(
        row.streak,
        row.failed_object,
        row.failing_since,
        row.probe_at,
        row.last_success_at,
        row.last_failure_at,
    )


def judge(session: Session, outcomes: list[Outcome], active: dict[str, Any], now: datetime) -> None:
    """Learn from the answers of active endpoints; one that is gone or dead is disabled."""
    heard: dict[str, list[Outcome]] = {}
    for one in outcomes:
        if one.sent.job.endpoint_id in active:
            heard.setdefault(one.sent.job.endpoint_id, []).append(one)
    learnt = {key: learn(standing_of(active[key]), told, now) for key, told in heard.items()}
    count(session, heard)
    stand(session, learnt)
    for endpoint, standing in learnt.items():
        if any(one.sent.answer.status == GONE for one in heard[endpoint]):
            disabling.disable(session, endpoint, "the endpoint answered 410 Gone")
        elif breaker.is_dead(standing, now):
            disabling.bury(session, endpoint)


def learn(standing: Standing, told: list[Outcome], now: datetime) -> Standing:
    """Return what is known of an endpoint after its answers."""
    for one in told:
        answer = one.sent.answer
        if answer.good:
            standing = breaker.after_good(standing, now)
            continue
        standing = breaker.after_bad(
            standing,
            object_id=one.sent.job.object_id,
            now=now,
            status=answer.status,
            retry_after=answer.retry_after,
            spread=spread(),
        )
    return standing


def count(session: Session, heard: dict[str, list[Outcome]]) -> None:
    """Add the answers to this hour's."""
    good = [sum(one.sent.answer.good for one in told) for told in heard.values()]
    bad = [len(told) - right for told, right in zip(heard.values(), good, strict=True)]
    session.execute(COUNT, {"endpoint": list(heard), "good": good, "bad": bad})


def stand(session: Session, learnt: dict[str, Standing]) -> None:
    """Write down what is known of the endpoints now."""
    columns = [item.name for item in fields(Standing)]
    values = {name: [getattr(one, name) for one in learnt.values()] for name in columns}
    session.execute(STAND, {"endpoint": list(learnt), **values})


def tell(session: Session, one: Outcome) -> None:
    """Log an outcome, and call a person where a delivery was given up."""
    job, answer = one.sent.job, one.sent.answer
    log.info(
        f"webhook.{one.status if one.final else 'retry'}",
        delivery=job.id,
        endpoint=job.endpoint_id,
        event_id=job.event_id,
        attempt=job.attempts + 1,
        response=answer.status,
    )
    if one.status == "failed" and answer.status != GONE:
        alarms.raise_alarm(
            session,
            kind="webhook_failed",
            subject=job.endpoint_id,
            detail=f"delivery {job.id} was given up at attempt {job.attempts + 1}: {answer.error}",
        )
