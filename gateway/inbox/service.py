"""Put what cannot be credited where a person sees it, once; take it out when its block is gone."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway import db
from gateway.errors import NotFound
from gateway.ids import new_id
from gateway.inbox import rules, store
from gateway.inbox.rules import Transfer
from gateway.inbox.shapes import InboxShape, listed_assets, shape
from gateway.inbox.store import Item
from gateway.webhooks import service as webhooks

log = structlog.get_logger()


def put(
    session: Session,
    transfer: Transfer,
    *,
    asset: str | None = None,
    detail: str,
    deposit_id: str | None = None,
    opened: Callable[[Item], None] | None = None,
    again: bool = False,
) -> str | None:
    """Put a transfer into the inbox; returns its item's id, None when it is there as it is.

    Mined again it moves to its new block. Transfers of an unknown token are one item for each
    token and address. `opened` hears of the item when it is made, and never again, whatever the
    chain does. `again` is true of a block that was read before.
    """
    known = store.known(session, transfer)
    if known is not None and known.canonical and bytes(known.block_hash) == transfer.block_hash:
        return None
    there = seen_again(session, known, transfer) if known is not None else None
    if there is None and transfer.kind == rules.UNKNOWN_TOKEN:
        there = count(session, transfer, again=again)
    if there is not None:
        return there
    item = open_item(session, transfer, asset=asset, detail=detail, deposit_id=deposit_id)
    if opened is not None:
        opened(item)
    return item.id


def put_crowd(session: Session, transfer: Transfer, count: int, *, again: bool) -> None:
    """Count more transfers of an unknown token to an address than are kept one by one.

    `transfer` has their sum. The first ones of them were put here before.
    """
    store.add_to_token(session, transfer, count=count, kept=0, again=again)


def open_item(
    session: Session,
    transfer: Transfer,
    *,
    asset: str | None,
    detail: str,
    deposit_id: str | None,
) -> Item:
    """Open an item with its first arrival, for the owner of the address."""
    owner = store.owner_of(session, transfer.address)
    item = Item(
        id=new_id(rules.PREFIX),
        chain=transfer.chain,
        kind=transfer.kind,
        status=rules.OPEN,
        account_id=owner.account_id,
        invoice_id=owner.invoice_id,
        address=transfer.address,
        contract=transfer.contract,
        asset=asset,
        sender=transfer.sender,
        units=Decimal(transfer.units),
        arrivals=1,
        first_block=transfer.block_number,
        detail=db.storable(detail)[: rules.DETAIL_CHARACTERS_MAX] or rules.WHY[transfer.kind],
        deposit_id=deposit_id,
        created_at=datetime.now(UTC),
    )
    session.add(item)
    session.flush()
    store.keep(session, item.id, transfer)
    # whoever spams makes many of these: a token that is not listed is shown without asking again
    listed = {} if item.kind == rules.UNKNOWN_TOKEN else listed_assets(session, [item])
    say(session, item, "opened", InboxShape.of(item, listed, []))
    return item


def count(session: Session, transfer: Transfer, *, again: bool) -> str | None:
    """Count a transfer of an unknown token at its item; None while there is no item of it."""
    row = store.add_to_token(session, transfer, kept=rules.ARRIVALS_KEPT_MAX, again=again)
    if row is None:
        return None
    if not row.is_full:
        store.keep(session, row.id, transfer)
    if row.is_first and row.status == rules.OPEN:
        tell(session, locked(session, row.id), "opened")
    return str(row.id)


def seen_again(session: Session, known: Any, transfer: Transfer) -> str | None:
    """Move an arrival to the block it is in now; its item opens again if that was gone.

    None for a token that was listed, and is no longer: a new item is opened for it.
    """
    item = locked(session, known.item_id)
    if item.status == rules.ASSIGNED and item.kind == rules.UNKNOWN_TOKEN:
        return None
    store.keep(session, item.id, transfer)
    was, lost = item.status, known.units if known.canonical else Decimal(0)
    item.units = Decimal(int(item.units) + transfer.units - int(lost))
    item.arrivals += 0 if known.canonical else 1
    item.status = rules.status_seen(item.kind, was)
    session.flush()
    if item.status != was:
        tell(session, item, "opened")
    return item.id


def orphan_above(session: Session, chain: str, number: int) -> int:
    """Take out what stood in blocks above a height; returns how many items are gone by that.

    Call it before anything of the ledger is touched: a decision locks its item first, too. What
    was decided stays decided; an item with other transfers that are still there stays open.
    """
    orphaned = 0
    for item_id, arrivals, units in store.gone_above(session, chain, number):
        item = locked(session, item_id)
        item.arrivals -= arrivals
        item.units = Decimal(int(item.units) - int(units))
        was = item.status
        item.status = rules.status_left(was, item.arrivals)
        session.flush()
        if item.status != was:
            orphaned += 1
            tell(session, item, rules.ORPHANED)
    return orphaned


def get(session: Session, item_id: str) -> Item:
    """Return an item; raises NotFound."""
    item = session.get(Item, item_id, populate_existing=True)
    if item is None:
        raise NotFound("no such item in the inbox")
    return item


def locked(session: Session, item_id: str) -> Item:
    """Return an item, locked; raises NotFound."""
    item = store.lock(session, item_id)
    if item is None:
        raise NotFound("no such item in the inbox")
    return item


def wrong_asset_of(session: Session, deposit_id: str) -> Item | None:
    """Return the item of a deposit that came in the wrong asset for its invoice."""
    return next(iter(wrong_assets_of(session, [deposit_id])), None)


def wrong_assets_of(session: Session, deposits: Sequence[str]) -> list[Item]:
    """Return the items of deposits that came in the wrong asset for their invoice."""
    query = select(Item).where(Item.deposit_id.in_(deposits), Item.kind == rules.WRONG_ASSET)
    return list(session.scalars(query.order_by(Item.id)))


def waiting_for(session: Session, chain: str, contract: bytes | None) -> int:
    """Return how many open items of a chain are of this token, None the native coin."""
    query = select(func.count()).where(
        Item.chain == chain,
        Item.contract.is_not_distinct_from(contract),
        Item.kind.in_(rules.BECOMES_DEPOSITS),
        Item.status == rules.OPEN,
    )
    return session.scalars(query).one()


def tell(session: Session, item: Item, what: str) -> None:
    """Emit `inbox.<what>` to the house, with the item as the API shows it."""
    session.flush()
    session.refresh(item)
    say(session, item, what, shape(session, item))


def say(session: Session, item: Item, what: str, shown: InboxShape) -> None:
    """Emit the event of an item that looks like this."""
    webhooks.emit(
        session,
        type=f"inbox.{what}",
        account_id=None,
        object_id=item.id,
        data=shown.model_dump(mode="json"),
    )
    log.info(f"inbox.{what}", item=item.id, kind=item.kind, chain=item.chain)
