"""An endpoint that is sent nothing more: gone, dead for days, or switched off by its owner."""

from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.webhooks import alarms, breaker, service
from gateway.webhooks.shapes import EndpointShape
from gateway.webhooks.store import Endpoint

DISABLE = text("""
    update webhook_endpoint set active = false, disabled_reason = :reason
    where id = :endpoint and active
""")
GIVE_UP = text("""
    update delivery set status = 'failed', lease_until = null, error = :reason
    where endpoint_id = :endpoint and status = 'pending'
""")

log = structlog.get_logger()


def bury(session: Session, endpoint: str) -> None:
    """Disable an endpoint that took nothing for days, and call a person."""
    days = breaker.DISABLED_AFTER // timedelta(days=1)
    reason = f"the endpoint took nothing for {days} days"
    disable(session, endpoint, reason)
    alarms.raise_alarm(session, kind="webhook_endpoint_disabled", subject=endpoint, detail=reason)


def disable(session: Session, endpoint_id: str, reason: str) -> None:
    """Stop sending to an endpoint; its owner's other endpoints hear of it."""
    if not stop(session, endpoint_id, reason):
        return
    log.warning("webhook.disabled", endpoint=endpoint_id, reason=reason)
    endpoint = session.get_one(Endpoint, endpoint_id, populate_existing=True)
    service.emit(
        session,
        type="webhook_endpoint.disabled",
        account_id=endpoint.account_id,
        object_id=endpoint_id,
        data=EndpointShape.of(endpoint).model_dump(mode="json"),
    )


def stop(session: Session, endpoint_id: str, reason: str) -> bool:
    """Send nothing more: what was pending is failed and stays in GET /v1/events.

    False if the endpoint was stopped before.
    """
    stopped = session.execute(DISABLE, {"endpoint": endpoint_id, "reason": reason})
    session.execute(GIVE_UP, {"endpoint": endpoint_id, "reason": reason})
    return bool(stopped.rowcount)  # type: ignore[attr-defined]
