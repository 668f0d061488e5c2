"""What the signer does with an intent: check it, take the nonce, sign, store; in one transaction.

No key is here: the caller passes the function that signs. A nonce is used if and only if its
signed bytes are stored, so no gap and no second payload for a nonce can exist.
"""

from collections.abc import Collection
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway import bell
from gateway.chain.store import Chain
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.sending import limits, rules, second, service
from gateway.sending.call import Call, Encode, Sign, Signed, SignerRefuses, SignerWaits
from gateway.sending.store import Attempt, Intent, Signer, Transaction, attempts

ROLES = {"payout": "payout", "sweep": "sweep", "send": "payout", "relay": "relay"}

BELLS = {"payout": "pay", "sweep": "sweep", "send": "pay", "relay": "relay"}

log = structlog.get_logger()


def next_intent(session: Session, chain: str, besides: Collection[str] = ()) -> Intent | None:
    """Return and lock the oldest plan whose signer may sign now, signers `besides` left out."""
    query = (
        select(Intent)
        .where(
            Intent.chain == chain,
            Intent.status == "planned",
            Intent.signer_id.not_in(besides),
        )
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
    """Sign a locked intent, or refuse it for good. False if its signer must wait after all, with
    the reason in `waiting` where it is not the signer's own transactions.
    """
    signer = session.get_one(Signer, intent.signer_id, with_for_update=True, populate_existing=True)
    if service.must_wait(session, signer.id):
        return False
    try:
        check(intent, signer, chain)
        wish = limits.Wish(intent.gas, int(intent.cap), intent.asset, int(intent.amount))
        keep_to_limits(session, signer, wish)
        seq = service.next_seq(session, signer)
        call = encode(session, intent, chain, seq)
        signed = sign(signer.address, fields(intent, signer, chain, call))
    except SignerWaits as reason:
        put_off(session, intent, reason)
        return False
    except SignerRefuses as refusal:
        intent.status, intent.refusal = "refused", str(refusal)
        write_down(session, "intent.refused", intent, reason=str(refusal))
    else:
        store(session, intent, signer, seq=seq, call=call, signed=signed)
    session.flush()
    if chain.payout_approver is not None:  # the next number is known now
        bell.ring(session, "approve", chain.id)
    bell.ring(session, BELLS[intent.kind], chain.id)
    return True


def write_down(
    session: Session, action: str, intent: Intent, reason: str | None = None, **facts: Any
) -> None:
    """Write what the signer did into the journal and the log."""
    journal.write(
        session,
        actor=journal.SIGNER,
        action=action,
        subject=intent.id,
        reason=reason,
        facts=facts,
    )
    log.info(action, intent=intent.id, reason=reason, **facts)


def put_off(session: Session, intent: Intent, reason: SignerWaits) -> None:
    """Write down what the signer waits for; whoever follows the intent tells it."""
    intent.waiting = str(reason)
    session.flush()
    log.warning("intent.waits", intent=intent.id, reason=str(reason))


def next_raise(
    session: Session, chain: str, besides: Collection[str] = ()
) -> tuple[Intent, Transaction] | None:
    """Return, locked, an intent whose transaction is to be signed again for more; signers
    `besides` left out.
    """
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
            Intent.signer_id.not_in(besides),
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
    wanted = fields(intent, signer, chain, call) | {"nonce": transaction.nonce}
    keep_to_one_payload(session, signer, intent, transaction, wanted)
    signed = sign(signer.address, wanted)
    add_attempt(session, intent, transaction.id, signed, call.approval_id)
    intent.waiting = None
    session.flush()
    write_down(session, "intent.raised", intent, transaction=transaction.id, cap=int(intent.cap))
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


def keep_to_limits(session: Session, signer: Signer, wish: limits.Wish) -> None:
    """Raise SignerRefuses when this would pass a ceiling set for the signer."""
    refusal = limits.refusal(session, signer, wish)
    if refusal is not None:
        raise SignerRefuses(refusal)


def keep_to_one_payload(
    session: Session,
    signer: Signer,
    intent: Intent,
    transaction: Transaction,
    wanted: dict[str, Any],
) -> None:
    """Raise SignerRefuses unless `wanted`, for a nonce that is used, is the same call for more or
    a cancel, within the signer's ceilings.
    """
    call = Call(wanted["to"], wanted["data"], value=wanted["value"])
    tip, cap = wanted["maxPriorityFeePerGas"], wanted["maxFeePerGas"]
    wish = limits.Wish(wanted["gas"], cap, intent.asset, besides=transaction.id)
    keep_to_limits(session, signer, wish)
    refusal = second.refusal(
        second.Offer(call.to, call.data, wanted["value"], tip, cap, call.hash),
        signer=signer.address,
        first_call=transaction.call_hash,
        before=[
            second.Signed(int(one.tip), int(one.cap), one.cancels)
            for one in attempts(session, transaction.id)
        ],
    )
    if refusal is not None:
        raise SignerRefuses(refusal)


def fields(intent: Intent, signer: Signer, chain: Chain, call: Call) -> dict[str, Any]:
    """Return the transaction to sign (EIP-1559)."""
    return {
        "type": 2,
        "chainId": chain.chain_id,
        "nonce": signer.next_nonce,
        "to": call.to,
        "value": call.value,
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
        asset=intent.asset,
        amount=intent.amount,
    )
    session.add(transaction)
    session.flush()
    add_attempt(session, intent, transaction.id, signed, call.approval_id)
    signer.next_nonce += 1
    intent.status, intent.waiting = "signed", None
    write_down(session, "intent.signed", intent, transaction=transaction.id, seq=transaction.seq)


def add_attempt(
    session: Session,
    intent: Intent,
    transaction_id: str,
    signed: Signed,
    approval_id: str | None = None,
) -> None:
    """Store signed bytes with the fees they carry, and whose approval is in them."""
    session.add(
        Attempt(
            hash=signed.hash,
            transaction_id=transaction_id,
            raw=signed.raw,
            tip=intent.tip,
            cap=intent.cap,
            gas=intent.gas,
            approval_id=approval_id,
        )
    )
