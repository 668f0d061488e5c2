"""Payouts: tell what is signed, broadcast and follow it, settle it, plan the next.

Every step finds its work in tables and may be done twice or stop anywhere.
"""

import structlog
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import evm, payout
from gateway.chain import store as chains
from gateway.chain.port import Node, NodeAway, Receipt
from gateway.chain.store import Chain
from gateway.invoices import service as invoices
from gateway.sending import follow as following
from gateway.sending import service as sending
from gateway.sending.follow import Open
from gateway.webhooks.alarms import raise_alarm
from gateway.withdrawals import plan, settle
from gateway.withdrawals.service import take_out
from gateway.withdrawals.store import Withdrawal, of_intent
from workers.app import worker_task
from workers.follow import Kind, alarm, alarm_of, follow

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
        hear_fees(chain_id, node)
        follow(place, node, Kind("payout", show, end))
        plan_all(chain_id, node)
    except NodeAway as error:
        log.warning("node.away", chain=chain_id, error=error.detail)
        wait_for_node(chain_id)


def tell(chain_id: str) -> None:
    """Tell what the signer did, and take back plans it never came to."""
    with db.transaction() as session:
        settle.tell_sent(session, chain_id)
    with db.transaction() as session:
        refused = settle.refused_intents(session, chain_id)
    for intent in refused:
        alarm("signer_refused", intent.id, f"the signer refused a payout: {intent.refusal}")
    with db.transaction() as session:
        stale = sending.stale(session, chain_id, "payout")
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
    for withdrawal_id, paid in settle.ends_of(item.intent, chain, seq, receipt):
        with db.transaction() as session:
            if following.claim_end(session, item.transaction.id, receipt) is None:
                return
            row = settle.end_one(session, withdrawal_id, receipt, paid=paid, depth=depth)
            if row is not None:
                tell_refund(session, row)
    with db.transaction() as session:
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


def tell_refund(session: Session, row: Withdrawal) -> None:
    """Tell the invoice how the withdrawal of its refund ended."""
    if row.refund_id is not None:
        invoices.refund_ended(
            session, refund_id=row.refund_id, withdrawal_id=row.id, status=row.status
        )


def plan_all(chain_id: str, node: Node) -> None:
    """Plan payouts, the asset with the longest wait first. Raises NodeAway."""
    with db.transaction() as session:
        assets = plan.assets_waiting(session, chain_id)
    for asset in assets:
        with db.transaction() as session:
            job = plan.next_job(session, chain_id, asset)
        if job is None:
            continue
        try:
            plan.plan_job(node, job)
        except sending.Trouble as trouble:
            alarm_of(trouble, job.signer.id)


def wait_for_node(chain_id: str) -> None:
    """Let what waits say that the node is away."""
    with db.transaction() as session:
        for asset in plan.assets_waiting(session, chain_id):
            rows = plan.waiting(session, chain_id, asset, plan.CANDIDATES_MAX)
            plan.wait(session, rows, plan.NODE_AWAY)
