"""Call an operator for a chain that nobody reads any more: its watcher cannot say so itself."""

from gateway import db
from gateway.chain import freshness as chains
from gateway.webhooks.alarms import raise_alarm
from workers.app import worker_task

HEAD_STALE_ALARM_SECONDS = 60.0
"""A chain is behind for a moment whenever everything was started anew."""


@worker_task()
def freshness() -> None:
    """Raise `head_stale` once for each chain that stays stale, again after it was acknowledged."""
    with db.transaction() as session:
        for head, seconds in chains.stay_stale(session):
            if seconds >= HEAD_STALE_ALARM_SECONDS:
                raise_alarm(session, kind="head_stale", subject=head.chain, detail=told(head))


def told(head: chains.Head) -> str:
    """Return what an operator is told of a chain."""
    if head.number is None or head.age is None:
        return "no block of it was ever read: is a watcher running, and its node named in CHAINS?"
    return (
        f"the newest block that was read is block {head.number}, mined {head.age:.0f} seconds ago;"
        f" its node told {head.behind} more; no payments are taken there meanwhile"
    )
