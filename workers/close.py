"""Expire invoices whose time is over, close the days that are final."""

from gateway import db
from gateway.invoices import service as invoices
from gateway.settlement.close import close_next_day
from workers.app import worker_task

DAYS_PER_RUN_MAX = 31


@worker_task()
def close() -> None:
    """Expire a batch of invoices, then close at most DAYS_PER_RUN_MAX days; rung every second."""
    with db.transaction() as session:
        invoices.expire_due(session)
    for _ in range(DAYS_PER_RUN_MAX):
        with db.transaction() as session:
            if close_next_day(session) is None:
                return
