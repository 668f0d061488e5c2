"""Give an invoice's money back: a withdrawal of the merchant's, bound to what was paid."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.chain.address import show_address
from gateway.chain.store import chain_asset
from gateway.errors import NotFound, Refused
from gateway.ids import new_id
from gateway.inbox import rules as inbox
from gateway.inbox.refund import refund_ended as inbox_ended
from gateway.invoices import rules
from gateway.invoices.facts import Facts, load
from gateway.invoices.store import Invoice, InvoiceOption, Refund, currency
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.web.shapes import Time
from gateway.webhooks import service as webhooks
from gateway.withdrawals import service as withdrawals

COUNTED = ("pending", "confirmed")
ENDED = ("confirmed", "failed", "rejected", "cancelled")

log = get_logger()


class RefundShape(BaseModel):
    """A refund: `amount` of `asset` leaves, `currency_amount` is what it is of the invoice."""

    id: str
    invoice: str
    account: str
    status: Literal["pending", "confirmed", "failed", "rejected", "cancelled"]
    amount: str
    asset: str
    chain: str
    currency_amount: str
    currency: str
    to_address: str
    withdrawal: str | None
    created_at: Time
    ended_at: Time | None

    @classmethod
    def of(cls, session: Session, row: Refund) -> Self:
        """Show a refund."""
        priced = currency(session, row.currency)
        return cls.model_validate(
            {
                "id": row.id,
                "invoice": row.invoice_id,
                "account": row.account_id,
                "status": row.status,
                "amount": str(Money(int(row.amount), ledger.asset(session, row.asset))),
                "asset": row.asset,
                "chain": row.chain,
                "currency_amount": str(Money(int(row.currency_amount), priced)),
                "currency": row.currency,
                "to_address": show_address(row.to_address),
                "withdrawal": row.withdrawal_id,
                "created_at": row.created_at,
                "ended_at": row.ended_at,
            }
        )


def refund(
    session: Session,
    *,
    invoice_id: str,
    amount: str | None,
    to_address: bytes,
    requested_by: str,
) -> Refund:
    """Send back some of an invoice, all that is left by default, in the asset that paid most of it.

    `amount` is in the invoice's currency, converted at the rate of the quote. Raises NotFound,
    Refused (nothing or not so much left), and as withdrawals.service.request.
    """
    facts = load_for_refund(session, invoice_id)
    wanted = Money.parse(amount, facts.currency) if amount is not None else None
    given = rules.refund_amount(
        wanted, credited=facts.stored.credited, refunded=refunded(session, facts)
    )
    option = largest(facts)
    on_chain = chain_asset(session, option.chain, option.asset)
    payout = rules.refund_payout(given, facts.option(option), facts.price, on_chain.decimals)
    row = Refund(
        id=new_id("ref"),
        invoice_id=invoice_id,
        account_id=facts.invoice.account_id,
        currency=facts.invoice.currency,
        currency_amount=Decimal(given.units),
        chain=option.chain,
        asset=option.asset,
        amount=Decimal(payout.units),
        to_address=to_address,
    )
    session.add(row)
    session.flush()
    send(session, row, payout, requested_by)
    return row


def send(session: Session, row: Refund, payout: Money, requested_by: str) -> None:
    """Request the refund's withdrawal; policy may refuse it at once. Raises as its `request`."""
    withdrawal = withdrawals.request(
        session,
        account_id=row.account_id,
        asset=row.asset,
        chain=row.chain,
        to_address=row.to_address,
        amount=payout,
        requested_by=requested_by,
        refund_id=row.id,
    )
    row.withdrawal_id = withdrawal.id
    tell(session, row, "created")
    if withdrawal.status in ENDED:
        refund_ended(
            session, refund_id=row.id, withdrawal_id=withdrawal.id, status=withdrawal.status
        )


def load_for_refund(session: Session, invoice_id: str) -> Facts:
    """Return the invoice's facts, alone among its refunds until the commit; raises NotFound.

    An advisory lock, not the row's: a deposit being credited holds the merchant's ledger account
    and waits for the row, a refund needs that ledger account.
    """
    session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"refund {invoice_id}"},
    )
    invoice = session.get(Invoice, invoice_id, populate_existing=True)
    if invoice is None:
        raise NotFound("no such invoice")
    return load(session, [invoice])[0]


def refunded(session: Session, facts: Facts) -> Money:
    """Return what is on its way back or there, in the invoice's currency."""
    units = session.scalar(
        select(func.coalesce(func.sum(Refund.currency_amount), 0)).where(
            Refund.invoice_id == facts.invoice.id, Refund.status.in_(COUNTED)
        )
    )
    return Money(int(units or 0), facts.currency)


def largest(facts: Facts) -> InvoiceOption:
    """Return the option of the credited payment that covered most; raises Refused without one."""
    terms = facts.terms
    weighed = [
        (rules.weight(terms.options, payment), option)
        for payment in facts.received
        if payment.status == "credited"
        for option in facts.options
        if (option.chain, option.asset) == (payment.chain, payment.amount.asset.code)
    ]
    if not weighed:
        raise Refused("nothing final is left to refund", code="nothing_to_refund")
    return max(weighed, key=lambda pair: pair[0])[1]


def refund_ended(session: Session, *, refund_id: str, withdrawal_id: str, status: str) -> None:
    """Take note of how the withdrawal of a refund ended; saying it twice changes nothing.

    A refund that did not arrive no longer counts, so the invoice can be refunded again. What is
    sent back from the inbox is no invoice's: it is told there.
    """
    if refund_id.startswith(f"{inbox.PREFIX}_"):
        inbox_ended(session, item_id=refund_id, withdrawal_id=withdrawal_id, status=status)
        return
    row = session.get(Refund, refund_id, with_for_update=True, populate_existing=True)
    assert row is not None, f"withdrawal {withdrawal_id} names no refund"
    if row.status != "pending":
        return
    row.status, row.ended_at = status, datetime.now(UTC)
    row.withdrawal_id = withdrawal_id
    tell(session, row, status)


def tell(session: Session, row: Refund, what: str) -> None:
    """Emit the event of a refund."""
    session.flush()
    session.refresh(row)
    data = RefundShape.of(session, row).model_dump(mode="json")
    log.info(f"refund.{what}", refund_id=row.id, invoice_id=row.invoice_id)
    webhooks.emit(
        session, type=f"refund.{what}", account_id=row.account_id, object_id=row.id, data=data
    )
