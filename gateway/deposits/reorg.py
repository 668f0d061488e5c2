"""When the chain changes its mind: find where, take back what stood above, in one transaction.

Blocks are compared by parent hash down to the common ancestor. Nothing is deleted: blocks and
sightings above it are no longer canonical, deposits are orphaned or reversed.
"""

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain.port import Header, Node, NodeAway
from gateway.deposits import rules, store
from gateway.deposits.accept import CursorMoved
from gateway.deposits.store import Deposit
from gateway.deposits.tell import tell
from gateway.invoices import service as invoices
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.webhooks import alarms
from gateway.withdrawals import service as withdrawals

REORG_BLOCKS_MAX = 256
"""A deeper change is no reorganisation but another chain, or a node that lost its data."""

Place = tuple[int, bytes | None]

log = structlog.get_logger()


def ancestor(node: Node, chain: str, cursor: Place, other: Header) -> Place | None:
    """Return the last block that ours and the branch of `other` share; None if it is too deep.

    `other` is a block at or below the height after the cursor. Below the parent of our first
    block there is nothing to compare: such a branch is another chain.
    """
    while other.number > cursor[0] - REORG_BLOCKS_MAX:
        below = other.number - 1
        with db.transaction() as session:
            ours = store.canonical_hash(session, chain, below)
        if ours is None:
            return None
        if ours == other.parent_hash:
            return below, ours
        parent = node.header(other.parent_hash)
        if parent is None:
            raise NodeAway(f"the node lacks the parent of its block {other.number}")
        other = parent
    return None


def roll_back(chain: str, cursor: Place, to: Place) -> None:
    """Take back every block above `to`. Raises CursorMoved when another process did something."""
    with db.transaction() as session:
        moved = session.execute(
            text(
                "update watch_cursor c set number = :number, hash = :hash, halted_since = null,"
                " block_time = (select time from block b"
                " where b.chain = c.chain and b.hash = :hash)"
                " where chain = :chain and number = :old and hash is not distinct from :old_hash"
                " returning chain"
            ),
            {
                "chain": chain,
                "number": to[0],
                "hash": to[1],
                "old": cursor[0],
                "old_hash": cursor[1],
            },
        ).one_or_none()
        if moved is None:
            raise CursorMoved(f"the cursor of {chain} is not at {cursor[0]}")
        hit = store.orphan_above(session, chain, to[0])
        for deposit in hit:
            take_back(session, deposit, to[0])
        log.warning(
            "chain.reorganised", chain=chain, ancestor=to[0], was=cursor[0], deposits=len(hit)
        )


def take_back(session: Session, deposit: Deposit, head: int) -> None:
    """Make a deposit whose block left the chain orphaned, or reversed if it was credited."""
    was_credited = deposit.status == rules.CREDITED
    deposit.status = rules.orphaned(deposit.status)
    if was_credited:
        reverse(session, deposit)
        deposit.credited_at = None
    tell(session, deposit, head)


def reverse(session: Session, deposit: Deposit) -> None:
    """Take the credit back: what is there from the balance, the rest becomes the account's debt.

    The freeze comes first: it locks the account's balances until the commit, so that what is
    available cannot change between reading and taking it.
    """
    accounts.freeze(session, deposit.account_id)
    call_off_withdrawals(session, deposit.account_id)
    asset = ledger.asset(session, deposit.asset)
    available = ledger.balance(session, deposit.account_id, asset).available
    taken, owed = rules.split(int(deposit.amount), available.units)
    unswept = ledger.house(session, Chart.UNSWEPT, asset, deposit.chain)
    places = (
        ("taken", taken, ledger.owned(session, deposit.account_id, asset)),
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
            invoices.refund_ended(
                session,
                refund_id=withdrawal.refund_id,
                withdrawal_id=withdrawal.id,
                status=withdrawal.status,
            )


def halt(chain: str, cursor: Place, head: Header) -> None:
    """Stop crediting and call an operator; nothing else changes until the node agrees again."""
    with db.transaction() as session:
        session.execute(
            text(
                "update watch_cursor set halted_since = coalesce(halted_since, now())"
                " where chain = :chain"
            ),
            {"chain": chain},
        )
        alarms.raise_alarm(
            session,
            kind="deep_reorg",
            subject=chain,
            detail=(
                f"the node is at block {head.number} and shares none of our last"
                f" {REORG_BLOCKS_MAX} blocks below {cursor[0]}; nothing is credited until it does"
            ),
        )
