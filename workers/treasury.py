"""Call for a refill while a payout vault lacks what no sweep can bring."""

from gateway import db
from gateway.treasury import service
from gateway.webhooks.alarms import raise_alarm
from workers.app import worker_task


@worker_task()
def treasury() -> None:
    """Raise `refill_needed` once for each chain and asset, again after it was acknowledged."""
    with db.transaction() as session:
        for found in service.look(session):
            detail = service.refill_needed(found)
            if detail is not None:
                subject = f"{found.chain.id} {found.asset.code}"
                raise_alarm(session, kind="refill_needed", subject=subject, detail=detail)
