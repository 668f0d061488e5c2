"""What is tidied of webhooks: old attempts, secrets under old keys, deliveries left behind."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, exists, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from gateway.ids import first_id
from gateway.webhooks import alarms, disabling, sealing
from gateway.webhooks.store import Alarm, Endpoint

ATTEMPTS_KEPT = timedelta(days=30)
HOURS_KEPT = timedelta(days=3)
PRUNED_AT_ONCE_MAX = 5_000
SEALED_AT_ONCE_MAX = 200
LEFT_AT_ONCE_MAX = 200
SHUT = "webhook_secret_shut"

# Ids sort by time, so the oldest are found without an index of their own.
PRUNE = text("""
    delete from delivery_attempt where id in (
        select id from delivery_attempt where id < :before order by id limit :most)
""")
PRUNE_HOURS = text("delete from webhook_hour where hour < :before")
# An event that was told while its endpoint was being stopped saw it active and is committed later.
# Endpoints are locked before deliveries, as where answers are recorded.
LEFT = text("""
    select w.id, coalesce(w.disabled_reason, 'the endpoint is not active') as reason
    from webhook_endpoint w
    where not w.active and exists (
        select from delivery d where d.endpoint_id = w.id and d.status = 'pending')
    order by w.id limit :most for no key update skip locked
""")

log = structlog.get_logger()


def prune(session: Session, now: datetime) -> int:
    """Delete attempts older than ATTEMPTS_KEPT, so many at once; returns how many."""
    before = first_id("att", now - ATTEMPTS_KEPT)
    gone = session.execute(PRUNE, {"before": before, "most": PRUNED_AT_ONCE_MAX})
    session.execute(PRUNE_HOURS, {"before": now - HOURS_KEPT})
    return int(gone.rowcount)  # type: ignore[attr-defined]


def seal_rest(session: Session) -> int:
    """Seal with the first key what another one opens, or nothing sealed, so many at once.

    Returns how many endpoints have a secret sealed anew. One that no key opens is left as it is.
    """
    older = or_(sealed_before(Endpoint.secret), sealed_before(Endpoint.previous_secret))
    query = select(Endpoint).where(older).order_by(func.random()).limit(SEALED_AT_ONCE_MAX)
    found = session.scalars(query.with_for_update(skip_locked=True)).all()
    sealed = sum([seal_anew(endpoint) for endpoint in found])
    session.flush()
    if sealed:
        log.info("webhook.secrets_sealed", endpoints=sealed)
    return sealed


def sealed_before(column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Whether a stored secret is in the clear, or under a key we have that is not the first."""
    older = [f"{sealing.PREFIX}{name}:" for name in list(sealing.keys())[1:]]
    return or_(
        ~func.starts_with(column, sealing.PREFIX),
        *(func.starts_with(column, prefix) for prefix in older),
    )


def seal_anew(endpoint: Endpoint) -> bool:
    """Seal an endpoint's secrets with the first key; False where none of them opens."""
    before = (endpoint.secret, endpoint.previous_secret)
    endpoint.secret = resealed(endpoint.secret, endpoint.id)
    if endpoint.previous_secret is not None:
        endpoint.previous_secret = resealed(endpoint.previous_secret, endpoint.id)
    return before != (endpoint.secret, endpoint.previous_secret)


def resealed(stored: str, endpoint_id: str) -> str:
    """Return the stored secret sealed with the first key; as it is where it stays shut."""
    try:
        secret = sealing.unseal(stored, endpoint_id=endpoint_id)
    except sealing.Unsealable as error:
        log.error("webhook.sealed", endpoint=endpoint_id, reason=str(error))
        return stored
    return sealing.seal(secret, endpoint_id=endpoint_id)


def report_shut(session: Session) -> None:
    """Call a person for each active endpoint whose current secret no key opens."""
    told = exists().where(
        Alarm.kind == SHUT, Alarm.subject == Endpoint.id, Alarm.acknowledged_at.is_(None)
    )
    query = select(Endpoint.id, Endpoint.secret).where(Endpoint.active, ~told)
    for endpoint_id, stored in session.execute(query.order_by(Endpoint.id)).all():
        try:
            sealing.unseal(stored, endpoint_id=endpoint_id)
        except sealing.Unsealable as error:
            detail = f"{error}; its webhooks wait for the key, or for a new secret"
            alarms.raise_alarm(session, kind=SHUT, subject=endpoint_id, detail=detail)


def give_up_left(session: Session) -> None:
    """Fail what is pending at endpoints that are not active; nothing would ever send it."""
    for row in session.execute(LEFT, {"most": LEFT_AT_ONCE_MAX}).all():
        session.execute(disabling.GIVE_UP, {"endpoint": row.id, "reason": row.reason})
