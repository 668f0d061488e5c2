"""What tells that a page must be drawn again: one question for all open pages."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import freshness

# All that a page shows and that changes by itself. New blocks matter to those who wait for them.
MARKS = text("""
    select i.id, md5(concat_ws('|', i.status, i.paid_state, i.late_action, i.amount_paid,
        i.amount_credited, i.expires_at, i.reverted_at,
        (select string_agg(concat_ws(':', p.deposit_id, p.status, p.block_number,
                case when p.status = 'confirming' then w.number end), ',' order by p.deposit_id)
            from invoice_payment p left join watch_cursor w on w.chain = p.chain
            where p.invoice_id = i.id),
        (select string_agg(x.id, ',' order by x.id) from inbox_item x
            where x.invoice_id = i.id and x.status = 'open'),
        (select string_agg(concat_ws(':', a.id, a.status, a.reason), ',' order by a.id)
            from payment_authorization a where a.invoice_id = i.id),
        (select string_agg(r.id || r.status, ',' order by r.id) from refund r
            where r.invoice_id = i.id)
    )) as mark
    from invoice i where i.id = any(:ids)
""")


def read(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """Return a mark for each invoice: two that differ are worth a look."""
    paused = ",".join(sorted(freshness.paused(session)))
    rows = session.execute(MARKS, {"ids": list(ids)})
    return {row.id: f"{row.mark} {paused}" for row in rows}
