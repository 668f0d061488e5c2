"""The second key's approvals of payouts: what the signer finds, and what the approver may give.

A withdrawal is in one live approval at most, or in several of which the vault can take one: they
name the same operator and sequence number. Whoever steals the operator's key finds nothing to pay
twice. What changed its number therefore waits until its earlier approval is void.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.chain import payout
from gateway.chain.signature import recover_short
from gateway.chain.store import Chain
from gateway.sending.call import SignerRefuses, SignerWaits
from gateway.sending.store import Approval, Intent, Signer

APPROVAL_SECONDS = 1_800
# A chain's clock may be behind ours: only then is an approval surely void.
CLOCKS_APART_SECONDS = 300
# A signature this close to the end would only revert on chain.
TIME_TO_MINE_SECONDS = 120
WAITING = "second_approval"


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval as the call carries it, and its row."""

    id: str
    word: payout.Approval


def of(
    session: Session,
    intent: Intent,
    chain: Chain,
    seq: int,
    token: bytes | None,
    payments: list[bytes],
) -> Approved | None:
    """Return the approval of this very batch; None where the vault asks for none.

    Raises SignerWaits while there is none, SignerRefuses when it was refused, is another key's or
    another batch's, or will be void before it is mined.
    """
    if chain.payout_approver is None:
        return None
    found = session.scalar(
        select(Approval).where(Approval.intent_id == intent.id, Approval.seq == seq)
    )
    if found is None:
        raise SignerWaits(WAITING)
    if found.signature is None:
        raise SignerRefuses(f"approver: {found.refusal}")
    deadline = int(found.deadline.timestamp())
    if intent.status == "planned" and time_left(found) < timedelta(seconds=TIME_TO_MINE_SECONDS):
        raise SignerRefuses("approval_expired")
    operator = session.get_one(Signer, intent.signer_id).address
    digest = digest_of(chain, operator, seq, token, payments, deadline)
    if recover_short(digest, found.signature) != chain.payout_approver:
        raise SignerRefuses("approval_is_not_for_this")
    return Approved(found.id, payout.Approval(deadline, found.signature))


def digest_of(
    chain: Chain,
    operator: bytes,
    seq: int,
    token: bytes | None,
    payments: list[bytes],
    deadline: int,
) -> bytes:
    """Return what the approver of the chain's vault signs."""
    return payout.approval_digest(
        chain_id=chain.chain_id,
        vault=chain.payout_vault,
        operator=operator,
        seq=seq,
        token=token,
        payments=payments,
        deadline=deadline,
    )


def time_left(approval: Approval) -> timedelta:
    """Return how long an approval is good for."""
    return approval.deadline - datetime.now(UTC)


def approved_elsewhere(session: Session, withdrawals: list[str], signer_id: str, seq: int) -> bool:
    """True while one of the withdrawals is in a live approval that does not exclude this one."""
    void = datetime.now(UTC) - timedelta(seconds=CLOCKS_APART_SECONDS)
    query = select(Approval.id).where(
        Approval.withdrawals.overlap(withdrawals),
        Approval.signature.is_not(None),
        Approval.deadline > void,
        (Approval.signer_id != signer_id) | (Approval.seq != seq),
    )
    return session.scalar(query.limit(1)) is not None
