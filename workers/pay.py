"""Payouts: tell what is signed, broadcast and follow it, settle it, plan the next.

Every step finds its work in tables and may be done twice or stop anywhere.
"""

from dataclasses import replace

import structlog
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import evm, payout
from gateway.chain import store as chains
from gateway.chain.port import Node, NodeAway, Receipt
from gateway.chain.store import Chain
from gateway.refunds import service as refunds
from gateway.sending import follow as following
from gateway.sending import service as sending
from gateway.sending.follow import Open
from gateway.webhooks.alarms import raise_alarm
from gateway.withdrawals import alone, plan, rules, settle
from gateway.withdrawals.listed import hold_listed
from gateway.withdrawals.service import take_out
from gateway.withdrawals.store import Withdrawal, of_intent
from workers import signers
from workers.app import worker_task
from workers.follow import Kind, alarm, alarm_of, follow

PLANS_MAX = 16
"""Batches of one asset planned in one round, so that another asset has its turn."""
OF_ONE_SIGNER = ("signer_has_code", "nonce_gap")
"""Troubles of one signer's account; others say that we may not know what was paid."""

log = structlog.get_logger()


@worker_task()
def pay(chain_id: str) -> None:
    """Do whatever payouts of the chain need now."""
    tick(chain_id, evm.node(chain_id))


def tick(chain_id: str, node: Node) -> None:
    """Do one round; while the node is away the withdrawals say so."""
    tell(chain_id)
    with db.transaction() as session:
        place = chains.chain(session, chain_id)
    try:
        signers.look_once(chain_id, node)
        hear_fees(chain_id, node)
        still = signers.stand_still(chain_id, node)
        follow(place, node, Kind("payout", show, end, call_off), silent=still)
        follow(place, node, Kind(alone.KIND, show, end_alone, call_off), silent=still)
        if still:
            take_plans_back(chain_id)
            let_wait(chain_id, rules.BEHIND_CHAIN)
        else:
            plan_all(chain_id, node)
    except NodeAway as error:
        log.warning("node.away", chain=chain_id, error=error.detail)
        let_wait(chain_id, plan.NODE_AWAY)


def tell(chain_id: str) -> None:
    """Tell what the signer did, and take back plans it never came to."""
    with db.transaction() as session:
        settle.tell_sent(session, chain_id)
    with db.transaction() as session:
        hold_listed(session, chain_id)
    with db.transaction() as session:
        refused = settle.refused_intents(session, chain_id)
    for intent in refused:
        alarm("signer_refused", intent.id, f"the signer refused a payout: {intent.refusal}")
    signers.tell_waiting(chain_id)
    signers.tell_silent(chain_id)
    with db.transaction() as session:
        stale = sending.stale(session, chain_id, "payout")
        stale += sending.stale(session, chain_id, alone.KIND)
    for intent_id in stale:
        with db.transaction() as session:
            take_out(session, of_intent(session, intent_id))


def hear_fees(chain_id: str, node: Node) -> None:
    """Keep what gas costs now, for quotes. Raises NodeAway."""
    heard = sending.ask_fees(node)
    with db.transaction() as session:
        sending.remember_fees(session, chain_id, heard)


def show(session: Session, item: Open, receipt: Receipt | None, depth: int) -> None:
    """Let withdrawals show how deep their payout is."""
    settle.show_depth(session, item.intent.id, receipt, depth)


def end(chain: Chain, item: Open, receipt: Receipt, depth: int) -> None:
    """Settle a payout whose receipt is final."""
    if not receipt.succeeded:
        end_reverted(item, receipt)
        return
    seq = item.transaction.seq
    if seq is None or not payout.was_paid(
        receipt.logs, chain.payout_vault, item.signer.address, seq
    ):
        alarm("payout_without_proof", item.transaction.id, "it succeeded, the vault says nothing")
        return
    ends = settle.ends_of(item.intent, chain, seq, receipt)
    if len(ends) > 1 and not any(paid for _, paid in ends):
        alarm("payout_paid_nobody", item.transaction.id, "it refused every payment: money is back")
    for withdrawal_id, paid in ends:
        with db.transaction() as session:
            if following.claim_end(session, item.transaction.id, receipt) is None:
                return
            row = settle.end_one(session, withdrawal_id, receipt, paid=paid, depth=depth)
            if row is not None:
                tell_refund(session, row)
    with db.transaction() as session:
        following.finish(session, item.transaction.id, receipt)


def end_alone(chain: Chain, item: Open, receipt: Receipt, depth: int) -> None:
    """Settle native coin that went by itself; where it was refused, the money is given back."""
    del chain
    (withdrawal_id,) = item.intent.payload["withdrawals"]
    with db.transaction() as session:
        if following.claim_end(session, item.transaction.id, receipt) is None:
            return
        row = settle.end_one(session, withdrawal_id, receipt, paid=receipt.succeeded, depth=depth)
        if row is not None:
            if receipt.succeeded:
                alone.book(session, row, receipt)
            tell_refund(session, row)
        following.finish(session, item.transaction.id, receipt)


def end_reverted(item: Open, receipt: Receipt) -> None:
    """Plan the withdrawals of a reverted payout again: nothing was paid, its number is free."""
    with db.transaction() as session:
        if following.claim_end(session, item.transaction.id, receipt) is None:
            return
        undone = settle.replan(session, item.intent)
        following.finish(session, item.transaction.id, receipt)
        for withdrawal_id in undone:
            raise_alarm(
                session,
                kind="payout_undone",
                subject=withdrawal_id,
                detail="it was final and told so; its payout left the chain and came back reverted",
            )
    alarm("payout_reverted", item.transaction.id, "a payout reverted; it is planned again")


def call_off(item: Open, receipt: Receipt) -> None:
    """Plan the withdrawals of a cancelled payout again: its nonce was spent on nothing."""
    with db.transaction() as session:
        if following.claim_end(session, item.transaction.id, receipt) is None:
            return
        settle.replan(session, item.intent)
        following.finish(session, item.transaction.id, receipt, cancelled=True)


def tell_refund(session: Session, row: Withdrawal) -> None:
    """Tell the invoice how the withdrawal of its refund ended."""
    if row.refund_id is not None:
        refunds.refund_ended(
            session, refund_id=row.refund_id, withdrawal_id=row.id, status=row.status
        )


def plan_all(chain_id: str, node: Node) -> None:
    """Plan payouts, the asset with the longest wait first. Raises NodeAway."""
    with db.transaction() as session:
        assets = plan.assets_waiting(session, chain_id)
    for asset in assets:
        for _ in range(PLANS_MAX):
            if not plan_one(chain_id, asset, node):
                break


def plan_one(chain_id: str, asset: str, node: Node) -> bool:
    """Plan one payout of an asset; False when there is nothing more to plan now.

    A signer that may not sign is left out for another; what puts the books in question is not.
    """
    besides: set[str] = set()
    while True:
        with db.transaction() as session:
            job = plan.next_job(session, chain_id, asset, besides)
        if job is None:
            return False
        try:
            return plan_with(node, job)
        except sending.Trouble as trouble:
            alarm_of(trouble, job.signer.id)
            plan.put_off(job.rows, trouble.kind)
            if trouble.kind not in OF_ONE_SIGNER:
                return False
            besides.add(job.signer.id)


def plan_with(node: Node, job: plan.Job) -> bool:
    """Plan one payout with the job's signer. Raises NodeAway, Trouble."""
    seq = plan.expected_seq(node, job) if job.rows else None
    if seq is None:
        return False
    left = alone.plan_alone(node, job, seq)
    return bool(left) and plan.plan_job(node, replace(job, rows=left), seq)


def take_plans_back(chain_id: str) -> None:
    """Void every payout that is planned and not signed: what it carries may be paid already."""
    with db.transaction() as session:
        planned = sending.planned(session, chain_id, "payout")
        planned += sending.planned(session, chain_id, alone.KIND)
    for intent_id in planned:
        with db.transaction() as session:
            take_out(session, of_intent(session, intent_id))


def let_wait(chain_id: str, reason: str) -> None:
    """Let everything that is approved and in no plan say why it waits."""
    with db.transaction() as session:
        for asset in plan.assets_waiting(session, chain_id):
            rows = plan.waiting(session, chain_id, asset, plan.CANDIDATES_MAX)
            plan.wait(session, rows, reason)
