"""End what nobody decided or answered in time, seal the journal, close the days that are final."""

from gateway import db
from gateway.invoices import service as invoices
from gateway.journal import service as journal
from gateway.refunds import service as refunds
from gateway.settlement.close import close_next_day
from gateway.withdrawals import service as withdrawals
from workers.app import worker_task
from workers.pay import tell_refund

HOLDS_PER_RUN_MAX = 100
DAYS_PER_RUN_MAX = 31


@worker_task()
def close() -> None:
    """Expire invoices, refunds and holds, seal the journal, then close days; rung every second."""
    with db.transaction() as session:
        invoices.expire_due(session)
    with db.transaction() as session:
        refunds.expire_due(session)
    with db.transaction() as session:
        for row in withdrawals.expire_held(session, HOLDS_PER_RUN_MAX):
            tell_refund(session, row)
    with db.transaction() as session:
        journal.seal(session)
    for _ in range(DAYS_PER_RUN_MAX):
        with db.transaction() as session:
            if close_next_day(session) is None:
                return
