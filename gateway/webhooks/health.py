"""How an endpoint does: what it took of late, what waits for it, what its breaker lets through."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.webhooks import breaker
from gateway.webhooks.shapes import EndpointHealth, EndpointShape
from gateway.webhooks.store import Endpoint

PENDING_COUNTED_MAX = 10_000
RATE_DIGITS = 4

# One query for a page of endpoints; the count stops where it tells nothing more.
ASK = text("""
    select w.id, coalesce(h.good, 0) as good, coalesce(h.bad, 0) as bad,
        p.waiting, p.oldest_waiting_at
    from unnest(cast(:ids as text[])) as w(id)
    cross join lateral (
        select sum(good) as good, sum(bad) as bad from webhook_hour
        where endpoint_id = w.id and hour > now() - interval '24 hours') h
    cross join lateral (
        select count(*) as waiting, min(created_at) as oldest_waiting_at from (
            select created_at from delivery
            where endpoint_id = w.id and status = 'pending' limit :most) counted) p
""")


def shown(session: Session, endpoints: Sequence[Endpoint]) -> list[EndpointShape]:
    """Return endpoints with their health, as a client sees them; never with a secret."""
    rows = session.execute(ASK, {"ids": [one.id for one in endpoints], "most": PENDING_COUNTED_MAX})
    facts = {row.id: row for row in rows}
    now = datetime.now(UTC)
    return [
        EndpointShape.of(endpoint, health=health(endpoint, facts[endpoint.id], now))
        for endpoint in endpoints
    ]


def health(endpoint: Endpoint, facts: Any, now: datetime) -> EndpointHealth:
    """Return the health of one endpoint."""
    answers = int(facts.good) + int(facts.bad)
    return EndpointHealth(
        good_24h=int(facts.good),
        bad_24h=int(facts.bad),
        success_rate_24h=round(int(facts.good) / answers, RATE_DIGITS) if answers else None,
        last_success_at=endpoint.last_success_at,
        last_failure_at=endpoint.last_failure_at,
        failing_since=endpoint.failing_since,
        waiting=facts.waiting,
        oldest_waiting_at=facts.oldest_waiting_at,
        breaker=breaker.state(endpoint.probe_at, now),
        next_probe_at=endpoint.probe_at,
    )
