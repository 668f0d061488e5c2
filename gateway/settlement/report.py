"""The settlement report: every movement of customers' money in a range, from ledger entries alone.

Invoices, deposits and withdrawals only explain a row; its amounts are the ledger's. A movement is
dated by when the ledger posted it.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.errors import Refused
from gateway.ledger.chart import Movement
from gateway.money import USD, Asset, Money
from gateway.settlement import rules
from gateway.settlement.shapes import Report, ReportRow, ReportTotal

ROWS_MAX = 50_000

ROWS = text("""
    with moved as (
        select m.account_id, m.owner, m.asset, m.decimals, m.movement, min(m.ref) as ref,
            max(m.created_at) as date, max(m.version) as version,
            coalesce(min(m.code) filter (where m.bucket <> 'fee'), 5) as code,
            bool_or(m.bucket = 'refund') as refund,
            coalesce(sum(m.amount) filter (where m.bucket <> 'fee'), 0) as gross,
            coalesce(sum(m.amount) filter (where m.bucket = 'fee'), 0) as fee,
            sum(m.amount) as net,
            (array_agg(m.balance_after - m.amount order by m.version))[1] as before,
            min(m.chain) as chain, min(m.block_number) as block_number,
            (array_agg(m.tx_hash order by m.version))[1] as tx_hash
        from customer_entry m
        where m.created_at >= :since and m.created_at < :until
            and (cast(:owner as text) is null or m.owner = :owner)
        group by m.account_id, m.owner, m.asset, m.decimals, m.movement
    )
    select moved.*,
        first_value(moved.before) over w + sum(moved.net) over w as balance_after,
        i.id as invoice, i.order_id, i.currency,
        coalesce(r.rate, p.counted_rate, o.rate) as rate, r.currency_amount as refunded,
        case when r.rate is not null then r.rate_source
            when p.counted_rate is not null then p.counted_source else o.rate_source end
            as rate_source,
        case when r.rate is not null then r.rate_at
            when p.counted_rate is not null then p.counted_at else o.rate_at end as rate_at,
        coalesce(s.block_hash, x.block_hash) as block_hash, s.log_index
    from moved
    left join deposit d on d.id = moved.ref and moved.code in (1, 2)
    left join withdrawal wd on wd.id = moved.ref and moved.code in (4, 5, 9)
    left join transaction x on x.intent_id = wd.intent_id and x.block_number = moved.block_number
    left join refund r on r.id = wd.refund_id
    left join invoice i on i.id = coalesce(d.invoice_id, r.invoice_id)
    left join invoice_payment p on p.deposit_id = d.id
    left join invoice_option o on o.invoice_id = i.id and o.asset = moved.asset
        and o.chain = coalesce(d.chain, r.chain)
    left join lateral (
        select seen.block_hash, seen.log_index from sighting seen
        join block b on b.chain = seen.chain and b.hash = seen.block_hash
        where seen.deposit_id = d.id and b.number = moved.block_number
        order by seen.canonical desc limit 1) s on true
    window w as (partition by moved.account_id order by moved.version)
    order by moved.date, moved.account_id, moved.version
    limit :limit
""")
# A balance at a moment is today's less what came since: the past is never added up again.
BALANCES = text("""
    with since as (
        select m.account_id, sum(m.amount) as since_start,
            sum(m.amount) filter (where m.created_at >= :until) as since_end
        from customer_entry m
        where m.created_at >= :since and (cast(:owner as text) is null or m.owner = :owner)
        group by m.account_id
    )
    select s.code, s.decimals,
        sum(a.credits_posted - a.debits_posted - coalesce(since.since_start, 0)) as opening,
        sum(a.credits_posted - a.debits_posted - coalesce(since.since_end, 0)) as closing
    from ledger.account a
    join ledger.asset s on s.id = a.asset_id
    left join since on since.account_id = a.id
    where a.code = 2000 and a.owner is not null
        and (cast(:owner as text) is null or a.owner = :owner)
    group by s.code, s.decimals order by s.code
""")


def report(session: Session, *, owner: str | None, since: datetime, until: datetime) -> Report:
    """Return the report of one account, or of all. Use a session of `db.snapshot()`.

    Raises Refused when the range has more than ROWS_MAX movements.
    """
    where = {"owner": owner, "since": since, "until": until}
    found = session.execute(ROWS, {**where, "limit": ROWS_MAX + 1}).all()
    if len(found) > ROWS_MAX:
        raise Refused(
            f"this range has more than {ROWS_MAX} movements; ask for a shorter one",
            code="range_too_large",
        )
    currencies = assets(session)
    balances = session.execute(BALANCES, where).all()
    return Report(
        data=[row(line, currencies) for line in found],
        totals=[total(balance, found) for balance in balances],
    )


def assets(session: Session) -> dict[str, Asset]:
    """Return what amounts can be quoted in, by code."""
    rows = session.execute(text("select code, decimals from ledger.asset"))
    return {USD.code: USD} | {line.code: Asset(line.code, line.decimals) for line in rows}


def row(line: Any, currencies: dict[str, Asset]) -> ReportRow:
    """Show one movement."""
    asset = Asset(line.asset, line.decimals)
    gross = Money(int(line.gross), asset)
    quote = quote_amount(line, gross, currencies)
    return ReportRow(
        date=line.date,
        type="refund" if line.refund else kind(line.code),
        id=line.ref,
        invoice=line.invoice,
        order_id=line.order_id,
        asset=asset.code,
        chain=line.chain,
        gross=str(gross),
        fee=str(Money(int(line.fee), asset)),
        net=str(Money(int(line.net), asset)),
        rate=rules.plain(line.rate) if quote is not None else None,
        quote_currency=quote.asset.code if quote is not None else None,
        quote_amount=str(quote) if quote is not None else None,
        tx_hash=hexadecimal(line.tx_hash),
        block_number=line.block_number,
        block_hash=hexadecimal(line.block_hash),
        log_index=line.log_index,
        balance_after=str(Money(int(line.balance_after), asset)),
        rate_source=line.rate_source if quote is not None else None,
        rate_at=line.rate_at if quote is not None else None,
        account=line.owner,
    )


def kind(code: int) -> str:
    """Name a movement; a fee whose amount is in another range still belongs to a withdrawal."""
    return "withdrawal" if code == Movement.WITHDRAWAL_FEE else Movement(code).name.lower()


def quote_amount(line: Any, gross: Money, currencies: dict[str, Asset]) -> Money | None:
    """Return what the movement is in its invoice's currency; None without an invoice's rate."""
    if line.rate is None:
        return None
    currency = currencies[line.currency]
    if line.refund and line.refunded is not None:
        return Money(-int(line.refunded) if gross else 0, currency)
    return rules.quoted(gross, line.rate, currency)


def hexadecimal(value: bytes | None) -> str | None:
    """Write a hash."""
    return None if value is None else f"0x{bytes(value).hex()}"


def total(balance: Any, rows: Iterable[Any]) -> ReportTotal:
    """Add the rows of one asset, next to the ledger's balances at both ends."""
    asset = Asset(balance.code, balance.decimals)
    mine = [line for line in rows if line.asset == asset.code]

    def money(units: Any) -> str:
        return str(Money(int(units), asset))

    return ReportTotal(
        asset=asset.code,
        gross=money(sum(int(line.gross) for line in mine)),
        fee=money(sum(int(line.fee) for line in mine)),
        net=money(sum(int(line.net) for line in mine)),
        opening_balance=money(balance.opening),
        closing_balance=money(balance.closing),
        count=len(mine),
    )


def as_csv(found: Report) -> str:
    """Write the rows as CSV (RFC 4180) under a header; no totals, so that it can be added up."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(rules.COLUMNS)
    writer.writerows(cells(found))
    return out.getvalue()


def cells(found: Report) -> Iterator[list[str]]:
    """Yield the cells of each row."""
    for line in found.data:
        shown = line.model_dump(mode="json")
        yield [rules.cell(column, shown[column]) for column in rules.COLUMNS]
