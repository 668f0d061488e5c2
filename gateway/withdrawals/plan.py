"""Plan payouts: approved withdrawals of one asset become one intent, as far as funds go.

Facts are read first, the node is asked outside any transaction, and the plan is written only if
the rows are still as they were.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gateway import bell, db
from gateway.chain import payout
from gateway.chain import store as chains
from gateway.chain.port import Node, NodeError
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.pauses import service as pauses
from gateway.screening import service as screening
from gateway.sending import limits
from gateway.sending import rules as sending_rules
from gateway.sending import service as sending
from gateway.sending.store import Signer, signers
from gateway.withdrawals import payload, rules, tokens
from gateway.withdrawals.store import Withdrawal

CANDIDATES_MAX = 500
BATCH_SECONDS_MAX = Decimal(2)
NO_FUNDS = "insufficient_hot_funds"
NODE_AWAY = "node_unreachable"
FROZEN = "account_frozen"
FEES_TOO_HIGH = "network_fees_too_high"
NOT_ACCEPTED = "payout_not_accepted"
REVERTED = "payout_reverted"
SIGNER_REFUSED = "signer_refused"
SIGNER_LIMIT = "signer_limit"
NO_SIGNER = "no_signer"
SIGNERS_BUSY = "signers_busy"
SIGNER_SILENT = "signer_silent"

# Approved, in no plan, and past the time it had to wait for.
MAY_GO = (
    Withdrawal.status == rules.APPROVED,
    Withdrawal.intent_id.is_(None),
    func.coalesce(Withdrawal.not_before, func.now()) <= func.now(),
)
WAIT = text(
    "update withdrawal set waiting_reason = :reason where id = any(:ids)"
    " and status = 'approved' and waiting_reason is distinct from :reason"
)
ACTIVE = text(
    "select id from account where id = any(:ids) and status = 'active' order by id for share"
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Withdrawals of one asset that wait for a payout, and the signer who would sign it."""

    chain: Chain
    listed: ChainAsset
    signer: Signer
    rows: Sequence[Withdrawal]
    in_flight: int
    seqs: range
    """The sequence numbers the vault may expect: from the first unmined payout's to the next."""


def waiting(session: Session, chain: str, asset: str, limit: int) -> list[Withdrawal]:
    """Return approved withdrawals that nothing pays yet, oldest first."""
    query = (
        select(Withdrawal)
        .where(
            Withdrawal.chain == chain,
            Withdrawal.asset == asset,
            *MAY_GO,
        )
        .order_by(Withdrawal.id)
    )
    return list(session.scalars(query.limit(limit)))


def assets_waiting(session: Session, chain: str) -> list[str]:
    """Return the assets that are waited for, the longest wait first."""
    query = (
        select(Withdrawal.asset)
        .where(
            Withdrawal.chain == chain,
            *MAY_GO,
        )
        .group_by(Withdrawal.asset)
        .order_by(func.min(Withdrawal.id))
    )
    return list(session.scalars(query))


def next_job(
    session: Session, chain_id: str, asset: str, besides: Collection[str] = ()
) -> Job | None:
    """Return what could be paid now; None while no signer is free, `besides` left out, or nothing
    waits.

    Withdrawals of a frozen account wait until it is active again.
    """
    signer = sending.idle_signer(session, chain_id, "payout", besides)
    found = waiting(session, chain_id, asset, CANDIDATES_MAX)
    place = chains.chain(session, chain_id)
    stopped = pauses.stopped(session, chain_id, asset) or screening.stopped(session)
    if stopped is None and signer is None and not besides:
        stopped = SIGNERS_BUSY if signers(session, chain_id, "payout") else NO_SIGNER
    if stopped is not None:
        wait(session, found, stopped)
    if stopped or signer is None or not found or not has_waited(place, found):
        return None
    active = set(session.scalars(ACTIVE, {"ids": [row.account_id for row in found]}))
    wait(session, [row for row in found if row.account_id not in active], FROZEN)
    return Job(
        chain=place,
        listed=chains.chain_asset(session, chain_id, asset),
        signer=signer,
        rows=[row for row in found if row.account_id in active],
        in_flight=sending.in_flight(session, chain_id, asset, "payout"),
        seqs=range(sending.lowest_seq(session, signer), sending.next_seq(session, signer) + 1),
    )


def has_waited(chain: Chain, rows: Sequence[Withdrawal]) -> bool:
    """True when a batch leaves: it is full, or its first withdrawal has waited for company."""
    if len(rows) >= sending_rules.BATCH_MAX:
        return True
    window = chain.batch_seconds
    if window is None:
        window = min(chain.block_seconds, BATCH_SECONDS_MAX)
    first = min(row.created_at for row in rows)
    return datetime.now(UTC) - first >= timedelta(seconds=float(window))


def wait(session: Session, rows: Sequence[Withdrawal], reason: str | None) -> None:
    """Write down why withdrawals are not paid yet."""
    if rows:
        session.execute(WAIT, {"ids": [row.id for row in rows], "reason": reason})


def expected_seq(node: Node, job: Job) -> int | None:
    """Return the sequence number the vault expects now, None if the chain is a moment behind us.

    Raises Trouble: as sending.check_account, or the vault's count is ahead of ours.
    """
    sending.check_account(node, job.signer)
    seq = payout.read_seq(node.call(job.chain.payout_vault, payout.seq_call(job.signer.address)))
    if seq >= job.seqs.stop:
        raise sending.Trouble(
            "payout_sequence", f"the vault expects batch {seq}, we know of {job.seqs.stop - 1}"
        )
    return seq if seq in job.seqs else None


def plan_job(node: Node, job: Job, seq: int) -> bool:
    """Plan one payout for a job. True if an intent was written. Raises NodeAway."""
    with db.transaction() as session:
        asset = ledger.asset(session, job.listed.asset)
        room = limits.room(session, job.signer, asset.code)
    funds = job.listed.to_ledger(hot_funds(node, job), asset).units - job.in_flight
    amounts = [(row, int(row.amount)) for row in job.rows]
    rows = sending_rules.fitting(amounts, funds if room is None else min(funds, room))
    chosen = {row.id for row in rows}
    reason = NO_FUNDS if room is None or funds <= room else SIGNER_LIMIT
    with db.transaction() as session:
        if len(rows) < sending_rules.BATCH_MAX:
            wait(session, [row for row in job.rows if row.id not in chosen], reason)
    if not rows:
        return False
    if tokens.is_stopped(node, job.chain, job.listed, rows[0]):
        return put_off(job.rows, tokens.STOPPED)
    return propose(node, job, rows, seq)


def hot_funds(node: Node, job: Job) -> int:
    """Return what the payout vault holds of the asset, in chain units."""
    vault, token = job.chain.payout_vault, job.listed.contract
    return node.balance(vault) if token is None else node.token_balance(token, vault)


def propose(node: Node, job: Job, rows: list[Withdrawal], seq: int) -> bool:
    """Estimate the payout, halving the batch until one transaction can carry it, and write it."""
    level = sending.ask_fees(node)
    fees = sending_rules.fees(int(level.base_fee), int(level.tip))
    block_gas = node.head().gas_limit
    while True:
        try:
            estimate = estimated(node, job, rows, seq)
        except NodeError as error:
            log.warning("payout.not_accepted", chain=job.chain.id, error=error.message[:200])
            return put_off(rows, NOT_ACCEPTED)
        gas = sending_rules.gas_limit(estimate, block_gas)
        if gas is not None or len(rows) == 1:
            break
        rows = rows[: len(rows) // 2]
    refusal = sending_rules.refusal_of_fees(gas=gas or 0, tip=fees.tip, cap=fees.cap)
    if refusal is not None:
        return put_off(rows, FEES_TOO_HIGH)
    return write(job, rows, sending.Proposal(gas=gas or 0, fees=fees))


def estimated(node: Node, job: Job, rows: list[Withdrawal], seq: int) -> int:
    """Return the gas the vault's call needs now. Raises NodeError when it would revert.

    Asked with the number the vault expects now: it will be another one when others are in flight.
    """
    with db.transaction() as session:
        described = payload.describe(session, rows, job.listed)
    payments = [bytes.fromhex(payment) for payment in described["payments"]]
    data = payout.pay_call(job.listed.contract, seq, payments)
    return payout.estimate(node, job.chain, operator=job.signer.address, data=data)


def put_off(rows: Sequence[Withdrawal], reason: str) -> bool:
    """Let the rows wait; nothing was planned."""
    with db.transaction() as session:
        wait(session, rows, reason)
    return False


def write(
    job: Job, rows: list[Withdrawal], proposal: sending.Proposal, kind: str = "payout"
) -> bool:
    """Write the intent, unless a row or its account changed meanwhile. Accounts are locked before
    withdrawals, as a cancel does.
    """
    ids = [row.id for row in rows]
    with db.transaction() as session:
        session.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"plan {job.chain.id}"},
        )
        owners = {row.account_id for row in rows}
        active = set(session.scalars(ACTIVE, {"ids": sorted(owners)}))
        fresh = locked_waiting(session, ids)
        if active != owners or len(fresh) != len(ids) or has_moved(session, job):
            return False
        asset = ledger.asset(session, job.listed.asset)
        intent = sending.plan(
            session,
            signer=job.signer,
            kind=kind,
            amount=Money(sum(int(row.amount) for row in fresh), asset),
            payload=payload.describe(session, fresh, job.listed),
            proposal=proposal,
        )
        for row in fresh:
            row.intent_id, row.waiting_reason = intent.id, None
        if kind == "payout" and job.chain.payout_approver is not None:
            bell.ring(session, "approve", job.chain.id)
    log.info("payout.planned", intent=intent.id, withdrawals=len(ids))
    return True


def has_moved(session: Session, job: Job) -> bool:
    """True if another plan was written since the job was read: its funds may be these."""
    in_flight = sending.in_flight(session, job.chain.id, job.listed.asset, "payout")
    return in_flight != job.in_flight or sending.is_busy(session, job.signer.id)


def locked_waiting(session: Session, ids: list[str]) -> list[Withdrawal]:
    """Return those of the rows that still wait, locked."""
    query = (
        select(Withdrawal)
        .where(
            Withdrawal.id.in_(ids),
            *MAY_GO,
        )
        .order_by(Withdrawal.id)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))
