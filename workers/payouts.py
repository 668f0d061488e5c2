"""Begin the payouts whose time has come, try those that wait, and tell those that ended."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from sqlalchemy.orm import Session

from gateway import db
from gateway.payouts import schedules, service, store
from workers.app import worker_task

PER_RUN_MAX = 200

log = structlog.get_logger()


@worker_task()
def payouts() -> None:
    """Do what is due; rung every few seconds. Each payout has a transaction of its own."""
    each(schedules.begin, store.due_schedules)
    each(service.attempt, store.waiting)
    each(service.settle, store.ended)


def each(
    act: Callable[[Session, str], None], find: Callable[[Session, datetime, int], list[str]]
) -> None:
    """Act on every row that is found; one that fails is logged and keeps no other waiting."""
    with db.transaction() as session:
        found = find(session, datetime.now(UTC), PER_RUN_MAX)
    for row_id in found:
        try:
            with db.transaction() as session:
                act(session, row_id)
        except Exception:
            log.exception("payout.failed", id=row_id)
