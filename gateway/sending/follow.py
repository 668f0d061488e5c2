"""After the signature: broadcast, find the block, wait for its depth, book the gas.

A transaction is looked for by its nonce's attempts, never assumed: recovery is sending the same
bytes again. Nothing here signs.
"""

from dataclasses import dataclass

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain.port import Node, NodeAway, NodeError, Receipt
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.sending import outcomes, rules
from gateway.sending.store import Attempt, Intent, Signer, Transaction, attempts

BOOKED_GAS = text(
    "select coalesce(sum(case debit_account when :spent then amount else -amount end), 0)"
    " from ledger.transfer where ref = :ref and code = 7"
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Open:
    """A transaction whose end is not final, with what was signed for it, newest first."""

    transaction: Transaction
    intent: Intent
    signer: Signer
    attempts: list[Attempt]

    def is_cancelled_by(self, receipt: Receipt) -> bool:
        """True if what was mined is the transfer of nothing that cancels it."""
        return any(one.cancels and one.hash == receipt.tx_hash for one in self.attempts)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where the chain has a transaction now; `receipt` None: nowhere."""

    receipt: Receipt | None
    nonce_used: bool


def open_transactions(session: Session, chain: str, kind: str) -> list[Open]:
    """Return what was signed and is not final, in the order of nonces."""
    query = (
        select(Transaction, Intent, Signer)
        .join(Intent, Intent.id == Transaction.intent_id)
        .join(Signer, Signer.id == Transaction.signer_id)
        .where(
            Intent.chain == chain, Intent.kind == kind, Transaction.state.in_(("signed", "mined"))
        )
        .order_by(Transaction.signer_id, Transaction.nonce)
    )
    rows = session.execute(query).all()
    return [Open(row[0], row[1], row[2], attempts(session, row[0].id)) for row in rows]


def look(node: Node, opened: Open) -> Sighting:
    """Ask where the transaction is; raises NodeAway. The nonce is read first: read last, a block
    between the two questions would look like somebody else's use of the nonce.
    """
    nonce_used = node.nonce(opened.signer.address) > opened.transaction.nonce
    receipts = node.receipts([attempt.hash for attempt in opened.attempts])
    return Sighting(next((r for r in receipts if r is not None), None), nonce_used)


def send(node: Node, attempt: Attempt) -> str:
    """Hand the stored bytes to the node; returns what its answer means. Never raises: an answer
    that did not come counts as sent.
    """
    try:
        node.send_raw(attempt.raw)
        return outcomes.outcome(None)
    except NodeError as error:
        return outcomes.outcome(error.message)
    except NodeAway:
        return outcomes.UNCERTAIN


def record_sent(session: Session, attempt_hash: bytes, outcome: str) -> None:
    """Keep what the node said of an attempt, if it is news."""
    session.execute(
        text(
            "update attempt set outcome = :outcome, sent_at = coalesce(sent_at, now())"
            " where hash = :hash and outcome is distinct from :outcome"
        ),
        {"hash": attempt_hash, "outcome": outcome},
    )


def locked(session: Session, transaction_id: str) -> Transaction:
    """Return the transaction's row, locked, as it is now."""
    return session.get_one(
        Transaction, transaction_id, with_for_update=True, populate_existing=True
    )


def record_sighting(session: Session, transaction_id: str, receipt: Receipt | None) -> bool:
    """Keep the block a transaction is in, or that it is in none any more. True if that is news."""
    row = locked(session, transaction_id)
    seen = receipt.block_hash if receipt else None
    if row.state not in ("signed", "mined") or row.block_hash == seen:
        return False
    row.state = "mined" if receipt else "signed"
    row.tx_hash = receipt.tx_hash if receipt else None
    row.block_number = receipt.block_number if receipt else None
    row.block_hash = seen
    row.succeeded = receipt.succeeded if receipt else None
    row.gas_used = receipt.gas_used if receipt else None
    row.fee = receipt.fee if receipt else None  # type: ignore[assignment]
    session.flush()
    log.info("transaction.sighted", transaction=row.id, block=row.block_number, state=row.state)
    return True


def is_final(node: Node, receipt: Receipt, *, head: int, needed: int) -> bool:
    """True if the receipt's block is deep enough and still the chain's block of that number."""
    if rules.confirmations(head, receipt.block_number) < needed:
        return False
    header = node.header(receipt.block_number)
    return header is not None and header.hash == receipt.block_hash


def claim_end(session: Session, transaction_id: str, receipt: Receipt) -> Transaction | None:
    """Lock a transaction to end it; None if that was done, or its block is another by now."""
    row = locked(session, transaction_id)
    if row.state != "mined" or row.block_hash != receipt.block_hash:
        return None
    return row


def finish(
    session: Session, transaction_id: str, receipt: Receipt, *, cancelled: bool = False
) -> bool:
    """Make a transaction's end final and book the gas it cost, once; False if that was done.

    `cancelled`: what was mined is the transfer of nothing that took the nonce.
    """
    row = claim_end(session, transaction_id, receipt)
    if row is None:
        return False
    intent = session.get_one(Intent, row.intent_id, populate_existing=True)
    ends = ("confirmed", "done") if receipt.succeeded else ("reverted", "reverted")
    row.state, intent.status = ("cancelled", "cancelled") if cancelled else ends
    session.flush()
    book_gas(session, intent.chain, row.id, receipt)
    log.info("transaction.ended", transaction=row.id, state=row.state)
    return True


def book_gas(session: Session, chain: str, transaction_id: str, receipt: Receipt) -> None:
    """Book what a mined transaction of ours cost, whatever became of it.

    One that left the chain and was mined again costs another price: the difference is booked.
    """
    native = next(a for a in chains.chain_assets(session, chain) if a.contract is None)
    asset = ledger.asset(session, native.asset)
    spent = ledger.house(session, Chart.GAS, asset)
    tank = ledger.house(session, Chart.GAS_TANK, asset, chain)
    before = session.execute(BOOKED_GAS, {"ref": transaction_id, "spent": spent}).scalar_one()
    missing = native.to_ledger(receipt.fee, asset) - Money(int(before), asset)
    if not missing:
        return
    ledger.post(
        session,
        key=f"gas:{transaction_id}:{receipt.block_hash.hex()}",
        debit=spent if missing.units > 0 else tank,
        credit=tank if missing.units > 0 else spent,
        money=missing if missing.units > 0 else -missing,
        movement=Movement.GAS,
        ref=transaction_id,
        evidence=ledger.Evidence(chain, receipt.block_number, receipt.tx_hash),
    )
