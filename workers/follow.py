"""What pay and sweep share: broadcast what is signed, find its block, end it at its depth."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.port import Node, Receipt
from gateway.chain.store import Chain
from gateway.sending import cancelling, outcomes, rules
from gateway.sending import follow as following
from gateway.sending import lost as losing
from gateway.sending import service as sending
from gateway.sending.follow import Open, Sighting
from gateway.sending.store import Intent, Signer, Transaction
from gateway.webhooks.alarms import raise_alarm

STUCK_BLOCKS = 3
STUCK_SECONDS_MIN = 10.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of transaction: `show` its depth, `settle` it once its block is final, or `call_off`
    what it carried once its cancel is.
    """

    name: str
    show: Callable[[Session, Open, Receipt | None, int], None]
    settle: Callable[[Chain, Open, Receipt, int], None]
    call_off: Callable[[Open, Receipt], None]


def alarm(kind: str, subject: str, detail: str) -> None:
    """Raise an alarm in a transaction of its own."""
    with db.transaction() as session:
        raise_alarm(session, kind=kind, subject=subject, detail=detail)


def alarm_of(trouble: sending.Trouble, subject: str) -> None:
    """Raise the alarm of a signer's trouble."""
    alarm(trouble.kind, subject, trouble.detail)


def follow(chain: Chain, node: Node, kind: Kind, *, silent: bool = False) -> None:
    """Look after every transaction whose end is not final; `silent`: hand nothing to the node.
    Raises NodeAway.
    """
    head = node.head().number
    send_lost(chain, node, kind, head)
    with db.transaction() as session:
        opened = following.open_transactions(session, chain.id, kind.name)
    price_cancels(chain, node, kind)
    first: dict[str, str] = {}
    for item in opened:
        # what waits behind an unmined nonce is not stuck itself
        seen = follow_one(chain, node, kind, item, head, silent=silent)
        if not seen.receipt and first.setdefault(item.signer.id, item.transaction.id) == (
            item.transaction.id
        ):
            help_along(chain, node, item, seen)


def send_lost(chain: Chain, node: Node, kind: Kind, head: int) -> None:
    """Send again what was final and left the chain, and call an operator. Raises NodeAway."""
    with db.transaction() as session:
        ends = losing.last_ends(session, chain.id, kind.name)
    for signer_id, nonce in losing.find(node, ends):
        with db.transaction() as session:
            found = losing.lost(session, signer_id, nonce, head)
        for item in found:
            outcome = following.send(node, item.attempt)
            log.error("transaction.lost", transaction=item.transaction.id, outcome=outcome)
            with db.transaction() as session:
                losing.reopen(session, item.transaction.id)
            alarm(
                "transaction_left_chain",
                item.transaction.id,
                "it was final and is on the chain no more; it is sent again until it is there",
            )


def follow_one(
    chain: Chain, node: Node, kind: Kind, item: Open, head: int, *, silent: bool = False
) -> Sighting:
    """Record where the transaction is; send it again while it is nowhere; end it when final."""
    seen = following.look(node, item)
    receipt = seen.receipt
    depth = rules.confirmations(head, receipt.block_number) if receipt else 0
    with db.transaction() as session:
        following.record_sighting(session, item.transaction.id, receipt)
        kind.show(session, item, receipt, depth)
    if receipt is None:
        if not silent:
            broadcast(node, item)
    elif following.is_final(node, receipt, head=head, needed=chain.confirmations):
        if item.is_cancelled_by(receipt):
            kind.call_off(item, receipt)
        else:
            kind.settle(chain, item, receipt, depth)
    return seen


def help_along(chain: Chain, node: Node, item: Open, seen: Sighting) -> None:
    """Raise the fees of a signer's first unmined transaction when it should have been mined."""
    if not seen.nonce_used and is_stuck(chain, item):
        raise_fees(node, item)
    if not seen.nonce_used:
        return
    again = following.look(node, item)  # a reorganisation may have come between two questions
    if again.nonce_used and again.receipt is None:
        alarm(
            "nonce_taken",
            item.transaction.id,
            "the nonce is used on chain, but by none of the transactions signed here",
        )


def price_cancels(chain: Chain, node: Node, kind: Kind) -> None:
    """Tell the signer what a cancel that somebody asked for may cost. Raises NodeAway."""
    with db.transaction() as session:
        found = [
            (intent.id, session.get_one(Signer, intent.signer_id).address)
            for intent in cancelling.wanted(session, chain.id, kind.name)
        ]
    for intent_id, address in found:
        level = sending.ask_fees(node)
        fresh = rules.fees(int(level.base_fee), int(level.tip))
        estimate = node.estimate_gas(sender=address, to=address)
        with db.transaction() as session:
            cancelling.price(session, intent_id, estimate=estimate, fresh=fresh)


def broadcast(node: Node, item: Open) -> None:
    """Hand the newest stored bytes to the node: always safe, they can be mined once."""
    newest = item.attempts[0]
    if item.intent.cancel_wanted and newest.sent_at is None and not newest.cancels:
        return  # nobody has seen it: its cancel goes out in its place
    outcome = following.send(node, newest)
    if outcome != newest.outcome:
        log.info("transaction.broadcast", transaction=item.transaction.id, outcome=outcome)
        with db.transaction() as session:
            following.record_sent(session, newest.hash, outcome)
    if outcome == outcomes.TOO_BIG and not newest.cancels:
        with db.transaction() as session:
            cancelling.ask(session, session.get_one(Transaction, newest.transaction_id), by=outcome)
    if outcome == outcomes.NO_GAS_MONEY:
        alarm("gas_money", item.signer.id, "the signer cannot pay for gas: send it native coin")


def is_stuck(chain: Chain, item: Open) -> bool:
    """True if the newest bytes should have been mined by now."""
    patience = max(STUCK_SECONDS_MIN, float(chain.block_seconds) * STUCK_BLOCKS)
    return datetime.now(UTC) - item.attempts[0].created_at > timedelta(seconds=patience)


def raise_fees(node: Node, item: Open) -> None:
    """Ask the signer for the same transaction with higher fees; tell a person at the ceiling."""
    if item.intent.refusal is not None:
        alarm("signer_refused", item.intent.id, f"it is not signed again: {item.intent.refusal}")
        return
    level = sending.ask_fees(node)
    fresh = rules.fees(int(level.base_fee), int(level.tip))
    with db.transaction() as session:
        raised = sending.raise_fees(session, item.intent.id, fresh)
        asked = session.get_one(Intent, item.intent.id, populate_existing=True).cap
    if not raised and asked == item.attempts[0].cap:
        alarm(
            "transaction_stuck", item.transaction.id, "it is not mined, at the highest fee allowed"
        )
