"""What the signer does with an intent: check it, take the nonce, sign, store; in one transaction.

No key is here: the caller passes the function that signs. A nonce is used if and only if its
signed bytes are stored, so no gap and no second payload for a nonce can exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from eth_utils.crypto import keccak
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway import bell
from gateway.chain.store import Chain
from gateway.ids import new_id
from gateway.sending import rules, service
from gateway.sending.store import Attempt, Intent, Signer, Transaction

ROLES = {"payout": "payout", "sweep": "sweep"}
BELLS = {"payout": "pay", "sweep": "sweep"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """A contract call: its target and its data. Value is never sent: the vaults hold the money."""

    to: bytes
    data: bytes

    @property
    def hash(self) -> bytes:
        """Return what identifies the call."""
        return keccak(self.to + self.data)


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed bytes and the transaction hash they will have."""

    raw: bytes
    hash: bytes


Sign = Callable[[bytes, dict[str, Any]], Signed]
Encode = Callable[[Session, Intent, Chain, int], Call]


class SignerRefuses(Exception):
    """The intent is not what its rows say, or beyond the signer's limits; `args[0]` names why."""


def next_intent(session: Session, chain: str) -> Intent | None:
    """Return and lock the oldest plan whose signer may sign now."""
    query = (
        select(Intent)
        .where(Intent.chain == chain, Intent.status == "planned")
        .order_by(Intent.id)
        .with_for_update(skip_locked=True)
    )
    for intent in session.scalars(query):
        if not service.must_wait(session, intent.signer_id):
            return intent
    return None


def sign_intent(
    session: Session, intent: Intent, chain: Chain, *, encode: Encode, sign: Sign
) -> bool:
    """Sign a locked intent, or refuse it for good. False if its signer must wait after all."""
    signer = session.get_one(Signer, intent.signer_id, with_for_update=True, populate_existing=True)
    if service.must_wait(session, signer.id):
        return False
    try:
        check(intent, signer, chain)
        seq = service.next_seq(session, signer)
        call = encode(session, intent, chain, seq)
        signed = sign(signer.address, fields(intent, signer, chain, call))
    except SignerRefuses as refusal:
        intent.status, intent.refusal = "refused", str(refusal)
        log.error("intent.refused", intent=intent.id, reason=str(refusal))
    else:
        store(session, intent, signer, seq=seq, call=call, signed=signed)
    session.flush()
    bell.ring(session, BELLS[intent.kind], chain.id)
    return True


def next_raise(session: Session, chain: str) -> tuple[Intent, Transaction] | None:
    """Return, locked, an intent whose transaction is to be signed again for more."""
    highest = (
        select(func.max(Attempt.cap))
        .where(Attempt.transaction_id == Transaction.id)
        .scalar_subquery()
    )
    query = (
        select(Intent, Transaction)
        .join(Transaction, Transaction.intent_id == Intent.id)
        .where(
            Intent.chain == chain,
            Intent.status == "signed",
            Transaction.state == "signed",
            Intent.refusal.is_(None),
            Intent.cap > highest,
        )
        .order_by(Intent.id)
        .with_for_update(of=Intent, skip_locked=True)
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def sign_raise(
    session: Session,
    intent: Intent,
    transaction: Transaction,
    chain: Chain,
    *,
    encode: Encode,
    sign: Sign,
) -> None:
    """Sign a stuck transaction again: the same nonce and call, fees that replace it.

    Raises SignerRefuses if the call would be another: one nonce never has two payloads.
    """
    signer = session.get_one(Signer, transaction.signer_id)
    check(intent, signer, chain)
    call = encode(session, intent, chain, transaction.seq or 0)
    if call.hash != transaction.call_hash:
        raise SignerRefuses("call_differs_from_first")
    wanted = fields(intent, signer, chain, call) | {"nonce": transaction.nonce}
    signed = sign(signer.address, wanted)
    add_attempt(session, intent, transaction.id, signed)
    session.flush()
    log.info("intent.raised", intent=intent.id, transaction=transaction.id, cap=int(intent.cap))
    bell.ring(session, BELLS[intent.kind], chain.id)


def check(intent: Intent, signer: Signer, chain: Chain) -> None:
    """Raise SignerRefuses unless the signer may sign this kind, here, at this price."""
    if signer.chain != chain.id or intent.chain != chain.id:
        raise SignerRefuses("other_chain")
    if not signer.active or signer.role != ROLES.get(intent.kind):
        raise SignerRefuses("other_role")
    refusal = rules.refusal_of_fees(gas=intent.gas, tip=int(intent.tip), cap=int(intent.cap))
    if refusal is not None:
        raise SignerRefuses(refusal)


def fields(intent: Intent, signer: Signer, chain: Chain, call: Call) -> dict[str, Any]:
    """Return the transaction to sign (EIP-1559)."""
    return {
        "type": 2,
        "chainId": chain.chain_id,
        "nonce": signer.next_nonce,
        "to": call.to,
        "value": 0,
        "data": call.data,
        "gas": intent.gas,
        "maxPriorityFeePerGas": int(intent.tip),
        "maxFeePerGas": int(intent.cap),
    }


def store(
    session: Session, intent: Intent, signer: Signer, *, seq: int, call: Call, signed: Signed
) -> None:
    """Store the signed bytes and use the nonce, and for a payout the sequence number, up."""
    transaction = Transaction(
        id=new_id("tx"),
        signer_id=signer.id,
        nonce=signer.next_nonce,
        intent_id=intent.id,
        seq=seq if intent.kind == "payout" else None,
        call_hash=call.hash,
    )
    session.add(transaction)
    session.flush()
    add_attempt(session, intent, transaction.id, signed)
    signer.next_nonce += 1
    intent.status = "signed"
    log.info("intent.signed", intent=intent.id, transaction=transaction.id, seq=transaction.seq)


def add_attempt(session: Session, intent: Intent, transaction_id: str, signed: Signed) -> None:
    """Store signed bytes with the fees they carry."""
    session.add(
        Attempt(
            hash=signed.hash,
            transaction_id=transaction_id,
            raw=signed.raw,
            tip=intent.tip,
            cap=intent.cap,
            gas=intent.gas,
        )
    )
