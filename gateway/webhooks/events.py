"""The event log, replayed in order of commit for programs that must miss nothing."""

from sqlalchemy import ColumnElement, literal_column, select, text
from sqlalchemy.orm import Session

from gateway.errors import Refused
from gateway.web.pages import Cursor
from gateway.webhooks.store import Event

# Ids are made before the commit, so a reader that follows them could pass a late committer by.
# Behind every transaction still open, (xid, seq) never gains a row below what was served.
SETTLED: ColumnElement[bool] = literal_column("event.xid < pg_snapshot_xmin(pg_current_snapshot())")
XID: ColumnElement[str] = literal_column("event.xid")
CURSOR = text(
    "select cast(xid as text) as xid, seq from event where id = :id"
    " and (cast(:account as text) is null or account_id = :account)"
)
AFTER = text("(event.xid, event.seq) > (cast(cast(:after_xid as text) as xid8), :after_seq)")


def replay(
    session: Session,
    where: Cursor,
    *,
    account_id: str | None,
    type: str | None,
    object_id: str | None,
) -> tuple[list[Event], bool]:
    """Return the events after the cursor, and if there are more now.

    Transactions come in the order of their first write, their events in the order of emit().
    Raises Refused for an unknown cursor.
    """
    query = select(Event).where(SETTLED)
    for column, value in (
        (Event.account_id, account_id),
        (Event.type, type),
        (Event.object_id, object_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if where.created_from is not None:
        query = query.where(Event.created_at >= where.created_from)
    if where.created_to is not None:
        query = query.where(Event.created_at < where.created_to)
    if where.starting_after is not None:
        query = query.where(after(session, where.starting_after, account_id))
    rows = list(session.scalars(query.order_by(XID, Event.seq).limit(where.limit + 1)))
    return rows[: where.limit], len(rows) > where.limit


def after(session: Session, event_id: str, account_id: str | None) -> ColumnElement[bool]:
    """Return the condition that a row comes after the cursor; raises Refused."""
    cursor = session.execute(CURSOR, {"id": event_id, "account": account_id}).one_or_none()
    if cursor is None:
        raise Refused("starting_after is no id of this list", code="unknown_cursor")
    return AFTER.bindparams(after_xid=cursor.xid, after_seq=cursor.seq)  # type: ignore[return-value]


def types(session: Session, event_ids: list[str]) -> dict[str, str]:
    """Return the type of each of these events."""
    rows = session.execute(select(Event.id, Event.type).where(Event.id.in_(event_ids)))
    return {row.id: row.type for row in rows}
