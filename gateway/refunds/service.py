"""Give an invoice's money back: a withdrawal of the merchant's, bound to what was paid.

Where it goes is named by the merchant, or by the payer on a page of the refund's own (payer.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.chain.store import chain_asset
from gateway.errors import NotFound
from gateway.ids import new_id
from gateway.inbox import rules as inbox
from gateway.inbox import service as inbox_items
from gateway.inbox.refund import refund_ended as inbox_ended
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts, load
from gateway.invoices.store import Invoice
from gateway.journal import service as journal
from gateway.money import Money
from gateway.policy.rules import Payee
from gateway.prices import service as prices
from gateway.refunds import rules
from gateway.refunds.rules import Kind, RateKind, Received
from gateway.refunds.shapes import RefundShape
from gateway.refunds.store import Refund, alone, locked, refunded
from gateway.webhooks import service as webhooks
from gateway.withdrawals import rules as withdrawal_rules
from gateway.withdrawals import service as withdrawals
from gateway.withdrawals.store import Withdrawal

EXPIRED_BATCH_MAX = 200
ACCEPTED = "accepted"
"""The source of a rate that nobody noted: a person took a payment at it."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants back of an invoice; `requested_by` is a key.

    `amount` is in the invoice's currency, `rate` how it becomes an amount of the asset.
    """

    invoice_id: str
    requested_by: str
    amount: str | None = None
    kind: Kind | None = None
    rate: RateKind = "quote"
    asset: str | None = None
    chain: str | None = None


@dataclass(frozen=True, slots=True)
class Worth:
    """What leaves, and the rate it was worked out at; the rate is for people to read."""

    payout: Money
    rate: Decimal
    source: str
    at: datetime


def refund(session: Session, wish: Wish, *, to_address: bytes) -> Refund:
    """Send it to an address the merchant answers for.

    Raises NotFound, Refused (nothing or not so much left, an asset that did not pay),
    DependencyAway (no current rate), and as withdrawals.service.request.
    """
    row, payout = made(session, wish, alone_with(session, wish.invoice_id))
    row.to_address = to_address
    session.add(row)
    session.flush()
    withdrawal = request(session, row, payout)
    row.withdrawal_id = withdrawal.id
    note(session, row, "asked", by=wish.requested_by)
    tell(session, row, "created")
    if withdrawal.status in withdrawal_rules.ENDS:
        refund_ended(
            session, refund_id=row.id, withdrawal_id=withdrawal.id, status=withdrawal.status
        )
    return row


def made(session: Session, wish: Wish, facts: Facts) -> tuple[Refund, Money]:
    """Return the row of a refund that may be made, not added yet, and what leaves."""
    kind = rules.kind_of(wish.kind, wish.amount)
    came = rules.received(facts.terms, facts.received)
    credited = rules.credited(came, facts.currency)  # as the payments say, read in one moment
    given = rules.refund_amount(
        kind,
        Money.parse(wish.amount, facts.currency) if wish.amount is not None else None,
        price=facts.price,
        credited=credited,
        refunded=Money(refunded(session, wish.invoice_id), facts.currency),
    )
    paid = rules.chosen(came, wish.asset, wish.chain)
    whole = given == credited and came == [paid]
    found = worth(session, facts, wish.rate, given, paid, whole=whole)
    row = Refund(
        id=new_id("ref"),
        invoice_id=wish.invoice_id,
        account_id=facts.invoice.account_id,
        kind=kind,
        currency=facts.invoice.currency,
        currency_amount=Decimal(given.units),
        chain=paid.chain,
        asset=paid.money.asset.code,
        amount=Decimal(found.payout.units),
        rate_kind=wish.rate,
        rate=found.rate,
        rate_source=found.source,
        rate_at=found.at,
        requested_by=wish.requested_by,
    )
    return row, found.payout


def worth(
    session: Session,
    facts: Facts,
    kind: RateKind,
    given: Money,
    paid: Received,
    *,
    whole: bool,
) -> Worth:
    """Return what leaves for an amount of the invoice's currency; raises DependencyAway."""
    asset = paid.money.asset
    decimals = chain_asset(session, paid.chain, asset.code).decimals
    if kind == "current":
        now = prices.rate(session, asset.code, facts.currency.code)
        payout = rules.payout_at(given, now.rate, asset, decimals)
        return Worth(payout, now.rate, now.source, now.at)
    payout = rules.payout_as_paid(given, paid, decimals, whole=whole)
    rate, source, at = rate_paid(facts, paid)
    return Worth(payout, rate, source, at)


def rate_paid(facts: Facts, paid: Received) -> tuple[Decimal, str, datetime]:
    """Return the rate the payments of an asset were counted at, who said so, and when."""
    key = paid.chain, paid.money.asset.code, "credited"
    rows = [row for row in facts.payments if (row.chain, row.asset, row.status) == key]
    accepted = [row for row in rows if row.counted_rate is not None]
    offered = [row for row in facts.options if row.asset == paid.money.asset.code]
    if not accepted and offered:
        quoted = next((row for row in offered if row.chain == paid.chain), offered[0])
        return quoted.rate, quoted.rate_source, quoted.rate_at
    rate = rules.rate_as_paid(paid, facts.currency)
    last = rows[-1] if not accepted else accepted[-1]
    return rate, last.counted_source or ACCEPTED, last.counted_at or last.seen_at


def cancel(session: Session, refund_id: str, *, by: str) -> Refund:
    """Take back what the payer has not answered; doing it again changes nothing.

    Raises NotFound, Conflict (its withdrawal is what can be cancelled once there is one).
    """
    row = taken(session, refund_id)
    if row.status != rules.CANCELLED:
        rules.check_awaiting(row.status)
        note(session, row, rules.CANCELLED, by=by)
        end(session, row, rules.CANCELLED)
    return row


def expire_due(session: Session, most: int = EXPIRED_BATCH_MAX) -> int:
    """End at most so many that no payer answered in time; returns how many.

    Safe to run side by side.
    """
    query = (
        select(Refund)
        .where(Refund.status == rules.AWAITING, Refund.expires_at <= datetime.now(UTC))
        .order_by(Refund.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    rows = list(session.scalars(query))
    for row in rows:
        end(session, row, rules.EXPIRED)
    return len(rows)


def request(session: Session, row: Refund, payout: Money, *, payee: Payee = "asked") -> Withdrawal:
    """Request the refund's withdrawal; policy may refuse it at once. Raises as its `request`."""
    assert row.to_address is not None
    assert row.requested_by is not None
    return withdrawals.request(
        session,
        account_id=row.account_id,
        asset=row.asset,
        chain=row.chain,
        to_address=row.to_address,
        amount=payout,
        requested_by=row.requested_by,
        refund_id=row.id,
        payee=payee,
    )


def refund_ended(session: Session, *, refund_id: str, withdrawal_id: str, status: str) -> None:
    """Take note of how the withdrawal of a refund ended; saying it twice changes nothing.

    A refund that did not arrive no longer counts, so the invoice can be refunded again. What is
    sent back from the inbox is no invoice's: it is told there.
    """
    if refund_id.startswith(f"{inbox.PREFIX}_"):
        inbox_ended(session, item_id=refund_id, withdrawal_id=withdrawal_id, status=status)
        return
    row = locked(session, refund_id)
    assert row is not None, f"withdrawal {withdrawal_id} names no refund"
    if row.status != rules.PENDING or row.withdrawal_id != withdrawal_id:
        return
    if row.deposit_id is not None and status != rules.CONFIRMED:
        came_back(session, row, withdrawal_id, status)
    end(session, row, status)


def came_back(session: Session, row: Refund, withdrawal_id: str, status: str) -> None:
    """Let a payment wait again whose refund did not arrive, in the inbox too if it is there."""
    assert row.deposit_id is not None
    item = inbox_items.wrong_asset_of(session, row.deposit_id)
    if item is not None:
        inbox_ended(session, item_id=item.id, withdrawal_id=withdrawal_id, status=status)
    invoices.not_sent_back(session, row.invoice_id, row.deposit_id, row.id)


def end(session: Session, row: Refund, status: str) -> None:
    """End a locked refund and tell it."""
    row.status, row.ended_at = status, datetime.now(UTC)
    tell(session, row, status)


def note(session: Session, row: Refund, what: str, *, by: str, reason: str | None = None) -> None:
    """Write into the journal who decided what about a refund."""
    journal.write(
        session,
        actor=by,
        action=f"refund.{what}",
        subject=row.id,
        reason=reason,
        facts={"invoice": row.invoice_id, "withdrawal": row.withdrawal_id},
    )


def tell(session: Session, row: Refund, what: str) -> None:
    """Emit the event of a refund, which names its invoice's payment link besides."""
    session.flush()
    session.refresh(row)
    link = session.get_one(Invoice, row.invoice_id).link_id
    data = RefundShape.of(session, row).model_dump(mode="json") | {"payment_link": link}
    invoices.refund_changed(session, row.invoice_id)
    log.info(f"refund.{what}", refund_id=row.id, invoice_id=row.invoice_id)
    webhooks.emit(
        session, type=f"refund.{what}", account_id=row.account_id, object_id=row.id, data=data
    )


def get(session: Session, refund_id: str) -> Refund:
    """Return a refund; raises NotFound."""
    row = session.get(Refund, refund_id)
    if row is None:
        raise NotFound("no such refund")
    return row


def taken(session: Session, refund_id: str) -> Refund:
    """Return a refund, locked; raises NotFound."""
    row = locked(session, refund_id)
    if row is None:
        raise NotFound("no such refund")
    return row


def facts_of(session: Session, invoice_id: str) -> Facts:
    """Return the invoice's facts as they are now; raises NotFound."""
    invoice = session.get(Invoice, invoice_id, populate_existing=True)
    if invoice is None:
        raise NotFound("no such invoice")
    return load(session, [invoice])[0]


def alone_with(session: Session, invoice_id: str) -> Facts:
    """Return the invoice's facts, alone among its refunds until the commit; raises NotFound."""
    alone(session, invoice_id)
    return facts_of(session, invoice_id)
