"""Send an item back: a withdrawal of the account whose balance it is in, judged like any other."""

from sqlalchemy.orm import Session

from gateway.chain.evm import node
from gateway.errors import Conflict, DependencyAway, Refused, UnknownChain
from gateway.inbox import books, rules, store
from gateway.inbox.decide import settle, taken
from gateway.inbox.service import get, locked, tell
from gateway.inbox.store import Decision, Item
from gateway.money import Money
from gateway.withdrawals import rules as withdrawal_rules
from gateway.withdrawals import service as withdrawals
from gateway.withdrawals.store import Withdrawal

DELEGATION = bytes.fromhex("ef0100")
"""The code of a plain account that lent itself a contract's (EIP-7702)."""


def refund(
    session: Session,
    item_id: str,
    *,
    to_address: bytes | None,
    amount: str | None,
    by: str,
    reason: str | None,
) -> Item:
    """Send it back by a withdrawal of its account, all of it unless `amount` says less.

    Policy judges it like any withdrawal, and the account pays the fee. Raises NotFound, Conflict,
    Refused (no plain sender: name the address), and as withdrawals.service.request.
    """
    seen = get(session, item_id)
    rules.check_refund(seen.kind)
    if to_address is None and seen.status != rules.REFUNDED:
        rules.check_open(seen.status)
        to_address = sender_of(session, seen)
    item = taken(session, item_id)
    if item.status == rules.REFUNDED and is_same(session, item, to_address):
        return item
    rules.check_open(item.status)
    if to_address is None:
        raise Conflict("it was opened again this moment: ask once more", code="wrong_state")
    whole = books.amount_of(session, item)
    money = whole if amount is None else Money.parse(amount, whole.asset)
    if money > whole:
        raise Refused(f"{whole} {whole.asset.code} arrived", code="too_much", field="amount")
    books.check_credited(session, item)
    return send_back(session, item, to_address, whole, money, by, reason)


def send_back(
    session: Session,
    item: Item,
    to_address: bytes,
    whole: Money,
    money: Money,
    by: str,
    reason: str | None,
) -> Item:
    """Request the refund's withdrawal; one that policy refuses at once leaves the item open."""
    holder = books.holder_of(session, item)
    if holder is None:
        if item.account_id is None:
            raise Conflict("nobody was given this address: assign it first", code="assign_first")
        holder = item.account_id
        books.book(session, item, holder, whole)
    withdrawal = withdrawals.request(
        session,
        account_id=holder,
        asset=money.asset.code,
        chain=item.chain,
        to_address=to_address,
        amount=money,
        requested_by=by,
        refund_id=item.id,
        payee="known",
    )
    made = sent_by(session, item, withdrawal, by=by, reason=reason)
    if withdrawal.status in withdrawal_rules.ENDS:
        refund_ended(
            session, item_id=item.id, withdrawal_id=withdrawal.id, status=withdrawal.status
        )
    return made


def sent_by(
    session: Session, item: Item, withdrawal: Withdrawal, *, by: str, reason: str | None = None
) -> Item:
    """Settle a locked item with the withdrawal that sends it back."""
    item.withdrawal_id = withdrawal.id
    return settle(
        session,
        item,
        Decision(
            item_id=item.id,
            decision=rules.REFUNDED,
            decided_by=by,
            reason=reason,
            account_id=withdrawal.account_id,
            withdrawal_id=withdrawal.id,
        ),
    )


def refund_ended(session: Session, *, item_id: str, withdrawal_id: str, status: str) -> None:
    """Take note of how a refund's withdrawal ended: one that did not arrive opens the item again.

    Saying it twice changes nothing.
    """
    item = locked(session, item_id)
    if item.withdrawal_id != withdrawal_id or item.status != rules.REFUNDED:
        return
    if status == withdrawal_rules.CONFIRMED:
        return
    session.add(
        Decision(
            item_id=item.id,
            decision=rules.REOPENED,
            decided_by=withdrawal_id,
            reason=f"the withdrawal was {status}",
            withdrawal_id=withdrawal_id,
        )
    )
    item.status = rules.status_left(rules.OPEN, item.arrivals)
    item.withdrawal_id = item.decided_at = item.decided_by = item.reason = None
    tell(session, item, "opened" if item.status == rules.OPEN else item.status)


def is_same(session: Session, item: Item, to_address: bytes | None) -> bool:
    """True if the refund under way goes where this one should."""
    assert item.withdrawal_id is not None
    return to_address in (None, withdrawals.get(session, item.withdrawal_id).to_address)


def sender_of(session: Session, item: Item) -> bytes:
    """Return the sender if it is a plain account, which can be paid back; raises Refused."""
    first = store.arrivals(session, item.id)[0]
    sender = rules.plain_sender(first.native, first.position, item.sender)
    if sender is not None:
        try:
            code = node(item.chain).code(sender)
        except UnknownChain as error:
            raise DependencyAway(f"no node of {item.chain} is configured here") from error
        if not code or code.startswith(DELEGATION):
            return sender
    raise Refused(
        "the sender is unknown or a contract, which may not pass it on: name the address",
        code="to_address_required",
        field="to_address",
    )
