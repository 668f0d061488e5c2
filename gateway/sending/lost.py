"""What was final and left the chain all the same: a reorganisation deeper than the confirmations.

Its nonce is free again, and nothing of the signer's is mined before that nonce is used: the same
stored bytes are sent again. They can be mined once. What had succeeded is followed again to its
new end, where what it settled stays settled and only the price of its gas is corrected. What had
reverted stays ended: its payments were planned anew under the same sequence number.
"""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.chain.port import Node
from gateway.sending.store import Attempt, Intent, Signer, Transaction

ENDED = ("confirmed", "reverted", "cancelled")
LOST_MAX = 100


@dataclass(frozen=True, slots=True)
class Lost:
    """A transaction whose end was final, and the bytes that had been mined."""

    transaction: Transaction
    attempt: Attempt


def last_ends(session: Session, chain: str, kind: str) -> list[tuple[bytes, str, int]]:
    """Return each signer's address and id with the last nonce whose end was final."""
    query = (
        select(Signer.address, Signer.id, func.max(Transaction.nonce))
        .join(Transaction, Transaction.signer_id == Signer.id)
        .join(Intent, Intent.id == Transaction.intent_id)
        .where(Signer.chain == chain, Intent.kind == kind, Transaction.state.in_(ENDED))
        .group_by(Signer.id)
    )
    return [(bytes(row[0]), row[1], row[2]) for row in session.execute(query)]


def lost(session: Session, signer_id: str, nonce: int, head: int) -> list[Lost]:
    """Return what ended with this nonce or a later one, in a block up to `head`, nonces first.

    A node whose head is below those blocks may only be behind: nothing is lost yet.
    """
    query = (
        select(Transaction, Attempt)
        .join(Attempt, Attempt.hash == Transaction.tx_hash)
        .where(
            Transaction.signer_id == signer_id,
            Transaction.nonce >= nonce,
            Transaction.block_number <= head,
            Transaction.state.in_(ENDED),
        )
        .order_by(Transaction.nonce)
        .limit(LOST_MAX)
    )
    return [Lost(*row) for row in session.execute(query).all()]


def reopen(session: Session, transaction_id: str) -> bool:
    """Follow a transaction again that had succeeded; False if it was reopened, or had reverted."""
    row = session.get_one(Transaction, transaction_id, with_for_update=True, populate_existing=True)
    if row.state != "confirmed":
        return False
    row.state = "signed"
    row.tx_hash = row.block_number = row.block_hash = None
    row.succeeded = row.gas_used = row.fee = None
    session.flush()
    return True


def find(node: Node, ends: list[tuple[bytes, str, int]]) -> list[tuple[str, int]]:
    """Return the signers whose nonce on chain fell back below a final end. Raises NodeAway."""
    asked = ((signer_id, node.nonce(address), last) for address, signer_id, last in ends)
    return [(signer_id, nonce) for signer_id, nonce, last in asked if nonce <= last]
