"""Let the payer say where a refund goes, on a page whose address only they are told.

Whoever has the page's token names the address, and nothing is sent before they confirmed it. What
the page shows and takes is in checkout; here is what becomes of it.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.chain.address import parse_address
from gateway.errors import Conflict, InsufficientFunds, NotFound, Refused
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.policy.rules import Payee
from gateway.refunds import rules, sender
from gateway.refunds.service import (
    Wish,
    alone_with,
    end,
    facts_of,
    made,
    note,
    request,
    taken,
    tell,
)
from gateway.refunds.store import Refund, refunded
from gateway.withdrawals import rules as withdrawal_rules
from gateway.withdrawals import service as withdrawals

PAYER = "payer"
TOKEN_BYTES = 32
TOKEN_LENGTH_MAX = 100


def ask_payer(session: Session, wish: Wish, *, expires_in: int) -> tuple[Refund, str]:
    """Promise it to the payer, who names the address on a page; returns the page's token as well.

    The amount is fixed now, so that nobody waits for a better rate. Raises as `refund`, and
    InsufficientFunds when the merchant could not pay it today.
    """
    proposed = signer(session, wish)  # asked before anything is locked: a node may be slow
    row, payout = made(session, wish, alone_with(session, wish.invoice_id))
    check_affordable(session, row, payout)
    row.status, row.sender = rules.AWAITING, proposed
    token = new_page(row, expires_in)
    session.add(row)
    session.flush()
    note(session, row, "promised", by=wish.requested_by)
    tell(session, row, "created")
    return row, token


def signer(session: Session, wish: Wish) -> bytes | None:
    """Return who may be proposed to the payer as the place; raises NotFound, Refused."""
    facts = facts_of(session, wish.invoice_id)
    paid = rules.chosen(rules.received(facts.terms, facts.received), wish.asset, wish.chain)
    key = paid.chain, paid.money.asset.code
    rows = [row for row in facts.payments if (row.chain, row.asset) == key]
    return sender.signer_of(paid.chain, [row for row in rows if row.status == "credited"])


def check_affordable(session: Session, row: Refund, payout: Money) -> None:
    """Raise InsufficientFunds when amount and fee are not there; nothing is reserved."""
    fee = withdrawals.fee_quote(session, asset=row.asset, chain=row.chain).fee
    there = ledger.balance(session, row.account_id, payout.asset).available
    if there < payout + fee:
        raise InsufficientFunds(
            f"{payout + fee} {row.asset} are needed, its fee included, {there} are there"
        )


def new_page(row: Refund, expires_in: int) -> str:
    """Give a refund a page for so many seconds, and end the one it had; returns its token.

    Whoever has the token says where the money goes, so only its hash is kept.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row.token_hash = hash_of(token)
    row.expires_at = datetime.now(UTC) + timedelta(seconds=expires_in)
    return token


def hash_of(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def renew_page(session: Session, refund_id: str, *, expires_in: int, by: str) -> tuple[Refund, str]:
    """Make another page for a payer who has not answered; the old one is gone.

    Raises NotFound, Conflict once it does not wait for an address any more.
    """
    row = taken(session, refund_id)
    rules.check_awaiting(row.status)
    token = new_page(row, expires_in)
    note(session, row, "page_renewed", by=by)
    session.flush()
    return row, token


def by_token(session: Session, token: str) -> Refund:
    """Return the refund of a page; raises NotFound."""
    if len(token) > TOKEN_LENGTH_MAX:
        raise NotFound("no such refund")
    row = session.scalar(select(Refund).where(Refund.token_hash == hash_of(token)))
    if row is None:
        raise NotFound("no such refund")
    return row


def read_address(session: Session, text: str) -> bytes:
    """Read what a payer typed; raises InvalidAddress, for an address of ours too."""
    address = parse_address(text.strip())
    withdrawals.refuse_ours(session, address)
    return address


def answer(session: Session, token: str, address: bytes) -> Refund:
    """Send the refund where its payer says; the first answer counts, later ones change nothing.

    An address that policy refuses leaves it waiting for another one, a few times. Raises NotFound,
    Conflict (too late), Refused (the payment left the chain meanwhile, the merchant's limit is
    used up for now), and as withdrawals.service.request.
    """
    found = by_token(session, token)
    facts = alone_with(session, found.invoice_id)
    row = taken(session, found.id)
    if row.status != rules.AWAITING:
        return row
    if row.expires_at is not None and row.expires_at <= datetime.now(UTC):
        raise Conflict("nobody answered in time", code="refund_expired")
    rules.refund_amount(
        "partial",
        Money(int(row.currency_amount), facts.currency),
        price=facts.price,
        credited=rules.credited(rules.received(facts.terms, facts.received), facts.currency),
        refunded=Money(refunded(session, row.invoice_id, besides=row.id), facts.currency),
    )
    row.to_address = address
    payout = Money(int(row.amount), ledger.asset(session, row.asset))
    payee: Payee = "known" if address == row.sender else "page"
    withdrawal = request(session, row, payout, payee=payee)
    if withdrawal.status == withdrawal_rules.REJECTED:
        reason = withdrawal.failure_reason or withdrawal_rules.REJECTED
        if reason in rules.PASSING:
            raise Refused("the merchant's limit has no room for it now", code=reason)
        refuse(session, row, reason)
    else:
        row.status, row.withdrawal_id, row.refusal = rules.PENDING, withdrawal.id, None
        note(session, row, "address_named", by=PAYER)
        tell(session, row, rules.PENDING)
    return row


def refuse(session: Session, row: Refund, reason: str) -> None:
    """Take note that policy refused the payer's address; the last of a few ends the refund."""
    row.to_address = None
    row.refusal = reason
    row.refusals += 1
    note(session, row, "address_refused", by=PAYER, reason=reason)
    if row.refusals >= rules.REFUSALS_MAX:
        end(session, row, rules.REJECTED)
    session.flush()
