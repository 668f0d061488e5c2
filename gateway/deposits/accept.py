"""Take one block: its row, its deposits and the cursor, in one transaction."""

from decimal import Decimal

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import db
from gateway.addresses.store import Address
from gateway.chain.port import Header
from gateway.deposits import rules, store
from gateway.deposits.sight import Payment
from gateway.deposits.store import Deposit
from gateway.deposits.tell import tell
from gateway.deposits.watched import Watched
from gateway.errors import Conflict
from gateway.ids import new_id

log = structlog.get_logger()


class CursorMoved(Conflict):
    """Another process took this block, or took it back: read the cursor again."""

    code = "cursor_moved"


def accept(
    watched: Watched,
    before: tuple[int, bytes | None],
    block: Header,
    payments: list[Payment],
    node_head: int,
) -> list[tuple[str, int]]:
    """Commit a block after `before`; returns what is confirming now, with its block's number.

    Raises CursorMoved, having changed nothing, when the cursor no longer stands at `before`.
    """
    with db.transaction() as session:
        if not store.advance(session, watched.chain, before, block, node_head):
            raise CursorMoved(f"the cursor of {watched.chain} is not at {before[0]}")
        store.keep_block(session, watched.chain, block)
        return write(session, watched, block, payments, block.number)


def write(
    session: Session, watched: Watched, block: Header, payments: list[Payment], head: int
) -> list[tuple[str, int]]:
    """Write a canonical block's payments; one that stands there already is left alone."""
    fresh = []
    for payment in payments:
        deposit = sighted(session, watched, block, payment)
        if deposit is not None:
            tell(session, deposit, head)
            fresh.append((deposit.id, deposit.block_number))
    return fresh


def sighted(session: Session, watched: Watched, block: Header, payment: Payment) -> Deposit | None:
    """Return the deposit of a payment as this block shows it; None if nothing changed."""
    query = select(Deposit).where(
        Deposit.chain == watched.chain,
        Deposit.tx_hash == payment.tx_hash,
        Deposit.kind == payment.kind,
        Deposit.position == payment.position,
    )
    deposit = session.scalar(query.with_for_update())
    if deposit is None:
        deposit = first_sighting(watched.chain, payment)
    elif deposit.status in (rules.ORPHANED, rules.REVERSED):
        deposit.status, deposit.epoch = rules.seen_again(deposit.status, deposit.epoch)
    else:
        if deposit.block_hash != block.hash:
            log.error("deposit.in_two_blocks", deposit=deposit.id, block=block.number)
        return None
    take_owner(session, deposit, payment.to)
    take_facts(deposit, watched, block, payment)
    session.add(deposit)
    session.flush()
    session.refresh(deposit)
    store.keep_sighting(session, deposit)
    return deposit


def first_sighting(chain: str, payment: Payment) -> Deposit:
    """Return a new deposit, of nobody yet."""
    return Deposit(
        id=new_id("dep"),
        chain=chain,
        tx_hash=payment.tx_hash,
        kind=payment.kind,
        position=payment.position,
        status=rules.CONFIRMING,
        epoch=1,
    )


def take_owner(session: Session, deposit: Deposit, to: bytes) -> None:
    """Give the deposit to the owner of the address it pays.

    Each time it is mined: a transaction that reads the chain's state may pay another of our
    addresses on another branch.
    """
    owner = session.get_one(Address, (deposit.chain, to))
    deposit.address = to
    deposit.account_id = owner.account_id
    deposit.invoice_id = owner.invoice_id


def take_facts(deposit: Deposit, watched: Watched, block: Header, payment: Payment) -> None:
    """Write the latest sighting's facts; the amount too may be another than before."""
    listed, asset = watched.listed[payment.contract]
    deposit.from_address = payment.sender
    deposit.asset = asset.code
    deposit.amount = Decimal(listed.to_ledger(payment.units, asset).units)
    deposit.block_number = block.number
    deposit.block_hash = block.hash
    deposit.block_time = block.time
    deposit.log_index = payment.log_index
