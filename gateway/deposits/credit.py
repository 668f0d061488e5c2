"""Credit what is final. The index proposes, the compare-and-set in Postgres decides."""

from datetime import UTC, datetime
from enum import Enum

import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.store import Chain, ChainAsset
from gateway.deposits import rules
from gateway.deposits.pending import Pending
from gateway.deposits.store import Deposit
from gateway.deposits.tell import tell
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.webhooks import alarms

# Confirming, and its block still ours and deep enough: in one statement, under the cursor's lock.
CREDIT = text("""
    update deposit d set status = 'credited', credited_at = :now
    where d.id = :id and d.status = 'confirming' and d.block_number + :required - 1 <= :head
        and exists (
            select from sighting s join block b on b.chain = s.chain and b.hash = s.block_hash
            where s.deposit_id = d.id and s.block_hash = d.block_hash
                and s.canonical and b.canonical)
    returning d.id
""")
# Held until the commit: a reorganisation waits for the credit, a credit for the reorganisation.
HEAD = text("""
    select number, halted_since is not null as halted from watch_cursor
    where chain = :chain for share
""")
SMALL_ONES = text("""
    select d.id, d.amount from deposit d
    where d.chain = :chain and d.address = :address and d.asset = :asset
        and d.status = 'confirming' and d.amount < :minimum and d.id <> :id
        and d.block_number + :required - 1 <= :head
    order by d.id
""")

log = structlog.get_logger()


class Outcome(Enum):
    """What became of a proposal; only NOT_YET is proposed again by itself."""

    CREDITED = "credited"
    NOT_YET = "not_yet"
    GONE = "gone"
    TOO_SMALL = "too_small"


def credit_due(pending: Pending, due: list[str]) -> int:
    """Credit each proposal in a transaction of its own; return how many were credited.

    One that fails stays due, stops nobody else, and calls an operator.
    """
    done, credited = [], 0
    for deposit_id in due:
        try:
            with db.transaction() as session:
                outcome = credit(session, deposit_id)
        except Exception as error:  # whatever it is, the deposits behind it are owed their credit
            failed(deposit_id, error)
            continue
        credited += outcome is Outcome.CREDITED
        if outcome is not Outcome.NOT_YET:
            done.append(deposit_id)
    pending.settled(done)
    return credited


def failed(deposit_id: str, error: Exception) -> None:
    """Log a credit that failed; tell an operator unless the database only asked for patience."""
    log.exception("deposit.credit_failed", deposit=deposit_id)
    if isinstance(error, OperationalError):
        return
    with db.transaction() as session:
        alarms.raise_alarm(
            session, kind="credit_failed", subject=deposit_id, detail=type(error).__name__
        )


def credit(session: Session, deposit_id: str) -> Outcome:
    """Credit a deposit that is final, together with the small ones that waited for it."""
    deposit = session.get(Deposit, deposit_id)
    if deposit is None:
        return Outcome.GONE
    head = session.execute(HEAD, {"chain": deposit.chain}).one()
    session.refresh(deposit)
    if deposit.status != rules.CONFIRMING:
        return Outcome.GONE
    chain = session.get_one(Chain, deposit.chain)
    if head.halted or rules.final_at(deposit.block_number, chain.confirmations) > head.number:
        return Outcome.NOT_YET
    ids = enough(session, deposit, chain, head.number)
    if not ids:
        return Outcome.TOO_SMALL
    credited = [book(session, one, chain, head.number) for one in ids]
    return Outcome.CREDITED if credited[0] else Outcome.GONE


def enough(session: Session, deposit: Deposit, chain: Chain, head: int) -> list[str]:
    """Return what may be credited now: nothing while all that waits is below the minimum."""
    listed = session.get_one(ChainAsset, (deposit.chain, deposit.asset))
    minimum, amount = int(listed.minimum_deposit), int(deposit.amount)
    if amount >= minimum:
        return [deposit.id]
    small = session.execute(
        SMALL_ONES,
        {
            "chain": deposit.chain,
            "address": deposit.address,
            "asset": deposit.asset,
            "minimum": minimum,
            "id": deposit.id,
            "required": chain.confirmations,
            "head": head,
        },
    ).all()
    waiting = sum(int(row.amount) for row in small)
    if not rules.together(amount, minimum, waiting):
        return []
    return [deposit.id, *(row.id for row in small)]


def book(session: Session, deposit_id: str, chain: Chain, head: int) -> bool:
    """Credit one deposit; False when it is not confirming in a block of ours any more."""
    won = session.execute(
        CREDIT,
        {
            "id": deposit_id,
            "now": datetime.now(UTC),
            "required": chain.confirmations,
            "head": head,
        },
    ).one_or_none()
    if won is None:
        return False
    query = select(Deposit).where(Deposit.id == deposit_id)
    deposit = session.scalars(query.execution_options(populate_existing=True)).one()
    asset = ledger.asset(session, deposit.asset)
    ledger.post(
        session,
        key=f"deposit:{deposit.id}:{deposit.epoch}",
        debit=ledger.house(session, Chart.UNSWEPT, asset, deposit.chain),
        credit=ledger.owned(session, deposit.account_id, asset),
        money=Money(int(deposit.amount), asset),
        movement=Movement.DEPOSIT,
        ref=deposit.id,
        evidence=ledger.Evidence(deposit.chain, deposit.block_number, deposit.tx_hash),
    )
    tell(session, deposit, head)
    return True
