"""Withdrawals that the chain has paid and a restored database does not know of.

A payment belongs to a withdrawal of the same recipient, amount and asset that has not ended and
that nothing else may still pay. One that a person had to decide about comes last: what was free to
go is likelier to be what went.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.holds import service as cases
from gateway.journal import service as journal
from gateway.sending.store import Intent, Transaction
from gateway.withdrawals import rules
from gateway.withdrawals.service import get, locked, step, take_out
from gateway.withdrawals.store import of_intent

# What carries a withdrawal is dead when its nonce is taken by something else, or when nobody has
# seen its bytes: then the chain may have paid the withdrawal by another transaction.
OPEN = text("""
    select w.id, w.status, w.to_address, w.amount from withdrawal w
    where w.chain = :chain and w.asset = :asset and w.status in ('held', 'approved', 'sent')
        and not exists (
            select from transaction t where t.intent_id = w.intent_id
                and t.id <> all(:taken)
                and (t.state <> 'signed' or exists (
                    select from attempt a
                    where a.transaction_id = t.id and a.sent_at is not null)))
    order by w.status = 'held', w.id
""")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A withdrawal that the chain may have paid; `units` are the ledger's."""

    id: str
    status: str
    to: bytes
    units: int


def candidates(session: Session, chain: str, asset: str, taken: Collection[str]) -> list[Candidate]:
    """Return the withdrawals a payment could belong to, the likeliest first.

    `taken` are transactions of ours whose nonce something else has used.
    """
    facts = {"chain": chain, "asset": asset, "taken": list(taken)}
    return [
        Candidate(row.id, row.status, bytes(row.to_address), int(row.amount))
        for row in session.execute(OPEN, facts)
    ]


def bind(session: Session, withdrawal_ids: list[str], intent: Intent, *, by: str) -> None:
    """Let withdrawals be carried by what the chain has of them; `by` looked at it.

    Whoever follows the intent ends them as it ends any. What carried them before, and nobody has
    seen, is cancelled: it must not pay them again.
    """
    before = [get(session, withdrawal_id) for withdrawal_id in withdrawal_ids]
    take_out(session, before)
    for intent_id in sorted({row.intent_id for row in before if row.intent_id is not None}):
        cancel_unseen(session, intent_id, by)
    for row in [locked(session, withdrawal_id) for withdrawal_id in withdrawal_ids]:
        if row.status == rules.HELD:
            row.decided_by, row.held_reason = by, None
            step(session, row, "approve")
            cases.close(session, row.id, cases.APPROVED, by=by, note="the chain has paid it")
        row.intent_id, row.waiting_reason = intent.id, None
        journal.write(
            session, actor=by, action="withdrawal.found_paid", subject=row.id, reason=intent.id
        )
    session.flush()


def cancel_unseen(session: Session, intent_id: str, by: str) -> None:
    """Want what is signed and unseen cancelled; the others that it carries are planned again."""
    intent = session.get_one(Intent, intent_id, with_for_update=True, populate_existing=True)
    if intent.status == "signed":
        intent.cancel_wanted = intent.cancel_wanted or by


def free(session: Session, intent_id: str) -> None:
    """Let what an intent carried be planned again: its nonce is taken, it can never be mined."""
    for row in of_intent(session, intent_id, locked=True):
        row.intent_id = None
        if row.status == rules.SENT:
            row.tx_hash = row.block_number = row.sent_at = None
            row.confirmations = 0
            step(session, row, "replan")
    session.flush()


def transaction_at(session: Session, signer_id: str, nonce: int) -> Transaction | None:
    """Return what is signed here for a nonce."""
    query = select(Transaction).where(
        Transaction.signer_id == signer_id, Transaction.nonce == nonce
    )
    return session.scalar(query)
