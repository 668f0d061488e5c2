"""Decide about an item: whose it is, or that nothing is to be done. Sending back is in refund.py.

An item is locked from the first look to the commit: after the cursor of its chain, where deposits
are made, and before any ledger account. So of two operators one wins, and a reorganisation comes
before a decision or after it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.errors import Conflict, Refused
from gateway.inbox import books, rules, store
from gateway.inbox.service import get, locked, tell
from gateway.inbox.store import Arrival, Decision, Item
from gateway.money import Money

CURSOR = text("select from watch_cursor where chain = :chain for no key update")


@dataclass(frozen=True, slots=True)
class Doors:
    """What a decision asks of rooms above: make deposits of transfers; move money by a transfer.

    `adopt(session, item, arrivals)` raises Conflict saying why it cannot be.
    `transfer(session, payer, payee, money, memo)` returns the transfer's id.
    """

    adopt: Callable[[Session, Item, Sequence[Arrival]], None]
    transfer: Callable[[Session, str, str, Money, str], str]


def assign(
    session: Session,
    item_id: str,
    *,
    account_id: str | None,
    by: str,
    reason: str | None,
    doors: Doors,
) -> Item:
    """Say whose it is, by default the owner of the address; saying the same again changes nothing.

    Raises NotFound, Conflict (what to do instead), Refused, and as the doors.
    """
    item = taken(session, item_id)
    to = account_id or item.account_id
    if item.status == rules.ASSIGNED and to == last(session, item).account_id:
        return item
    rules.check_open(item.status)
    if to is None:
        raise Refused("nobody was given this address: name the account", field="account")
    transfer_id = None
    if item.kind in rules.BECOMES_DEPOSITS:
        make_deposits(session, item, to, doors)
    else:
        transfer_id = give(session, item, to, doors)
    return settle(
        session,
        item,
        Decision(
            item_id=item.id,
            decision=rules.ASSIGNED,
            decided_by=by,
            reason=reason,
            account_id=to,
            transfer_id=transfer_id,
        ),
    )


def accept(
    session: Session,
    item_id: str,
    *,
    by: str,
    reason: str | None,
    settle_invoice: Callable[[Session, str, str], object],
) -> Item:
    """Take the wrong asset for its invoice after all; doing it again changes nothing.

    `settle_invoice(session, invoice, deposit)` counts it there. The chain's cursor is held before
    the item and the item before the invoice, as a reorganisation does. Raises NotFound, Conflict,
    and as `settle_invoice`.
    """
    seen = get(session, item_id)
    rules.check_accept(seen.kind)
    session.execute(CURSOR, {"chain": seen.chain})
    item = locked(session, item_id)
    if item.status == rules.ACCEPTED:
        return item
    rules.check_open(item.status)
    if item.invoice_id is None or item.deposit_id is None:
        raise Conflict("it names no invoice it could pay", code="no_invoice")
    settle_invoice(session, item.invoice_id, item.deposit_id)
    facts = Decision(
        item_id=item.id,
        decision=rules.ACCEPTED,
        decided_by=by,
        reason=reason,
        account_id=item.account_id,
    )
    return settle(session, item, facts)


def make_deposits(session: Session, item: Item, to: str, doors: Doors) -> None:
    """Let the transfers become deposits, which are always those of the address's owner."""
    if item.account_id is not None and to != item.account_id:
        raise Conflict(
            f"the address is of {item.account_id}: assign it there, then transfer what is credited",
            code="other_owner",
        )
    kept = store.arrivals(session, item.id, canonical=True)
    if not kept:
        raise Conflict(
            f"its transfers are not kept: mizan rescan {item.chain} {item.first_block}",
            code="rescan_first",
        )
    doors.adopt(session, item, kept)


def give(session: Session, item: Item, to: str, doors: Doors) -> str | None:
    """Give money that is in the books to an account; returns the transfer, None if none was needed.

    What was given before, when a refund was tried, is in that account's balance.
    """
    money = books.amount_of(session, item)
    holder = books.holder_of(session, item)
    if holder is None:
        books.book(session, item, to, money)
        return None
    if holder == to:
        return None
    books.check_credited(session, item)
    return doors.transfer(session, holder, to, money, f"inbox {item.id}")


def dismiss(session: Session, item_id: str, *, by: str, reason: str) -> Item:
    """Say that nothing is to be done; a later decision may still be another. Raises NotFound,
    Conflict where money is owed to somebody.
    """
    item = taken(session, item_id)
    rules.check_dismiss(item.kind)
    if item.status == rules.DISMISSED:
        if item.reason == reason:
            return item
        raise Conflict("it was dismissed with another reason", code="wrong_state")
    rules.check_open(item.status)
    facts = Decision(item_id=item.id, decision=rules.DISMISSED, decided_by=by, reason=reason)
    return settle(session, item, facts)


def settle(session: Session, item: Item, decision: Decision) -> Item:
    """Write a decision and tell it."""
    item.status = decision.decision
    item.decided_at, item.decided_by = datetime.now(UTC), decision.decided_by
    item.reason = decision.reason
    session.add(decision)
    tell(session, item, decision.decision)
    return item


def taken(session: Session, item_id: str) -> Item:
    """Return an item to decide about, alone until the commit; raises NotFound."""
    item = get(session, item_id)
    if item.kind in rules.BECOMES_DEPOSITS:
        session.execute(CURSOR, {"chain": item.chain})
    return locked(session, item_id)


def last(session: Session, item: Item) -> Decision:
    """Return the decision that holds."""
    return store.decisions(session, [item.id])[item.id][-1]
