"""Tell what happened: one statement writes the event and a delivery per endpoint that listens."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import bell
from gateway.ids import new_id
from gateway.webhooks.store import Event

# A delivery's id begins with its event's time; the rest is a hash: one statement makes many.
DELIVERY_ID = "'dlv_' || substr({event}, 5, 10) || upper(substr(md5({event} || {endpoint}), 1, 16))"
WANTED = """(w.events is null or exists (
                select from unnest(w.events) as wanted
                where wanted = {type}
                    or (right(wanted, 2) = '.*' and starts_with({type}, left(wanted, -1)))))"""
"""Whether endpoint w listens to events of a type."""
OF_LINK = "(w.payment_link is null or w.payment_link = {data} ->> 'payment_link')"
"""Whether endpoint w listens to what an event's object came of: any, or the link it names."""
EMIT = text(f"""
    with told as (
        insert into event (id, type, account_id, object_id, data)
        values (:id, :type, :account, :object, cast(:data as jsonb))
        returning id, seq, created_at, data
    ), fanned_out as (
        insert into delivery (id, event_id, endpoint_id, object_id, seq)
        select {DELIVERY_ID.format(event="told.id", endpoint="w.id")},
            told.id, w.id, :object, told.seq
        from told, webhook_endpoint w
        where w.active and (w.account_id is null or w.account_id = :account)
            and {WANTED.format(type=":type")}
            and {OF_LINK.format(data="told.data")}
        returning 1
    )
    select seq, created_at, (select count(*) from fanned_out) as deliveries from told
""")  # noqa: S608 — made of constants of ours


def emit(
    session: Session, *, type: str, account_id: str | None, object_id: str, data: dict[str, Any]
) -> Event:
    """Record an event in the caller's transaction; its webhooks leave after the commit.

    `data` is the object as the API shows it. `account_id` None means the house alone is told.
    Call it while the object's row is locked: that makes the order of one object's events true.
    """
    event_id = new_id("evt")
    row = session.execute(
        EMIT,
        {
            "id": event_id,
            "type": type,
            "account": account_id,
            "object": object_id,
            "data": json.dumps(data),
        },
    ).one()
    if row.deliveries:
        bell.ring(session, "deliver")
    bell.publish(session, f"object:{object_id}")
    return Event(
        id=event_id,
        type=type,
        account_id=account_id,
        object_id=object_id,
        data=data,
        seq=row.seq,
        created_at=row.created_at,
    )
