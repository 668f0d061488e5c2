"""Write a new invoice, where it is paid and how, in one statement: a till waits for it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from gateway import db
from gateway.addresses import service as addresses
from gateway.chain import payable
from gateway.ids import new_id
from gateway.invoices import offer, terms
from gateway.invoices.facts import Facts
from gateway.invoices.offer import Quoted
from gateway.invoices.order import Order
from gateway.invoices.store import Invoice, InvoiceOption
from gateway.invoices.terms import Agreed

# What the merchant agreed to, once with everything that can pay.
BEFORE = f"""
    select {terms.COLUMNS}, p.*
    from (select %s::text as account_id) who left join checkout_terms t using (account_id)
        left join ({payable.PAYABLE}) p on true
    order by p.id, p.asset
"""  # noqa: S608  # words of our own
OPEN = """
    with made as (
        insert into invoice select * from jsonb_populate_record(null::invoice, %s)
        on conflict on constraint invoice_order do nothing returning id, account_id
    ), given_out as (
        insert into address (invoice_id, account_id, salt, chain, address)
        select made.id, made.account_id, %s::bytea, place.chain, place.address
        from made, unnest(%s::text[], %s::bytea[]) as place (chain, address)
    )
    insert into invoice_option
    select one.* from made, jsonb_populate_recordset(null::invoice_option, %s) as one
"""


def opened(session: Session, account_id: str, order: Order) -> Facts | None:
    """Open an invoice; None when its order_id was used already.

    Raises DependencyAway without a rate, UnknownChain, UnknownAsset, Refused, InvalidAmount.
    """
    rows = db.ask(session, BEFORE, (account_id,)).fetchall()
    merchants = terms.told(rows[0][: terms.WIDTH])
    found = payable.read(row[terms.WIDTH :] for row in rows)
    offered = offer.quotes(session, found, order.price, order.assets)
    agreed = terms.agreed(merchants, order.price, order.terms)
    invoice = columns_of(account_id, order, agreed)
    factories = {one.by.chain: one.by.vault_factory for one in offered}
    salt, places = addresses.of_invoice(invoice["id"], factories)
    options = [
        option_of(invoice["id"], position, one, places[one.by.chain])
        for position, one in enumerate(offered)
    ]
    row = msgspec.json.encode(written(invoice)).decode()
    ways = msgspec.json.encode([written(option) for option in options]).decode()
    made = db.ask(session, OPEN, (row, salt, list(places), list(places.values()), ways))
    if made.rowcount == 0:
        return None
    return Facts(
        invoice=db.row(Invoice, invoice),
        options=[db.row(InvoiceOption, option) for option in options],
        payments=[],
        currency=order.price.asset,
        assets={one.by.asset.code: one.by.asset for one in offered},
        paused=frozenset(one.by.chain for one in offered if one.by.stale),
    )


def columns_of(account_id: str, order: Order, agreed: Agreed) -> dict[str, Any]:
    """Return the row of a new invoice by column."""
    now = datetime.now(UTC)
    return {
        "id": new_id("inv"),
        "account_id": account_id,
        "link_id": order.link_id,
        "quantity": order.quantity,
        "order_id": order.order_id,
        "request_hash": order.digest,
        "title": order.title,
        "currency": order.price.asset.code,
        "amount": Decimal(order.price.units),
        "status": "open",
        "paid_state": "none",
        "late": False,
        "amount_paid": Decimal(0),
        "amount_credited": Decimal(0),
        "amount_returned": Decimal(0),
        "expires_at": now + timedelta(seconds=order.expires_in),
        "success_url": order.success_url,
        "metadata": order.metadata,
        "created_at": now,
        **agreed.columns,
    }


def option_of(invoice_id: str, position: int, one: Quoted, address: bytes) -> dict[str, Any]:
    """Return the row of one way to pay by column."""
    return {
        "invoice_id": invoice_id,
        "position": position,
        "chain": one.by.chain,
        "asset": one.by.asset.code,
        "address": address,
        "amount": Decimal(one.whole.units),
        "minimum": Decimal(one.minimum.units),
        "places": one.places,
        "rate": one.rate.rate,
        "rate_source": one.rate.source,
        "rate_at": one.rate.at,
        "rate_quote_id": one.rate.quote_id,
    }


def written(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as Postgres reads it from JSON, by the types of its table's columns."""
    return {
        name: rf"\x{value.hex()}" if type(value) is bytes else value for name, value in row.items()
    }
