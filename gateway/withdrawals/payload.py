"""What an intent pays, read from the withdrawals themselves: the planner writes it down, the
signer works it out again and refuses whatever differs.
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import payout
from gateway.chain import store as chains
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.money import Asset, Money
from gateway.pauses import service as pauses
from gateway.screening import service as screening
from gateway.sending.call import Call, SignerRefuses, SignerWaits
from gateway.sending.store import Intent
from gateway.withdrawals import approvals, holds, rules
from gateway.withdrawals.store import Withdrawal, of_intent


def word(row: Withdrawal, listed: ChainAsset, asset: Asset) -> bytes:
    """Return the payment of one withdrawal."""
    return payout.payment(row.to_address, listed.to_chain(Money(int(row.amount), asset)))


def describe(session: Session, rows: list[Withdrawal], listed: ChainAsset) -> dict[str, Any]:
    """Return what an intent says it pays; rows in the order of their ids."""
    asset = ledger.asset(session, listed.asset)
    return {
        "withdrawals": [row.id for row in rows],
        "payments": [word(row, listed, asset).hex() for row in rows],
    }


def encode(session: Session, intent: Intent, chain: Chain, seq: int) -> Call:
    """Return the call that pays an intent's withdrawals, worked out from their rows, with the
    second key's approval where the chain's vault asks for one.

    Raises SignerRefuses as payments_of, or when the approval is not for this very batch;
    SignerWaits while there is none.
    """
    keep_to_switches(session, chain, intent)
    listed, payments = payments_of(session, intent, chain)
    approved = approvals.of(session, intent, chain, seq, listed.contract, payments)
    data = payout.pay_call(listed.contract, seq, payments, approved.word if approved else None)
    return Call(chain.payout_vault, data, approved.id if approved else None)


def keep_to_switches(session: Session, chain: Chain, intent: Intent) -> None:
    """Raise SignerWaits while nothing of the asset may leave."""
    stopped = pauses.stopped(session, chain.id, intent.asset) or screening.stopped(session)
    if stopped is not None:
        raise SignerWaits(stopped)


def payments_of(session: Session, intent: Intent, chain: Chain) -> tuple[ChainAsset, list[bytes]]:
    """Return the asset and the payments of an intent, worked out from its withdrawals.

    Raises SignerRefuses when the intent says something else, or money is not reserved for it.
    """
    listed = chains.chain_asset(session, chain.id, intent.asset)
    rows = of_intent(session, intent.id)
    if not rows or any((row.chain, row.asset) != (chain.id, intent.asset) for row in rows):
        raise SignerRefuses("other_chain_or_asset")
    due = rules.APPROVED if intent.status == "planned" else rules.SENT
    if any(row.status != due for row in rows):
        raise SignerRefuses("not_approved")
    if describe(session, rows, listed) != intent.payload:
        raise SignerRefuses("payload_differs")
    if sum(int(row.amount) for row in rows) != int(intent.amount):
        raise SignerRefuses("amount_differs")
    if due == rules.APPROVED and any(screening.is_listed(session, row.to_address) for row in rows):
        raise SignerRefuses("listed_address")
    if not all_reserved(session, rows):
        raise SignerRefuses("money_not_reserved")
    return listed, [bytes.fromhex(payment) for payment in intent.payload["payments"]]


def all_reserved(session: Session, rows: list[Withdrawal]) -> bool:
    """True if the ledger, which nobody can write by hand, reserves each of these amounts."""
    wanted = {holds.hold_id(row.id, holds.AMOUNT): int(row.amount) for row in rows}
    found = session.execute(
        text("select id, remaining from ledger.hold where id = any(:ids) and not resolved"),
        {"ids": list(wanted)},
    )
    return {row.id: int(row.remaining) for row in found} == wanted
