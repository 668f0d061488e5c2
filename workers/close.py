"""End what nobody decided or answered in time, seal the journal, close the days that are final."""

import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from gateway import db
from gateway.invoices import service as invoices
from gateway.journal import service as journal
from gateway.refunds import service as refunds
from gateway.settlement.close import close_next_day
from gateway.withdrawals import service as withdrawals
from workers.app import SLICE_SECONDS, worker_task
from workers.pay import tell_refund

PER_TURN_MAX = 200
DAYS_PER_RUN_MAX = 31


@worker_task()
def close() -> None:
    """Expire invoices, refunds and holds, seal the journal, then close days; rung every second."""
    ends = time.monotonic() + SLICE_SECONDS
    for step in (invoices.expire_due, invoices.weigh_again, refunds.expire_due, expire_held):
        in_turns(step, ends)
    with db.transaction() as session:
        journal.seal(session)
    for _ in range(DAYS_PER_RUN_MAX):
        with db.transaction() as session:
            if close_next_day(session) is None:
                return


def in_turns(step: Callable[[Session, int], int], ends: float) -> None:
    """Do a step, each turn in a transaction of its own, until a turn is not full or time is up."""
    full = True
    while full:
        with db.transaction() as session:
            full = step(session, PER_TURN_MAX) == PER_TURN_MAX and time.monotonic() < ends


def expire_held(session: Session, most: int) -> int:
    """Reject at most so many withdrawals that nobody decided about in time; returns how many."""
    ended = withdrawals.expire_held(session, most)
    for row in ended:
        tell_refund(session, row)
    return len(ended)
