"""What the approver does with a planned payout: work it out again, and agree to it or refuse.

It trusts rows only as far as the signer does, and shares no key with it. No key is here: the
caller passes the function that signs. Nothing another process can write makes it agree to a
withdrawal twice: of what it signed before it has its own record, which nobody can change.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session, aliased

from gateway import bell
from gateway.chain.store import Chain
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.sending import limits, service
from gateway.sending.call import SignerRefuses
from gateway.sending.store import Approval, Intent, Signer
from gateway.withdrawals import approvals, payload

SignDigest = Callable[[bytes, bytes], bytes]
"""Sign a digest with the key of an address: 64 bytes (EIP-2098)."""

# Approvals of one number exclude each other: the greatest of them counts.
VALUE = text(
    "select coalesce(sum(units), 0) from (select max(amount) as units from approval"
    " where signer_id = :signer and asset = :asset and signature is not null and seq <> :seq"
    " and created_at > now() - interval '24 hours' group by seq) one"
)

ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('approve', 0))")

log = structlog.get_logger()


def next_plan(session: Session, chain: Chain) -> tuple[Intent, Signer, int] | None:
    """Return a planned payout without a word on the number it will carry.

    Of each operator only the oldest plan: which number the next will carry, its end decides. One
    process at a time: what another approves at this moment would not be seen.
    """
    session.execute(ONE_AT_A_TIME)
    older = aliased(Intent)
    earlier = select(older.id).where(
        older.signer_id == Intent.signer_id, older.status == "planned", older.id < Intent.id
    )
    query = (
        select(Intent, Signer)
        .join(Signer, Signer.id == Intent.signer_id)
        .where(
            Intent.chain == chain.id,
            Intent.kind == "payout",
            Intent.status == "planned",
            ~earlier.exists(),
        )
        .order_by(Intent.id)
    )
    for intent, signer in session.execute(query).all():
        if service.must_wait(session, signer.id):
            continue
        seq = service.next_seq(session, signer)
        said = select(Approval.id).where(Approval.intent_id == intent.id, Approval.seq == seq)
        if session.scalar(said) is None and not is_too_early(session, intent, signer, seq):
            return intent, signer, seq
    return None


def is_too_early(session: Session, intent: Intent, signer: Signer, seq: int) -> bool:
    """True while an earlier approval of one of its withdrawals is not void."""
    named = named_in(intent)
    if not approvals.approved_elsewhere(session, named, signer.id, seq):
        return False
    log.warning("approval.waits", intent=intent.id, seq=seq, reason="approved_with_another_number")
    return True


def named_in(intent: Intent) -> list[str]:
    """Return the withdrawals an intent names, none if it is not of a payout's form."""
    named = intent.payload.get("withdrawals")
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []


def decide(
    session: Session, intent: Intent, signer: Signer, seq: int, chain: Chain, sign: SignDigest
) -> Approval:
    """Approve a payout or refuse it for good, and tell the signer."""
    ends = datetime.now(UTC) + timedelta(seconds=approvals.APPROVAL_SECONDS)
    row = Approval(
        id=new_id("apr"),
        intent_id=intent.id,
        signer_id=signer.id,
        seq=seq,
        asset=intent.asset,
        amount=intent.amount,
        withdrawals=named_in(intent),
        deadline=ends.replace(microsecond=0),
    )
    try:
        row.signature = agree(session, intent, signer, seq, chain, row.deadline, sign)
        log.info("payout.approved", intent=intent.id, approval=row.id, seq=seq)
    except SignerRefuses as refusal:
        row.refusal = str(refusal)
        log.error("payout.not_approved", intent=intent.id, reason=str(refusal))
    session.add(row)
    session.flush()
    journal.write(
        session,
        actor="approver",
        action="payout.approved" if row.refusal is None else "payout.not_approved",
        subject=intent.id,
        reason=row.refusal,
        facts={"approval": row.id, "seq": seq},
    )
    bell.ring(session, "sign", chain.id)
    return row


def agree(
    session: Session,
    intent: Intent,
    signer: Signer,
    seq: int,
    chain: Chain,
    deadline: datetime,
    sign: SignDigest,
) -> bytes:
    """Return the signature over the batch its rows say. Raises SignerRefuses."""
    if not signer.active or signer.role != "payout" or signer.chain != chain.id:
        raise SignerRefuses("other_role")
    if chain.payout_approver is None:
        raise SignerRefuses("no_approval_asked")
    listed, payments = payload.payments_of(session, intent, chain)
    most = limits.ceilings(session, signer, intent.asset).get("value_per_day")
    facts = {"signer": signer.id, "asset": intent.asset, "seq": seq}
    before = int(session.execute(VALUE, facts).scalar_one())
    if most is not None and before + int(intent.amount) > most:
        raise SignerRefuses("value_per_day_above_limit")
    digest = approvals.digest_of(
        chain, signer.address, seq, listed.contract, payments, int(deadline.timestamp())
    )
    return sign(chain.payout_approver, digest)
