"""Signed payments: send what payers signed, for gas of ours, and follow it to its end.

Nothing is credited here: what arrives at the invoice's address is a deposit as any other. A token
takes a payer's nonce once, so it may be sent again and be sent by others.
"""

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import evm
from gateway.chain import store as chains
from gateway.chain.port import Node, NodeAway, Receipt
from gateway.chain.store import Chain
from gateway.gasless import fate, rules, service, store
from gateway.gasless.sending import KIND
from gateway.gasless.store import PaymentAuthorization
from gateway.sending import cancelling
from gateway.sending import follow as following
from gateway.sending import service as sending
from gateway.sending.follow import Open
from gateway.sending.store import Transaction
from workers.app import worker_task
from workers.follow import Kind, alarm, follow
from workers.relay_plan import plan_all

REFUSED = text(
    "select id, refusal from intent where chain = :chain and kind = :kind and status = 'refused'"
)
STALE_SENT = text("""
    select t.id, i.id as intent_id, i.refusal, i.cancel_wanted
    from payment_authorization a join transaction t on t.intent_id = a.intent_id
    join intent i on i.id = a.intent_id
    where a.chain = :chain and a.status in ('queued', 'sent') and t.state = 'signed'
        and i.status = 'signed' and (i.cancel_wanted is null or i.refusal is not null)
        and a.valid_before < extract(epoch from now())
""")

UNSENT = text("""
    select t.id, a.id as authorization_id
    from payment_authorization a join transaction t on t.intent_id = a.intent_id
    join intent i on i.id = a.intent_id
    where a.chain = :chain and a.status in ('queued', 'sent') and t.state = 'signed'
        and i.status = 'signed' and i.cancel_wanted is null
        and not exists (
            select from attempt s where s.transaction_id = t.id and s.sent_at is not null)
""")
OVER = text("""
    select a.id from payment_authorization a join transaction t on t.intent_id = a.intent_id
    where a.chain = :chain and a.status = 'sent' and t.state in ('reverted', 'cancelled')
        and a.valid_before + :later < extract(epoch from now())
""")

log = structlog.get_logger()


@worker_task()
def relay(chain_id: str) -> None:
    """Do whatever signed payments of the chain need now."""
    tick(chain_id, evm.node(chain_id))


def tick(chain_id: str, node: Node) -> None:
    """Do one round; while the node is away they wait."""
    tell(chain_id)
    cancel_unasked(chain_id)
    cancel_stale(chain_id)
    end_over(chain_id)
    with db.transaction() as session:
        place = chains.chain(session, chain_id)
    try:
        follow(place, node, Kind(KIND, show, end, call_off))
        plan_all(place, node)
    except NodeAway as error:
        log.warning("node.away", chain=chain_id, error=error.detail)


def tell(chain_id: str) -> None:
    """End what the signer refused, and take back plans it never came to."""
    with db.transaction() as session:
        refused = session.execute(REFUSED, {"chain": chain_id, "kind": KIND}).all()
        stale = sending.stale(session, chain_id, KIND)
    for found in refused:
        with db.transaction() as session:
            if sending.take_back(session, found.id):
                fate.end(session, found.id, "failed", reason=found.refusal)
        if found.refusal != "expired" and not found.refusal.startswith(service.INVOICE_OVER):
            alarm("signer_refused", found.id, f"the signer refused a payment: {found.refusal}")
    for intent_id in stale:
        with db.transaction() as session:
            if sending.take_back(session, intent_id):
                fate.release(session, intent_id)


def show(session: Session, item: Open, receipt: Receipt | None, depth: int) -> None:
    """Let a payment say where it is; one that reverted is not final yet."""
    del depth
    row = store.of_intent(session, item.intent.id, lock=True)
    if row is None or row.status == "failed" or (row.status == "confirmed" and receipt is not None):
        return
    why = unasked(item)
    if why is not None and (receipt is None or item.is_cancelled_by(receipt)):
        fate.change(session, row, row.status, reason=why)  # type: ignore[arg-type]  # by the table
        return
    tx_hash = receipt.tx_hash if receipt else bytes(item.attempts[0].hash)
    mined = receipt is not None and receipt.succeeded and not item.is_cancelled_by(receipt)
    reverted = receipt is not None and not receipt.succeeded
    reason = service.REVERTED if reverted else None
    fate.change(session, row, "mined" if mined else "sent", reason=reason, tx_hash=tx_hash)


def end(chain: Chain, item: Open, receipt: Receipt, depth: int) -> None:
    """End a payment whose receipt is final. What reverted cost gas, and is not sent again."""
    del chain, depth
    with db.transaction() as session:
        if following.claim_end(session, item.transaction.id, receipt) is None:
            return
        if receipt.succeeded:
            fate.end(session, item.intent.id, "confirmed", tx_hash=receipt.tx_hash)
        else:
            reason = service.REVERTED
            fate.fail_when_over(session, item.intent.id, reason, receipt.tx_hash)
        following.finish(session, item.transaction.id, receipt)


def call_off(item: Open, receipt: Receipt) -> None:
    """End a payment whose nonce was spent on nothing: its signature ended before it was mined, or
    it was asked for no more before anybody saw it.
    """
    seen = any(one.sent_at is not None for one in item.attempts if not one.cancels)
    why = unasked(item)
    with db.transaction() as session:
        if following.claim_end(session, item.transaction.id, receipt) is None:
            return
        if why is not None and not seen:
            fate.end(session, item.intent.id, "failed", reason=why)
        else:
            fate.fail_when_over(session, item.intent.id, why or "expired", receipt.tx_hash)
        following.finish(session, item.transaction.id, receipt, cancelled=True)


def unasked(item: Open) -> str | None:
    """Return why it is cancelled, if that is because its invoice does not ask for it any more."""
    why = item.intent.cancel_wanted
    return why if why is not None and why.startswith(service.INVOICE_OVER) else None


def cancel_unasked(chain_id: str) -> None:
    """Cancel what is signed, was handed to no node yet, and is not asked for any more: somebody
    paid meanwhile. What was handed out may be mined, so that is followed to its end.
    """
    with db.transaction() as session:
        found = session.execute(UNSENT, {"chain": chain_id}).all()
    for item in found:
        with db.transaction() as session:
            row = session.get_one(PaymentAuthorization, item.authorization_id)
            reason = service.over(session, row)
            if reason is None:
                continue
            cancelling.ask(session, session.get_one(Transaction, item.id), by=reason)
            log.info("authorization.called_off", authorization=row.id, reason=reason)


def cancel_stale(chain_id: str) -> None:
    """Cancel what is not mined and whose signature ended: mined now it would only cost gas.

    Before anything is handed to a node: what nobody has seen is never sent then.
    """
    with db.transaction() as session:
        found = session.execute(STALE_SENT, {"chain": chain_id}).all()
    for row in found:
        if row.refusal is not None and row.cancel_wanted is not None:
            alarm("signer_refused", row.intent_id, f"a cancel was refused: {row.refusal}")
        with db.transaction() as session:
            cancelling.ask(session, session.get_one(Transaction, row.id), by="expired")


def end_over(chain_id: str) -> None:
    """End what did not happen and whose signature, seen by all, has ended now, too."""
    values = {"chain": chain_id, "later": rules.OVER_SECONDS}
    with db.transaction() as session:
        for authorization_id in session.scalars(OVER, values).all():
            row = session.get_one(PaymentAuthorization, authorization_id, with_for_update=True)
            if row.status in rules.LIVE:
                fate.change(session, row, "failed", reason=row.reason)
