"""Cancel what is signed and not mined: spend its nonce on a transfer of nothing to ourselves.

Either the action is mined or its cancel, never both: they have one nonce. Until one of them is
final the action may still happen; what it carried is planned again only after its cancel is.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import bell
from gateway.chain.store import Chain
from gateway.errors import Conflict
from gateway.sending import rules, service
from gateway.sending.call import Call, Sign, SignerRefuses
from gateway.sending.signing import BELLS, check, fields, keep_to_one_payload, write_down
from gateway.sending.store import Attempt, Intent, Signer, Transaction


def ask(session: Session, transaction: Transaction, *, by: str) -> None:
    """Want a transaction cancelled. Raises Conflict once it is mined; asking again is fine."""
    intent = session.get_one(
        Intent, transaction.intent_id, with_for_update=True, populate_existing=True
    )
    session.refresh(transaction)
    if transaction.state != "signed" or intent.status != "signed":
        raise Conflict(f"the transaction is {transaction.state}", code="wrong_state")
    if intent.cancel_gas is None or intent.refusal is not None:
        forget_raise(session, intent)
    intent.cancel_wanted = intent.cancel_wanted or by
    session.flush()
    bell.ring(session, BELLS[intent.kind], intent.chain)


def forget_raise(session: Session, intent: Intent) -> None:
    """Put a locked intent back to the highest fee that was signed: a raise that the signer refused,
    or has not come to, would keep the cancel from its price for ever.
    """
    signed = session.execute(service.HIGHEST, {"intent": intent.id}).one_or_none()
    if signed is not None:  # none of ours, where another's transaction was found for it
        intent.tip, intent.cap = signed.tip, signed.cap
    intent.refusal = intent.cancel_gas = None
    session.flush()


def wanted(session: Session, chain: str, kind: str) -> list[Intent]:
    """Return what is to be cancelled and has no price for that yet."""
    query = select(Intent).where(
        Intent.chain == chain,
        Intent.kind == kind,
        Intent.status == "signed",
        Intent.cancel_wanted.is_not(None),
        Intent.cancel_gas.is_(None),
    )
    return list(session.scalars(query))


def price(session: Session, intent_id: str, *, estimate: int, fresh: rules.Fees) -> bool:
    """Write down what a cancel may cost, for the signer; False if no fee replaces what is out."""
    if not service.raise_fees(session, intent_id, fresh):
        return False
    intent = session.get_one(Intent, intent_id)
    intent.cancel_gas = rules.gas_limit(estimate)
    session.flush()
    return True


def sign(
    session: Session, intent: Intent, transaction: Transaction, chain: Chain, *, sign: Sign
) -> None:
    """Sign the transfer of nothing that takes the nonce. Raises SignerRefuses."""
    signer = session.get_one(Signer, transaction.signer_id)
    check(intent, signer, chain)
    refusal = rules.refusal_of_fees(
        gas=intent.cancel_gas or 0, tip=int(intent.tip), cap=int(intent.cap)
    )
    if refusal is not None:
        raise SignerRefuses(refusal)
    nothing = Call(to=signer.address, data=b"")
    wanted = fields(intent, signer, chain, nothing) | {
        "nonce": transaction.nonce,
        "gas": intent.cancel_gas,
    }
    keep_to_one_payload(session, signer, intent, transaction, wanted)
    signed = sign(signer.address, wanted)
    session.add(
        Attempt(
            hash=signed.hash,
            transaction_id=transaction.id,
            raw=signed.raw,
            tip=intent.tip,
            cap=intent.cap,
            gas=intent.cancel_gas or 0,
            cancels=True,
        )
    )
    session.flush()
    write_down(session, "intent.cancel_signed", intent, transaction=transaction.id)
    bell.ring(session, BELLS[intent.kind], chain.id)
