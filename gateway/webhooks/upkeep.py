"""What is forgotten of webhooks after a while, and secrets from before they were sealed."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from gateway.ids import first_id
from gateway.webhooks import sealing
from gateway.webhooks.store import Endpoint

ATTEMPTS_KEPT = timedelta(days=30)
HOURS_KEPT = timedelta(days=3)
PRUNED_AT_ONCE_MAX = 5_000
SEALED_AT_ONCE_MAX = 200

# Ids sort by time, so the oldest are found without an index of their own.
PRUNE = text("""
    delete from delivery_attempt where id in (
        select id from delivery_attempt where id < :before order by id limit :most)
""")
PRUNE_HOURS = text("delete from webhook_hour where hour < :before")

log = structlog.get_logger()


def prune(session: Session, now: datetime) -> int:
    """Delete attempts older than ATTEMPTS_KEPT, so many at once; returns how many."""
    before = first_id("att", now - ATTEMPTS_KEPT)
    gone = session.execute(PRUNE, {"before": before, "most": PRUNED_AT_ONCE_MAX})
    session.execute(PRUNE_HOURS, {"before": now - HOURS_KEPT})
    return int(gone.rowcount)  # type: ignore[attr-defined]


def seal_rest(session: Session) -> int:
    """Seal secrets that are stored as they are; returns how many endpoints had one."""
    plain = or_(
        func.starts_with(Endpoint.secret, "whsec_"),
        func.starts_with(Endpoint.previous_secret, "whsec_"),
    )
    query = select(Endpoint).where(plain).order_by(Endpoint.id).limit(SEALED_AT_ONCE_MAX)
    found = list(session.scalars(query.with_for_update(skip_locked=True)))
    for endpoint in found:
        endpoint.secret = resealed(endpoint.secret, endpoint.id)
        if endpoint.previous_secret is not None:
            endpoint.previous_secret = resealed(endpoint.previous_secret, endpoint.id)
    session.flush()
    if found:
        log.info("webhook.secrets_sealed", endpoints=len(found))
    return len(found)


def resealed(stored: str, endpoint_id: str) -> str:
    """Return the stored secret sealed with the newest key."""
    return sealing.seal(sealing.unseal(stored, endpoint_id=endpoint_id), endpoint_id=endpoint_id)
