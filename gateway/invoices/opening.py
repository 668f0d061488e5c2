"""Write a new invoice, where it is paid and how, in one statement: a till waits for it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy.orm import Session, make_transient_to_detached

from gateway import db
from gateway.addresses import service as addresses
from gateway.ids import new_id
from gateway.invoices.facts import Facts
from gateway.invoices.offer import Quoted
from gateway.invoices.order import Order
from gateway.invoices.store import Invoice, InvoiceOption
from gateway.invoices.terms import agreed

# In the driver's own form: SQLAlchemy's text() costs more than the statement.
OPEN = """
    with made as (
        insert into invoice select * from jsonb_populate_recordset(null::invoice, %(invoice)s)
        on conflict on constraint invoice_order do nothing returning id, account_id
    ), given_out as (
        insert into address (invoice_id, account_id, salt, chain, address)
        select made.id, made.account_id, %(salt)s, one.chain, one.address
        from made, unnest(%(chains)s::text[], %(addresses)s::bytea[]) as one (chain, address)
    )
    insert into invoice_option
    select one.* from made, jsonb_populate_recordset(null::invoice_option, %(options)s) as one
"""


def opened(
    session: Session, account_id: str, order: Order, offered: Sequence[Quoted]
) -> Facts | None:
    """Open an invoice; None when its order_id was used already. Raises InvalidAmount."""
    invoice = row_of(session, account_id, order)
    factories = {one.by.chain: one.by.vault_factory for one in offered}
    salt, places = addresses.of_invoice(invoice.id, factories)
    options = [
        option_of(invoice, position, one, places[one.by.chain])
        for position, one in enumerate(offered)
    ]
    made = session.connection().exec_driver_sql(
        OPEN,
        {
            "invoice": written(invoice),
            "options": written(*options),
            "salt": salt,
            "chains": list(places),
            "addresses": list(places.values()),
        },
    )
    if made.rowcount == 0:
        return None
    for row in (invoice, *options):
        kept(session, row)
    return Facts(
        invoice=invoice,
        options=options,
        payments=[],
        currency=order.price.asset,
        assets={one.by.asset.code: one.by.asset for one in offered},
        paused=frozenset(one.by.chain for one in offered if one.by.stale),
    )


def row_of(session: Session, account_id: str, order: Order) -> Invoice:
    """Return the row of a new invoice."""
    now = datetime.now(UTC)
    return Invoice(
        id=new_id("inv"),
        account_id=account_id,
        link_id=order.link_id,
        quantity=order.quantity,
        order_id=order.order_id,
        request_hash=order.digest,
        title=order.title,
        currency=order.price.asset.code,
        amount=Decimal(order.price.units),
        status="open",
        paid_state="none",
        late=False,
        amount_paid=Decimal(0),
        amount_credited=Decimal(0),
        amount_returned=Decimal(0),
        expires_at=now + timedelta(seconds=order.expires_in),
        success_url=order.success_url,
        details=order.metadata,
        created_at=now,
        **agreed(session, account_id, order.price, order.terms).columns,
    )


def option_of(invoice: Invoice, position: int, one: Quoted, address: bytes) -> InvoiceOption:
    """Return the row of one way to pay."""
    return InvoiceOption(
        invoice_id=invoice.id,
        position=position,
        chain=one.by.chain,
        asset=one.by.asset.code,
        address=address,
        amount=Decimal(one.whole.units),
        minimum=Decimal(one.minimum.units),
        places=one.places,
        rate=one.rate.rate,
        rate_source=one.rate.source,
        rate_at=one.rate.at,
        rate_quote_id=one.rate.quote_id,
    )


def kept(session: Session, row: db.Base) -> None:
    """Take a row that was written into the session; what it was not given is null."""
    for key in type(row).__mapper__.columns.keys() - row.__dict__.keys():
        setattr(row, key, None)
    make_transient_to_detached(row)
    session.add(row)


def written(*rows: db.Base) -> str:
    """Return rows as JSON, by column: Postgres knows what each of them is made of."""
    told = [
        {
            column.name: plain(getattr(row, key))
            for key, column in type(row).__mapper__.columns.items()
        }
        for row in rows
    ]
    return msgspec.json.encode(told).decode()


def plain(value: Any) -> Any:
    """Return a value as Postgres reads it from JSON."""
    return rf"\x{value.hex()}" if isinstance(value, bytes) else value
