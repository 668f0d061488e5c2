"""The tables of what waits for a person, its transfers one by one, and what was decided."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.inbox.rules import Transfer

ARRIVALS_SHOWN_MAX = 500

# The oldest row: an address given out on several chains has one owner on all of them.
OWNER = text("""
    select account_id, invoice_id from address where address = :address
    order by created_at, chain limit 1
""")
KNOWN = text("""
    select item_id, block_hash, canonical, units from inbox_arrival
    where chain = :chain and kind = :kind and hash = :hash and position = :position
        and native = :native and address = :address
""")
KEEP = text("""
    insert into inbox_arrival (chain, kind, hash, position, native, address, item_id, tx_hash,
        sender, contract, units, block_number, block_hash, block_time, log_index)
    values (:chain, :kind, :hash, :position, :native, :address, :item, :tx_hash, :sender,
        :contract, :units, :block_number, :block_hash, :block_time, :log_index)
    on conflict (chain, kind, hash, position, native, address) do update set
        item_id = excluded.item_id, sender = excluded.sender, units = excluded.units,
        block_number = excluded.block_number, block_hash = excluded.block_hash,
        block_time = excluded.block_time, log_index = excluded.log_index, canonical = true,
        seen_at = now()
""")
# An item with many transfers keeps rows for the first ones and counts the others. What is counted
# has no row to be known by, so in a block that was read before it is not counted again.
ADD_TO_TOKEN = text("""
    with had as (
        select id, arrivals - beyond >= :kept as is_full from inbox_item
        where chain = :chain and address = :address and contract = :contract
            and kind = 'unknown_token' and status <> 'assigned'
        for update
    ), more as (
        select id, is_full, case when is_full and :again then 0 else :count end as arrivals,
            case when is_full and :again then 0 else :units end as units from had
    )
    update inbox_item i set units = i.units + more.units, arrivals = i.arrivals + more.arrivals,
        beyond = i.beyond + case when more.is_full then more.arrivals else 0 end,
        sender = case when i.sender = :sender then i.sender end,
        first_block = least(i.first_block, :block_number),
        status = case i.status when 'orphaned' then 'open' else i.status end
    from more where i.id = more.id
    returning i.id, i.status, i.arrivals = 1 as is_first, more.is_full
""")
GONE = text("""
    with gone as (
        update inbox_arrival set canonical = false
        where chain = :chain and block_number > :number and canonical
        returning item_id, units
    )
    select item_id, count(*) as arrivals, sum(units) as units from gone
    group by item_id order by item_id
""")


class Item(db.Base):
    """One thing for an operator to decide; `units` are of the chain, of all its arrivals."""

    __tablename__ = "inbox_item"

    id: Mapped[str] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(ForeignKey("chain.id"))
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    account_id: Mapped[str | None] = mapped_column(ForeignKey("account.id"))
    invoice_id: Mapped[str | None]
    address: Mapped[bytes]
    contract: Mapped[bytes | None]
    asset: Mapped[str | None]
    sender: Mapped[bytes | None]
    units: Mapped[Decimal]
    arrivals: Mapped[int] = mapped_column(default=1)
    beyond: Mapped[int] = mapped_column(default=0)
    first_block: Mapped[int]
    detail: Mapped[str]
    deposit_id: Mapped[str | None]
    withdrawal_id: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Arrival(db.Base):
    """One transfer of an item; `hash` is its transaction's, or its block's when it has none."""

    __tablename__ = "inbox_arrival"

    chain: Mapped[str] = mapped_column(ForeignKey("chain.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    position: Mapped[str] = mapped_column(primary_key=True)
    native: Mapped[bool] = mapped_column(primary_key=True)
    address: Mapped[bytes] = mapped_column(primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("inbox_item.id"))
    tx_hash: Mapped[bytes | None]
    sender: Mapped[bytes | None]
    contract: Mapped[bytes | None]
    units: Mapped[Decimal]
    block_number: Mapped[int]
    block_hash: Mapped[bytes]
    block_time: Mapped[datetime]
    log_index: Mapped[int | None]
    canonical: Mapped[bool] = mapped_column(default=True)
    deposit_id: Mapped[str | None]
    seen_at: Mapped[datetime] = mapped_column(server_default="now()")


class Decision(db.Base):
    """What was decided about an item: never changed, a later one follows it."""

    __tablename__ = "inbox_decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("inbox_item.id"))
    decision: Mapped[str]
    decided_by: Mapped[str]
    reason: Mapped[str | None]
    account_id: Mapped[str | None] = mapped_column(ForeignKey("account.id"))
    withdrawal_id: Mapped[str | None]
    transfer_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Owner(NamedTuple):
    """Whose an address is, as far as we know."""

    account_id: str | None
    invoice_id: str | None


def owner_of(session: Session, address: bytes) -> Owner:
    """Return the owner of an address on whatever chain it was given out."""
    row = session.execute(OWNER, {"address": address}).one_or_none()
    return Owner(None, None) if row is None else Owner(row.account_id, row.invoice_id)


def lock(session: Session, item_id: str) -> Item | None:
    """Return the row, locked, as it is now."""
    return session.get(Item, item_id, with_for_update=True, populate_existing=True)


def known(session: Session, transfer: Transfer) -> Any | None:
    """Return the arrival that this transfer is, None if it was never kept."""
    return session.execute(KNOWN, values(transfer)).one_or_none()


def keep(session: Session, item_id: str, transfer: Transfer) -> None:
    """Write an arrival, or where it stands now."""
    session.execute(KEEP, {**values(transfer), "item": item_id})


def add_to_token(
    session: Session, transfer: Transfer, *, count: int = 1, kept: int, again: bool
) -> Any | None:
    """Count transfers of an unknown token to an address; None while there is no item.

    `kept` of an item's transfers have a row of their own; others of a block that was read `again`
    were counted then.
    """
    told = {**values(transfer), "kept": kept, "count": count, "again": again}
    return session.execute(ADD_TO_TOKEN, told).one_or_none()


def values(transfer: Transfer) -> dict[str, Any]:
    """Return a transfer as the statements above name its parts."""
    told = {one.name: getattr(transfer, one.name) for one in fields(transfer)}
    units = Decimal(transfer.units)
    return {**told, "units": units, "hash": transfer.hash, "native": transfer.native}


def arrivals(session: Session, item_id: str, *, canonical: bool = False) -> list[Arrival]:
    """Return the transfers of an item, oldest block first."""
    query = select(Arrival).where(Arrival.item_id == item_id)
    if canonical:
        query = query.where(Arrival.canonical)
    query = query.order_by(Arrival.block_number, Arrival.log_index, Arrival.position)
    fresh = query.limit(ARRIVALS_SHOWN_MAX).execution_options(populate_existing=True)
    return list(session.scalars(fresh))


def decisions(session: Session, ids: Sequence[str]) -> dict[str, list[Decision]]:
    """Return what was decided about some items, oldest first."""
    query = select(Decision).where(Decision.item_id.in_(ids)).order_by(Decision.id)
    found: dict[str, list[Decision]] = {}
    for row in session.scalars(query):
        found.setdefault(row.item_id, []).append(row)
    return found


def gone_above(session: Session, chain: str, number: int) -> list[tuple[str, int, Decimal]]:
    """Mark the transfers above a height as gone; return item, how many and how much, by item."""
    rows = session.execute(GONE, {"chain": chain, "number": number})
    return [(row.item_id, int(row.arrivals), row.units) for row in rows]


def of_transaction(session: Session, tx_hash: bytes, limit: int) -> dict[str, int]:
    """Return the items a transaction put here, each with the block it was seen in last."""
    query = select(Arrival.item_id, Arrival.block_number).where(Arrival.tx_hash == tx_hash)
    rows = session.execute(query.order_by(Arrival.item_id).limit(limit))
    return {row.item_id: row.block_number for row in rows}


def named(session: Session, ids: Sequence[str]) -> list[Item]:
    """Return items by id, oldest first."""
    return list(session.scalars(select(Item).where(Item.id.in_(ids)).order_by(Item.id)))
