"""Set when a balance goes by itself, and begin a payout when its time has come."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.book.store import BookEntry
from gateway.chain.store import chain_asset
from gateway.errors import NotFound
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.payouts import rules, service
from gateway.payouts.shapes import ScheduleShape
from gateway.payouts.store import Payout, PayoutSchedule, claimed_schedule


@dataclass(frozen=True, slots=True)
class Plan:
    """What a schedule says: everything above `keep` goes, unless it is less than `minimum`."""

    asset: str
    entry_id: str
    calendar: rules.Calendar
    minimum: Money
    keep: Money
    active: bool


def get(session: Session, schedule_id: str) -> PayoutSchedule:
    """Return a schedule; raises NotFound."""
    row = session.get(PayoutSchedule, schedule_id, populate_existing=True)
    if row is None:
        raise NotFound("no such payout schedule")
    return row


def put(session: Session, *, account_id: str, plan: Plan, by: str) -> PayoutSchedule:
    """Set the one schedule of an account for an asset on the address's chain.

    What waits is tried by the new terms, or ends when the schedule is switched off. Raises Refused
    (a bad day, an address that is not in the book or not active), UnknownAsset.
    """
    rules.check_day(plan.calendar.every, plan.calendar.day)
    entry = service.target(session, account_id, plan.entry_id)
    terms = {
        "entry_id": entry.id,
        "every": plan.calendar.every,
        "day": plan.calendar.day,
        "hour": plan.calendar.hour,
        "minimum": plan.minimum.units,
        "keep": plan.keep.units,
        "active": plan.active,
        "next_at": rules.next_due(plan.calendar, datetime.now(UTC)),
        "set_by": by,
    }
    place = {
        "account_id": account_id,
        "chain": entry.chain,
        "asset": chain_asset(session, entry.chain, plan.asset).asset,
    }
    upsert = insert(PayoutSchedule).values(id=new_id("psc"), **place, **terms)
    upsert = upsert.on_conflict_do_update(index_elements=list(place), set_=terms)
    schedule_id = session.scalars(upsert.returning(PayoutSchedule.id)).one()
    row = get(session, schedule_id)
    change_waiting(session, row)
    journal.write(session, actor=by, action="payout_schedule.set", subject=row.id, facts=seen(row))
    return row


def seen(row: PayoutSchedule) -> dict[str, object]:
    """Return what the journal keeps of a schedule."""
    return {
        "address": row.entry_id,
        "every": row.every,
        "minimum": str(row.minimum),
        "keep": str(row.keep),
        "active": row.active,
    }


def change_waiting(session: Session, schedule: PayoutSchedule) -> None:
    """Try what waits by the schedule's new terms, or end it when the schedule is off."""
    for row in waiting_of(session, schedule):
        if schedule.active:
            row.retry_at, row.requested_by = datetime.now(UTC), schedule.set_by
        else:
            service.skip(session, row, "schedule_off")
    session.flush()


def waiting_of(session: Session, schedule: PayoutSchedule) -> list[Payout]:
    """Return the schedule's payouts that wait, locked."""
    query = select(Payout).where(Payout.schedule_id == schedule.id, Payout.status == rules.WAITING)
    query = query.with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(query))


def begin(session: Session, schedule_id: str, now: datetime | None = None) -> None:
    """Begin the payout of the newest time that has come, once; older times are not made up for."""
    now = now or datetime.now(UTC)
    schedule = claimed_schedule(session, schedule_id)
    if schedule is None or not schedule.active or schedule.next_at > now:
        return
    due = rules.last_due(calendar(schedule), now)
    for row in waiting_of(session, schedule):
        if row.due_at != due:
            service.skip(session, row)
    entry = session.get_one(BookEntry, schedule.entry_id)
    session.execute(
        insert(Payout)
        .values(
            id=new_id("po"),
            account_id=schedule.account_id,
            chain=schedule.chain,
            asset=schedule.asset,
            entry_id=entry.id,
            to_address=entry.address,
            status=rules.WAITING,
            retry_at=now,
            schedule_id=schedule.id,
            due_at=due,
            requested_by=schedule.set_by,
        )
        .on_conflict_do_nothing(index_elements=["schedule_id", "due_at"])
    )
    schedule.next_at = rules.next_due(calendar(schedule), now)
    session.flush()


def calendar(row: PayoutSchedule) -> rules.Calendar:
    """Return when the schedule is due."""
    return rules.Calendar(row.every, row.day, row.hour)  # type: ignore[arg-type]  # the table checks it


def shape(session: Session, row: PayoutSchedule) -> ScheduleShape:
    """Return the schedule as the API shows it."""
    return ScheduleShape.of(row, ledger.asset(session, row.asset))
