"""What the chain did of a payout, written into withdrawals and ledger.

Each withdrawal ends in a transaction of its own: a batch of a hundred would hold the ledger's
accounts in a hundred orders. A crash in between is made good by the next look at the same receipt.
"""

from datetime import UTC, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.chain import payout
from gateway.chain.port import Receipt
from gateway.chain.store import Chain
from gateway.ledger import service as ledger
from gateway.sending import service as sending
from gateway.sending.store import Attempt, Intent, Transaction
from gateway.withdrawals import holds, rules
from gateway.withdrawals.plan import (
    REVERTED,
    SIGNER_REFUSED,
    SIGNER_SILENT,
    SIGNERS_BUSY,
    wait,
)
from gateway.withdrawals.service import locked, step
from gateway.withdrawals.store import Withdrawal, of_intent

RECIPIENT_REFUSED = "recipient_refused"


def tell_sent(session: Session, chain: str) -> int:
    """Call those withdrawals sent whose payout is signed and stored; returns how many."""
    query = (
        select(Withdrawal, Attempt.hash)
        .join(Intent, Intent.id == Withdrawal.intent_id)
        .join(Transaction, Transaction.intent_id == Intent.id)
        .join(Attempt, Attempt.transaction_id == Transaction.id)
        .where(
            Withdrawal.chain == chain,
            Withdrawal.status == rules.APPROVED,
            Intent.status == "signed",
        )
        .order_by(Withdrawal.id)
        .with_for_update(of=Withdrawal, skip_locked=True)
    )
    told = 0
    for row, tx_hash in session.execute(query).all():
        if row.status != rules.APPROVED:  # a transaction with two attempts comes twice
            continue
        row.tx_hash, row.waiting_reason, row.sent_at = tx_hash, None, datetime.now(UTC)
        step(session, row, "send")
        told += 1
    return told


def refused_intents(session: Session, chain: str) -> list[Intent]:
    """Return what the signer refused, their withdrawals now saying so."""
    query = select(Intent).where(
        Intent.chain == chain, Intent.kind.in_(("payout", "send")), Intent.status == "refused"
    )
    intents = list(session.scalars(query))
    for intent in intents:
        session.execute(
            text(
                "update withdrawal set waiting_reason = :reason where intent_id = :intent"
                " and waiting_reason is distinct from :reason"
            ),
            {"reason": SIGNER_REFUSED, "intent": intent.id},
        )
    return intents


def waiting_intents(session: Session, chain: str) -> list[Intent]:
    """Return what a signer cannot sign now, the withdrawals of payouts now saying why."""
    query = select(Intent).where(
        Intent.chain == chain,
        Intent.status.in_(("planned", "signed")),
        Intent.waiting.is_not(None),
    )
    intents = list(session.scalars(query))
    for intent in intents:
        rows = of_intent(session, intent.id) if intent.kind != "sweep" else []
        wait(session, rows, intent.waiting)
    return intents


def silent_intents(session: Session, chain: str, before: datetime) -> list[Intent]:
    """Return what nobody signed since `before`, its withdrawals now saying why: the signer waits
    for its own transactions, or it is silent. Only those of the silent are returned.
    """
    query = select(Intent).where(
        Intent.chain == chain,
        Intent.status == "planned",
        Intent.kind != "sweep",
        Intent.waiting.is_(None),
        Intent.created_at < before,
    )
    silent = []
    for intent in session.scalars(query):
        busy = sending.must_wait(session, intent.signer_id)
        wait(session, of_intent(session, intent.id), SIGNERS_BUSY if busy else SIGNER_SILENT)
        silent += [] if busy else [intent]
    return silent


def show_depth(session: Session, intent_id: str, receipt: Receipt | None, depth: int) -> None:
    """Let the withdrawals of a payout show where it is."""
    session.execute(
        text(
            "update withdrawal set confirmations = :depth, block_number = :block,"
            " tx_hash = coalesce(:hash, tx_hash) where intent_id = :intent and status = 'sent'"
            " and (confirmations, block_number) is distinct from (:depth, cast(:block as bigint))"
        ),
        {
            "depth": depth,
            "block": receipt.block_number if receipt else None,
            "hash": receipt.tx_hash if receipt else None,
            "intent": intent_id,
        },
    )


def ends_of(intent: Intent, chain: Chain, seq: int, receipt: Receipt) -> list[tuple[str, bool]]:
    """Return each withdrawal of a mined payout and whether it was paid.

    Equal payments of one batch cannot be told apart: the first in the batch are called failed, the
    same ones each time this is asked.
    """
    failed = payout.failed_payments(receipt.logs, chain.payout_vault, seq)
    ends = []
    for withdrawal_id, word in zip(
        intent.payload["withdrawals"], intent.payload["payments"], strict=True
    ):
        payment = bytes.fromhex(word)
        paid = failed[payment] == 0
        if not paid:
            failed[payment] -= 1
        ends.append((withdrawal_id, paid))
    return ends


def end_one(
    session: Session, withdrawal_id: str, receipt: Receipt, *, paid: bool, depth: int
) -> Withdrawal | None:
    """End a sent withdrawal by what the receipt says; None if that was done before."""
    row = locked(session, withdrawal_id)
    if row.status != rules.SENT:
        return None
    row.block_number, row.tx_hash, row.confirmations = receipt.block_number, receipt.tx_hash, depth
    row.ended_at = datetime.now(UTC)
    if paid:
        evidence = ledger.Evidence(row.chain, receipt.block_number, receipt.tx_hash)
        holds.capture(session, row, evidence)
        step(session, row, "confirm")
    else:
        holds.release(session, row)
        row.failure_reason = RECIPIENT_REFUSED
        step(session, row, "fail")
    return row


def replan(session: Session, intent: Intent) -> list[str]:
    """Let the withdrawals of a payout that reverted, finally, be planned again.

    Returns those that had ended: a payout that was final, left the chain and came back reverted.
    They stay as they were told, and a person decides: paying again by itself could pay twice.
    """
    ended = []
    for row in of_intent(session, intent.id, locked=True):
        if row.status != rules.SENT:
            ended.append(row.id)
            continue
        row.intent_id = row.tx_hash = row.block_number = row.sent_at = None
        row.confirmations, row.waiting_reason = 0, REVERTED
        step(session, row, "replan")
    return ended
