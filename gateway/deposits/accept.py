"""Take blocks: their rows, what was paid in them and the cursor, in one transaction.

A payment that cannot be written is set aside for a person, with an alarm; it stops neither the
others nor the chain.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gateway import db
from gateway.addresses.store import Address
from gateway.chain.port import Header
from gateway.deposits import aside, finality, rules, store
from gateway.deposits.heads import View
from gateway.deposits.payment import Payment, Read
from gateway.deposits.rules import Heights, Waiting
from gateway.deposits.store import Deposit
from gateway.deposits.tell import tell
from gateway.deposits.watched import Watched
from gateway.errors import Conflict
from gateway.ids import new_id
from gateway.invoices import service as invoices

log = structlog.get_logger()


class CursorMoved(Conflict):
    """Another process took this block, or took it back: read the cursor again."""

    code = "cursor_moved"


def accept(
    watched: Watched, before: tuple[int, bytes | None], reads: list[Read], view: View
) -> list[Waiting]:
    """Commit blocks that follow each other and `before`; returns what is confirming now.

    Raises CursorMoved, having changed nothing, when the cursor no longer stands at `before`.
    """
    last = reads[-1].block
    with db.transaction() as session:
        if not store.advance(session, watched.chain, before, last, heights_of(view)):
            raise CursorMoved(f"the cursor of {watched.chain} is not at {before[0]}")
        store.keep_blocks(session, watched.chain, [one.block for one in reads])
        fresh = []
        for one in reads:
            fresh += write(session, watched, one, last.number)
        return fresh


def heights_of(view: View) -> Heights:
    """Return how far the node says its chain is."""
    return Heights(view.head.number, view.safe, view.finalized)


def write(
    session: Session, watched: Watched, read: Read, head: int, *, again: bool = False
) -> list[Waiting]:
    """Write what a canonical block paid us; what stands there already is left alone.

    The block's row is there and the cursor is held. `again` is true of a block that the watcher
    read before.
    """
    fresh = []
    for payment in read.payments:
        deposit = taken(session, watched, read.block, payment, head)
        if deposit is not None:
            rule = rules.Rule(deposit.finality, deposit.required)
            fresh.append(Waiting(deposit.id, deposit.block_number, rule))
    for stray in read.strays:
        if again and is_deposit(session, watched.chain, stray.payment):
            continue  # its token is not trusted now, it was then
        with guarded(session, watched.chain, read.block, stray.payment):
            aside.put_stray(session, watched.chain, read.block, stray, again=again)
    for contract, detail in read.odd.items():
        aside.tell_odd(session, watched, contract, detail)
    if read.left_out:
        aside.tell_left_out(session, watched.chain, read.block, read.left_out)
    return fresh


def is_deposit(session: Session, chain: str, payment: Payment) -> bool:
    """True of a payment that stands as a deposit."""
    query = select(Deposit.id).where(
        *identity(chain, payment), Deposit.status.in_((rules.CONFIRMING, rules.CREDITED))
    )
    return session.scalar(query) is not None


def identity(chain: str, payment: Payment) -> tuple[ColumnElement[bool], ...]:
    """Return what names a deposit."""
    return (
        Deposit.chain == chain,
        Deposit.tx_hash == payment.tx_hash,
        Deposit.kind == payment.kind,
        Deposit.position == payment.position,
    )


@contextmanager
def guarded(session: Session, chain: str, block: Header, payment: Payment) -> Iterator[None]:
    """Undo and set aside what fails, and go on; the database's own troubles are no fault of it."""
    try:
        with session.begin_nested():
            yield
    except Exception as error:  # whatever it is, the payments behind it are owed their sighting
        if aside.asks_for_patience(error):
            raise
        aside.set_aside(session, chain, block, payment, error)


def taken(
    session: Session, watched: Watched, block: Header, payment: Payment, head: int
) -> Deposit | None:
    """Write one payment and tell it; None when nothing changed or it was set aside."""
    deposit = None
    with guarded(session, watched.chain, block, payment):
        deposit = sighted(session, watched, block, payment)
        if deposit is not None:
            tell(session, deposit, head)
            if not offered(session, deposit):
                aside.put_wrong_asset(session, block, payment, deposit)
        return deposit
    return None


def offered(session: Session, deposit: Deposit) -> bool:
    """True unless the deposit's invoice does not ask for its asset."""
    return deposit.invoice_id is None or invoices.offers(
        session, invoice_id=deposit.invoice_id, asset=deposit.asset
    )


def sighted(session: Session, watched: Watched, block: Header, payment: Payment) -> Deposit | None:
    """Return the deposit of a payment as this block shows it; None if nothing changed."""
    query = select(Deposit).where(*identity(watched.chain, payment))
    deposit = session.scalar(query.with_for_update())
    if deposit is None:
        deposit = first_sighting(watched.chain, payment)
    elif deposit.status in (rules.ORPHANED, rules.REVERSED):
        deposit.status, deposit.epoch = rules.seen_again(deposit.status, deposit.epoch)
    else:
        if deposit.block_hash != block.hash:
            log.error("deposit.in_two_blocks", deposit=deposit.id, block=block.number)
        return None
    with session.no_autoflush:  # half of the facts are no deposit yet
        take_owner(session, deposit, payment.to)
        take_facts(deposit, watched, block, payment)
        finality.fix(session, deposit)
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
