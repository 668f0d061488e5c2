"""The daily close: after 00:00 UTC, once the day's last block is final on every chain.

A movement belongs to the day on which the ledger posted it. Before a day closes, every transaction
that could still post into it has ended; afterwards it never changes, and the next day opens with
its closing balance.
"""

from datetime import UTC, date, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.ledger import service as ledger
from gateway.money import Asset
from gateway.settlement import rules
from gateway.settlement.shapes import SettlementShape
from gateway.settlement.store import Settlement
from gateway.webhooks import alarms
from gateway.webhooks import service as webhooks

LATE = timedelta(hours=2)

NEXT_DAY = text("""
    select coalesce(
        (select max(date) + 1 from settlement_day where closed_at is not null),
        (select cast(min(created_at) at time zone 'UTC' as date) from ledger.transfer))
""")
SEE_DAY = text("insert into settlement_day (date) values (:date) on conflict do nothing")
LOCK_DAY = text("""
    select boundary <= pg_snapshot_xmin(pg_current_snapshot()) as settled from settlement_day
    where date = :date and closed_at is null for update skip locked
""")
# On every active chain the newest block with the usual confirmations is of the next day, and no
# deposit of the day waits longer by a rule of its own; those below the minimum wait for others.
FINAL = text("""
    select not exists (
        select from chain h left join watch_cursor c on c.chain = h.id
        where h.active and not exists (
            select from block b where b.chain = h.id and b.canonical
                and b.number = c.number - h.confirmations + 1 and b.time >= :midnight))
    and not exists (
        select from deposit d join chain h on h.id = d.chain and h.active
        join chain_asset a on a.chain = d.chain and a.asset = d.asset
        where d.status = 'confirming' and d.amount >= a.minimum_deposit
            and d.block_time < :midnight)
""")
DAY = text("""
    with since as (
        select m.account_id, sum(m.amount) as since_start,
            sum(m.amount) filter (where m.created_at >= :until) as since_end,
            sum(m.amount) filter (where m.created_at < :until and m.bucket = 'gross') as gross,
            sum(m.amount) filter (where m.created_at < :until and m.bucket = 'fee') as fees,
            sum(m.amount) filter (where m.created_at < :until and m.bucket = 'refund') as refunds,
            sum(m.amount) filter (where m.created_at < :until and m.bucket = 'payout') as payouts,
            count(distinct m.movement) filter (where m.created_at < :until) as count
        from customer_entry m
        where m.created_at >= :since and (cast(:owner as text) is null or m.owner = :owner)
        group by m.account_id
    ), day as (
        select a.owner, s.code as asset, coalesce(x.gross, 0) as gross,
            coalesce(x.fees, 0) as fees, coalesce(x.refunds, 0) as refunds,
            coalesce(x.payouts, 0) as payouts, coalesce(x.count, 0) as count,
            a.credits_posted - a.debits_posted - coalesce(x.since_start, 0) as opening,
            a.credits_posted - a.debits_posted - coalesce(x.since_end, 0) as closing
        from ledger.account a
        join account m on m.id = a.owner and m.kind = 'merchant'
        join ledger.asset s on s.id = a.asset_id
        left join since x on x.account_id = a.id
        where a.code = 2000 and (cast(:owner as text) is null or a.owner = :owner)
    )
    select * from day where count > 0 or opening <> 0 order by owner, asset
""")
BROKEN = text("""
    select s.account_id, s.asset from settlement s left join lateral (
        select p.closing_balance from settlement p
        where p.account_id = s.account_id and p.asset = s.asset and p.date < s.date
        order by p.date desc limit 1) p on true
    where s.date = :date and s.opening_balance <> coalesce(p.closing_balance, 0)
""")

log = structlog.get_logger()


def close_next_day(session: Session, now: datetime | None = None) -> date | None:
    """Close the oldest day that is over and still open; None while there is none that can be."""
    now = now or database_now(session)
    day: date | None = session.scalar(NEXT_DAY)
    if day is None or now < rules.bounds(day)[1]:
        return None
    session.execute(SEE_DAY, {"date": day})
    row = session.execute(LOCK_DAY, {"date": day}).one_or_none()
    if row is None:
        return None
    if not row.settled or not session.scalar(FINAL, {"midnight": rules.bounds(day)[1]}):
        complain_if_late(session, day, now)
        return None
    return seal(session, day)


def database_now(session: Session) -> datetime:
    """Return the time by the clock that dates the ledger's movements."""
    moment: datetime = session.scalars(text("select clock_timestamp()")).one()
    return moment


def complain_if_late(session: Session, day: date, now: datetime) -> None:
    """Raise an alarm when a day should have closed long ago: a chain is away, or a writer hangs."""
    if now > rules.bounds(day)[1] + LATE:
        alarms.raise_alarm(
            session,
            kind="settlement_late",
            subject=day.isoformat(),
            detail="its last block is not final on every chain, or a transaction is still open",
        )


def seal(session: Session, day: date) -> date | None:
    """Store the day, tell each merchant; None, and an alarm, if it does not follow the last one."""
    rows = live(session, day)
    with session.begin_nested() as savepoint:
        session.add_all(rows)
        session.flush()
        broken = session.execute(BROKEN, {"date": day}).all()
        if broken:
            savepoint.rollback()
    if broken:
        alarms.raise_alarm(
            session,
            kind="settlement_broken",
            subject=day.isoformat(),
            detail=f"{len(broken)} opening balances are not the last closing ones: {broken[0]}",
        )
        return None
    session.execute(
        text("update settlement_day set closed_at = now() where date = :date"), {"date": day}
    )
    for row in rows:
        session.refresh(row)
    tell(session, day, rows)
    log.info("settlement.closed", date=day.isoformat(), rows=len(rows))
    return day


def tell(session: Session, day: date, rows: list[Settlement]) -> None:
    """Emit one settlement.closed for each merchant."""
    known = {asset.code: asset for asset in ledger.assets(session)}
    for account_id in sorted({row.account_id for row in rows}):
        mine = [row for row in rows if row.account_id == account_id]
        webhooks.emit(
            session,
            type="settlement.closed",
            account_id=account_id,
            object_id=f"set_{day:%Y%m%d}_{account_id}",
            data={
                "date": day.isoformat(),
                "account": account_id,
                "data": [shown(row, known) for row in mine],
            },
        )


def shown(row: Settlement, known: dict[str, Asset]) -> dict[str, object]:
    """Return a day as the API shows it."""
    return SettlementShape.of(row, known[row.asset]).model_dump(mode="json")


def live(session: Session, day: date, owner: str | None = None) -> list[Settlement]:
    """Return what a day is by now, not stored, of one merchant or of all."""
    since, until = rules.bounds(day)
    found = session.execute(DAY, {"since": since, "until": until, "owner": owner})
    return [
        Settlement(
            id=f"set_{day:%Y%m%d}_{line.owner}_{line.asset}",
            date=day,
            account_id=line.owner,
            asset=line.asset,
            gross=line.gross,
            fees=line.fees,
            refunds=line.refunds,
            net=line.gross + line.fees + line.refunds,
            payouts=line.payouts,
            opening_balance=line.opening,
            closing_balance=line.closing,
            count=line.count,
        )
        for line in found
    ]


def open_days(session: Session, now: datetime | None = None) -> list[date]:
    """Return the days that are not closed, today first; none before anything moved."""
    first: date | None = session.scalar(NEXT_DAY)
    today = (now or database_now(session)).astimezone(UTC).date()
    if first is None:
        return []
    return [today - timedelta(days=back) for back in range((today - first).days + 1)]
