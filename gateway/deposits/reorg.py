"""When the chain changes its mind: find where, take back what stood above, in one transaction.

Blocks are compared by parent hash down to the common ancestor. Nothing is deleted: blocks and
sightings above it are no longer canonical, deposits are orphaned or reversed. No block the node
called final is ever taken back: what contradicts one stops the crediting and calls a person.
"""

from collections.abc import Iterator

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain.port import Header, Node, NodeAway
from gateway.deposits import blocked, found, rules, store
from gateway.deposits.accept import CursorMoved
from gateway.deposits.store import Deposit
from gateway.deposits.tell import tell
from gateway.holds import service as holds
from gateway.inbox import service as inbox
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.refunds import service as refunds
from gateway.webhooks import alarms
from gateway.withdrawals import service as withdrawals

WALK_BLOCKS, WALK_BLOCKS_MAX, WALK_GROWTH = 1, 256, 4

ROLL_BACK = text("""
    update watch_cursor c set number = :number, hash = :hash, halted_since = null,
        safe = least(safe, :number), index_epoch = index_epoch + 1,
        block_time = (select time from block b where b.chain = c.chain and b.hash = :hash)
    where chain = :chain and number = :old and hash is not distinct from :old_hash
    returning index_epoch,
        set_config('idle_in_transaction_session_timeout', cast(:patience as text), true)
""")

Place = tuple[int, bytes | None]

log = structlog.get_logger()


def lowest(chain: str, cursor: Place) -> int:
    """Return the lowest height to which the cursor may go back."""
    with db.transaction() as session:
        return rules.lowest_ancestor(cursor[0], store.heights(session, chain).finalized)


def ancestor(node: Node, chain: str, cursor: Place, other: Header) -> Place | None:
    """Return the last block that ours and the branch of `other` share; None if it is too deep.

    `other` is a block at or below the height after the cursor. Below the parent of our first
    block there is nothing to compare: such a branch is another chain. Raises NodeAway.
    """
    for block in branch(node, other, lowest(chain, cursor)):
        below = block.number - 1
        with db.transaction() as session:
            ours = store.canonical_hash(session, chain, below)
        if ours is None:
            return None
        if ours == block.parent_hash:
            return below, ours
    return None


def branch(node: Node, top: Header, floor: int) -> Iterator[Header]:
    """Give a block and those below it, all above `floor`; read as far as they are asked for.

    They are read by number, more at a time the deeper it goes: raises NodeAway when one is not
    its child's parent, because the node changed its mind meanwhile.
    """
    child, span = top, WALK_BLOCKS
    if child.number > floor:
        yield child
    while child.number - 1 > floor:
        first = max(floor + 1, child.number - span)
        for header in reversed(node.headers(first, child.number - 1)):
            if header is None or header.hash != child.parent_hash:
                raise NodeAway(f"the node lacks the parent of its block {child.number}")
            yield header
            child = header
        span = min(span * WALK_GROWTH, WALK_BLOCKS_MAX)


def roll_back(chain: str, cursor: Place, to: Place) -> tuple[list[str], int]:
    """Take back every block above `to`; returns the deposits hit and the index's new epoch.

    Raises CursorMoved when another process did something.
    """
    with db.transaction() as session:
        moved = session.execute(
            ROLL_BACK,
            {
                "chain": chain,
                "number": to[0],
                "hash": to[1],
                "old": cursor[0],
                "old_hash": cursor[1],
                "patience": store.HANGS_MILLISECONDS,
            },
        ).one_or_none()
        if moved is None:
            raise CursorMoved(f"the cursor of {chain} is not at {cursor[0]}")
        inbox.orphan_above(session, chain, to[0])
        found.orphan_above(session, chain, to[0])
        hit = store.orphan_above(session, chain, to[0])
        for deposit in hit:
            take_back(session, deposit, to[0])
        log.warning(
            "chain.reorganised", chain=chain, ancestor=to[0], was=cursor[0], deposits=len(hit)
        )
        return [deposit.id for deposit in hit], moved.index_epoch


def take_back(session: Session, deposit: Deposit, head: int) -> None:
    """Make a deposit whose block left the chain orphaned, or reversed if it was credited."""
    was_credited = deposit.status == rules.CREDITED
    deposit.status = rules.orphaned(deposit.status)
    if was_credited:
        reverse(session, deposit)
        deposit.credited_at, deposit.blocked = None, False
        holds.close(session, deposit.id, holds.CLOSED, by=journal.SYSTEM, note="left the chain")
    tell(session, deposit, head)


def reverse(session: Session, deposit: Deposit) -> None:
    """Take the credit back: what is there from the balance, the rest becomes the account's debt.

    What was kept apart is still there. The freeze comes first: it locks the account's balances
    until the commit, so that what is available cannot change between reading and taking it.
    """
    asset, place = ledger.asset(session, deposit.asset), blocked.place_of(deposit)
    taken, owed = int(deposit.amount), 0
    if place is Chart.AVAILABLE:
        accounts.freeze(session, deposit.account_id)
        call_off_withdrawals(session, deposit.account_id)
        available = ledger.balance(session, deposit.account_id, asset).available
        taken, owed = rules.split(taken, available.units)
    unswept = ledger.house(session, Chart.UNSWEPT, asset, deposit.chain)
    places = (
        ("taken", taken, ledger.owned(session, deposit.account_id, asset, place)),
        ("owed", owed, ledger.owned(session, deposit.account_id, asset, Chart.RECEIVABLE)),
    )
    for name, units, debit in places:
        if units == 0:
            continue
        ledger.post(
            session,
            key=f"reversal:{deposit.id}:{deposit.epoch}:{name}",
            debit=debit,
            credit=unswept,
            money=Money(units, asset),
            movement=Movement.DEPOSIT_REVERSAL,
            ref=deposit.id,
            evidence=ledger.Evidence(deposit.chain, deposit.block_number, deposit.tx_hash),
        )


def call_off_withdrawals(session: Session, account_id: str) -> None:
    """Cancel what has not left yet, and tell the invoices whose refunds are among it."""
    for withdrawal in withdrawals.cancel_unsent(session, account_id):
        if withdrawal.refund_id is not None:
            refunds.refund_ended(
                session,
                refund_id=withdrawal.refund_id,
                withdrawal_id=withdrawal.id,
                status=withdrawal.status,
            )


def halt(chain: str, cursor: Place, head: Header) -> None:
    """Stop crediting and call an operator; nothing else changes until the node agrees again.

    Raises CursorMoved when another process did something: then we compared with what it took back.
    """
    with db.transaction() as session:
        stands = session.execute(
            text(
                "update watch_cursor set halted_since = coalesce(halted_since, now())"
                " where chain = :chain and number = :number and hash is not distinct from :hash"
                " returning chain"
            ),
            {"chain": chain, "number": cursor[0], "hash": cursor[1]},
        ).one_or_none()
        if stands is None:
            raise CursorMoved(f"the cursor of {chain} is not at {cursor[0]}")
        floor = rules.lowest_ancestor(cursor[0], store.heights(session, chain).finalized)
        alarms.raise_alarm(
            session,
            kind="deep_reorg",
            subject=chain,
            detail=(
                f"we read up to block {cursor[0]}; the node, at block {head.number}, is on a chain"
                f" that leaves ours below block {max(floor, 0)}; nothing is credited until it is"
                " on ours again"
            ),
        )
