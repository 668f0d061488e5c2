"""Credit what is final. The index proposes, the compare-and-set in Postgres decides."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum

import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.store import ChainAsset
from gateway.deposits import blocked, rules, store
from gateway.deposits.pending import DUE_PER_HEAD_MAX, Pending, Place
from gateway.deposits.rules import Heights, Waiting
from gateway.deposits.store import Deposit
from gateway.deposits.tell import tell
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.sending import sweeps
from gateway.webhooks import alarms

# Confirming, its block still ours, and final by its own rule: in one statement, under the cursor's
# lock.
CREDIT = text("""
    update deposit d set status = 'credited', credited_at = :now
    from watch_cursor c
    where d.id = :id and d.status = 'confirming' and c.chain = d.chain and c.halted_since is null
        and is_final(d.finality, d.required, d.block_number, c.number, c.safe, c.finalized)
        and exists (
            select from sighting s join block b on b.chain = s.chain and b.hash = s.block_hash
            where s.deposit_id = d.id and s.block_hash = d.block_hash
                and s.canonical and b.canonical)
    returning d.id
""")
# Held until the commit: a reorganisation waits for the credit, a credit for the reorganisation.
HEAD = text("""
    select number, safe, finalized, halted_since is not null as halted,
        set_config('idle_in_transaction_session_timeout', cast(:patience as text), true)
    from watch_cursor where chain = :chain for share
""")
SMALL_ONES = text("""
    select d.id, d.amount from deposit d join watch_cursor c on c.chain = d.chain
    where d.chain = :chain and d.address = :address and d.asset = :asset
        and d.status = 'confirming' and d.amount < :minimum and d.id <> :id
        and is_final(d.finality, d.required, d.block_number, c.number, c.safe, c.finalized)
    order by d.id
""")

log = structlog.get_logger()


class Outcome(Enum):
    """What became of a proposal; only NOT_YET is proposed again by itself."""

    CREDITED = "credited"
    NOT_YET = "not_yet"
    GONE = "gone"
    TOO_SMALL = "too_small"


def credit_final(
    pending: Pending,
    before: Place,
    now: Place,
    fresh: Iterable[Waiting],
    heights: Heights,
) -> int:
    """Move the index to block `now` and credit all that is final there; return how many were.

    The network's word makes many blocks final at once: what one call of the index does not hold
    is asked for again, as long as something comes of it.
    """
    credited = done = credit_due(pending, due := pending.step(before, now, fresh, heights))
    while done and len(due) >= DUE_PER_HEAD_MAX:
        done = credit_due(pending, due := pending.step(now, now, (), heights))
        credited += done
    return credited


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
    if isinstance(error, DBAPIError) and (
        isinstance(error, OperationalError) or error.connection_invalidated
    ):
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
    facts = {"chain": deposit.chain, "patience": store.HANGS_MILLISECONDS}
    at = session.execute(HEAD, facts).one()
    session.refresh(deposit)
    if deposit.status != rules.CONFIRMING:
        return Outcome.GONE
    heights = Heights(at.number, at.safe, at.finalized)
    if at.halted or not rules.is_final(deposit.rule, deposit.block_number, heights):
        return Outcome.NOT_YET
    ids = enough(session, deposit)
    if not ids:
        return Outcome.TOO_SMALL
    credited = [book(session, one, at.number) for one in ids]
    return Outcome.CREDITED if credited[0] else Outcome.GONE


def enough(session: Session, deposit: Deposit) -> list[str]:
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
        },
    ).all()
    waiting = sum(int(row.amount) for row in small)
    if not rules.together(amount, minimum, waiting):
        return []
    return [deposit.id, *(row.id for row in small)]


def book(session: Session, deposit_id: str, head: int) -> bool:
    """Credit one deposit; False when it is not confirming in a final block of ours any more."""
    facts = {"id": deposit_id, "now": datetime.now(UTC)}
    won = session.execute(CREDIT, facts).one_or_none()
    if won is None:
        return False
    query = select(Deposit).where(Deposit.id == deposit_id)
    deposit = session.scalars(query.execution_options(populate_existing=True)).one()
    asset, place = ledger.asset(session, deposit.asset), blocked.place_for(session, deposit)
    ledger.post(
        session,
        key=f"deposit:{deposit.id}:{deposit.epoch}",
        debit=ledger.house(session, Chart.UNSWEPT, asset, deposit.chain),
        credit=ledger.owned(session, deposit.account_id, asset, place),
        money=Money(int(deposit.amount), asset),
        movement=Movement.DEPOSIT,
        ref=deposit.id,
        evidence=ledger.Evidence(deposit.chain, deposit.block_number, deposit.tx_hash),
    )
    sweeps.claim(
        session,
        chain=deposit.chain,
        money=Money(int(deposit.amount), asset),
        address=deposit.address,
        block=deposit.block_number,
        key=f"{deposit.id}:{deposit.epoch}",
    )
    tell(session, deposit, head)
    return True
