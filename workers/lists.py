"""Fetch the screening lists again; call an operator when one cannot be had or is too old."""

from datetime import UTC, datetime, timedelta

import structlog

from gateway import db
from gateway.errors import DependencyAway
from gateway.operators.lists import load
from gateway.screening import service
from gateway.settings import settings
from gateway.webhooks.alarms import raise_alarm
from workers.app import worker_task

RELOAD = timedelta(hours=1)

log = structlog.get_logger()


@worker_task()
def lists() -> None:
    """Load every list that is due; what cannot be fetched leaves the one before it counting."""
    for name, place in settings().watchlists.items():
        if not is_due(name):
            continue
        try:
            log.info("watchlist.checked", said=load(name, place))
        except DependencyAway as error:
            log.warning("watchlist.away", source=name, error=error.detail)
    with db.transaction() as session:
        stopped = service.stopped(session)
        if stopped is not None:
            raise_alarm(
                session,
                kind=stopped,
                subject="screening",
                detail="nothing leaves until every list was fetched within 26 hours",
            )


def is_due(source: str) -> bool:
    """True when a list was never taken, or not fetched for RELOAD."""
    with db.transaction() as session:
        known = service.current(session, source)
        return known is None or datetime.now(UTC) - known.confirmed_at > RELOAD
