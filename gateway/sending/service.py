"""Signers and intents: register, plan, withdraw a plan, and say what sending costs now."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gateway import bell, db
from gateway.chain.port import Node
from gateway.errors import Conflict
from gateway.ids import new_id
from gateway.money import Money
from gateway.sending import rules
from gateway.sending.store import FeeLevel, Intent, Signer, Transaction, signers

FEES_HEARD_AGAIN_SECONDS = 5
INTENT_STALE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the signer is asked to spend: gas, and wei a unit of gas."""

    gas: int
    fees: rules.Fees


IN_HAND = text(
    "select count(*) from intent i left join transaction t on t.intent_id = i.id"
    " where i.signer_id = :signer"
    " and (i.status = 'planned' or (i.status = 'signed' and t.state = 'signed'))"
)
# In one statement: a signature between two would look like a gap.
FILLED = text(
    "select s.next_nonce, (select count(*) from transaction t"
    " where t.signer_id = s.id and t.nonce >= :nonce) as filled from signer s where s.id = :signer"
)
HIGHEST = text(
    "select a.tip, a.cap from attempt a join transaction t on t.id = a.transaction_id"
    " where t.intent_id = :intent and t.state = 'signed' order by a.cap desc limit 1"
)


class Trouble(Exception):
    """What must keep a signer from signing until a person has looked: `kind` names the alarm."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


def register_signer(
    session: Session, *, chain: str, address: bytes, role: str, next_nonce: int, first_seq: int = 0
) -> Signer:
    """Register an account that signs. Its nonce, and for payouts its sequence number, come from
    the chain. Registering it again changes nothing; Conflict if it has another role.
    """
    found = session.scalar(select(Signer).where(Signer.chain == chain, Signer.address == address))
    if found is not None:
        if found.role != role:
            raise Conflict("this signer has another role", code="signer_role")
        return found
    signer = Signer(
        id=new_id("sig"),
        chain=chain,
        address=address,
        role=role,
        next_nonce=next_nonce,
        first_seq=first_seq,
    )
    session.add(signer)
    session.flush()
    return signer


def idle_signer(
    session: Session, chain: str, role: str, besides: Collection[str] = ()
) -> Signer | None:
    """Return the signer that has the least to do, `besides` left out; None while all are busy."""
    known = [signer for signer in signers(session, chain, role) if signer.id not in besides]
    free = [signer for signer in known if not is_busy(session, signer.id)]
    return min(free, key=lambda signer: in_hand(session, signer.id), default=None)


def in_hand(session: Session, signer_id: str) -> int:
    """Return how many plans wait for this signer, and transactions of it for their block."""
    return int(session.execute(IN_HAND, {"signer": signer_id}).scalar_one())


def is_busy(session: Session, signer_id: str) -> bool:
    """True while this signer has as much in hand as it may, or may not sign."""
    return in_hand(session, signer_id) >= rules.UNMINED_MAX or must_wait(session, signer_id)


def must_wait(session: Session, signer_id: str) -> bool:
    """True while this signer has too much in flight, a revert whose end is not final, or a payout
    that is being cancelled.

    What stands behind either carries a sequence number too high: it reverts as well, nothing is
    added to it, and all of it is planned again when its end is final. A relay's revert holds
    nothing up: what it sends for others does not depend on what it sent before.
    """
    row = session.execute(
        text(
            "select count(*) filter (where state = 'signed') as unmined,"
            " count(*) filter (where not succeeded and i.kind <> 'relay') as reverted,"
            " count(*) filter (where t.seq > s.first_seq and not exists ("
            "   select from transaction p where p.signer_id = t.signer_id and p.seq = t.seq - 1"
            "   and p.state not in ('reverted', 'cancelled'))) as doomed,"
            " count(*) filter (where t.state = 'signed' and t.seq is not null"
            "   and i.cancel_wanted is not null) as cancelling"
            " from transaction t join signer s on s.id = t.signer_id"
            " join intent i on i.id = t.intent_id"
            " where t.signer_id = :signer and t.state in ('signed', 'mined')"
        ),
        {"signer": signer_id},
    ).one()
    ending = row.reverted or row.doomed or row.cancelling
    return bool(row.unmined >= rules.UNMINED_MAX or ending)


def check_account(node: Node, signer: Signer) -> None:
    """Raise Trouble when the signer's account is not ours alone any more.

    Code there (EIP-7702) could act for it, and pools take one transaction of it at a time; a nonce
    ahead of ours means that its key was used elsewhere; one that nothing of ours fills keeps all
    behind it waiting for ever. Raises NodeAway.
    """
    if node.code(signer.address):
        raise Trouble("signer_has_code", "the signer's address carries code (EIP-7702)")
    used = node.nonce(signer.address)
    with db.transaction() as session:
        ours = session.execute(FILLED, {"signer": signer.id, "nonce": used}).one()
    if used > ours.next_nonce:
        raise Trouble("signer_used_elsewhere", "the signer's nonce is ahead of ours")
    if ours.filled < ours.next_nonce - used:
        raise Trouble("nonce_gap", f"nothing of ours fills a nonce between {used} and the next")


def lowest_seq(session: Session, signer: Signer) -> int:
    """Return the sequence number the vault expects while nothing more is mined."""
    lowest = session.scalar(
        select(func.min(Transaction.seq)).where(
            Transaction.signer_id == signer.id, Transaction.state == "signed"
        )
    )
    return next_seq(session, signer) if lowest is None else lowest


def next_seq(session: Session, signer: Signer) -> int:
    """Return the sequence number of the signer's next payout: the last that counts, plus one."""
    last = session.scalar(
        select(func.max(Transaction.seq)).where(
            Transaction.signer_id == signer.id,
            Transaction.state.not_in(("reverted", "cancelled")),
        )
    )
    return signer.first_seq if last is None else last + 1


def plan(
    session: Session,
    *,
    signer: Signer,
    kind: str,
    amount: Money,
    payload: dict[str, Any],
    proposal: Proposal,
) -> Intent:
    """Write down an action for the signer and ring it."""
    intent = Intent(
        id=new_id("int"),
        chain=signer.chain,
        kind=kind,
        asset=amount.asset.code,
        signer_id=signer.id,
        amount=amount.units,
        payload=payload,
        gas=proposal.gas,
        tip=proposal.fees.tip,
        cap=proposal.fees.cap,
    )
    session.add(intent)
    session.flush()
    bell.ring(session, "sign", signer.chain)
    return intent


def take_back(session: Session, intent_id: str) -> bool:
    """Void an intent that is not signed; False if it is. The caller holds no other row's lock:
    whoever needs both locks an intent before what it carries.
    """
    intent = session.get(Intent, intent_id, with_for_update=True, populate_existing=True)
    if intent is None or intent.status not in ("planned", "refused"):
        return False
    intent.status = "void"
    session.flush()
    return True


def planned(session: Session, chain: str, kind: str) -> list[str]:
    """Return the plans that nobody has signed."""
    query = select(Intent.id).where(
        Intent.chain == chain, Intent.kind == kind, Intent.status == "planned"
    )
    return list(session.scalars(query.order_by(Intent.id)))


def stale(session: Session, chain: str, kind: str) -> list[str]:
    """Return the plans nobody signed for a while: their fees may be too low by now, or what the
    signer refused may be mended. It checks everything again.
    """
    before = datetime.now(UTC) - timedelta(seconds=INTENT_STALE_SECONDS)
    query = select(Intent.id).where(
        Intent.chain == chain,
        Intent.kind == kind,
        Intent.status.in_(("planned", "refused")),
        Intent.created_at < before,
    )
    return list(session.scalars(query))


def raise_fees(session: Session, intent_id: str, fresh: rules.Fees) -> bool:
    """Ask the signer to sign a stuck transaction again for more; False at the ceiling, or if it
    was asked already. Nonce and call stay what they are.
    """
    intent = session.get_one(Intent, intent_id, with_for_update=True, populate_existing=True)
    row = session.execute(HIGHEST, {"intent": intent_id}).one_or_none()
    if row is None or intent.cap > row.cap:
        return False
    fees = rules.bumped(rules.Fees(tip=int(row.tip), cap=int(row.cap)), fresh)
    if rules.refusal_of_fees(gas=intent.gas, tip=fees.tip, cap=fees.cap) is not None:
        return False
    intent.tip, intent.cap = fees.tip, fees.cap  # type: ignore[assignment]
    session.flush()
    bell.ring(session, "sign", intent.chain)
    return True


def in_flight(session: Session, chain: str, asset: str, kind: str) -> int:
    """Return the ledger units of plans and transactions whose block is not known yet."""
    total = session.execute(
        text(
            "select coalesce(sum(i.amount), 0) from intent i"
            " left join transaction t on t.intent_id = i.id"
            " where i.chain = :chain and i.asset = :asset and i.kind = :kind"
            " and (i.status = 'planned' or (i.status = 'signed' and t.state = 'signed'))"
        ),
        {"chain": chain, "asset": asset, "kind": kind},
    ).scalar_one()
    return int(total)


def ask_fees(node: Node) -> FeeLevel:
    """Ask the node what a unit of gas costs now; raises NodeAway."""
    return FeeLevel(
        base_fee=node.base_fee(), tip=node.max_priority_fee(), heard_at=datetime.now(UTC)
    )


def remember_fees(session: Session, chain: str, heard: FeeLevel) -> None:
    """Keep what a unit of gas costs, so that a fee can be quoted while the node is away."""
    known = session.get(FeeLevel, chain)
    if known is not None and (heard.heard_at - known.heard_at) < timedelta(
        seconds=FEES_HEARD_AGAIN_SECONDS
    ):
        return
    session.execute(
        text(
            "insert into fee_level (chain, base_fee, tip, heard_at)"
            " values (:chain, :base_fee, :tip, :heard_at) on conflict (chain) do update set"
            " base_fee = excluded.base_fee, tip = excluded.tip, heard_at = excluded.heard_at"
        ),
        {
            "chain": chain,
            "base_fee": heard.base_fee,
            "tip": heard.tip,
            "heard_at": heard.heard_at,
        },
    )


def fee_level(session: Session, chain: str) -> FeeLevel | None:
    """Return what a unit of gas cost when it was last asked."""
    return session.get(FeeLevel, chain)
