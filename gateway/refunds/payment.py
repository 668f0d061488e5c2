"""Send a payment back whole that does not settle its invoice: a wrong asset, too late, or void.

In the wrong asset it is an item of the inbox too, which the same withdrawal settles. The item is
locked first, then the invoice's refunds, the ledger account and the invoice, as everywhere: of a
refund, an acceptance and an operator's decision one comes first and the others are refused.
"""

from decimal import Decimal

from sqlalchemy.orm import Session

from gateway.errors import Conflict, NotFound, Refused
from gateway.ids import new_id
from gateway.inbox import refund as inbox_refund
from gateway.inbox import rules as inbox
from gateway.inbox import service as items
from gateway.invoices import service as invoices
from gateway.invoices import unsettled
from gateway.invoices.facts import Facts
from gateway.invoices.rules import Payment
from gateway.invoices.store import InvoicePayment
from gateway.refunds import rules
from gateway.refunds.service import alone_with, note, rate_paid, refund_ended, request, tell
from gateway.refunds.store import Refund, refunded
from gateway.withdrawals import rules as withdrawal_rules


def send_back(
    session: Session, invoice_id: str, deposit_id: str, *, to_address: bytes, by: str
) -> Refund:
    """Send all of a payment to an address the merchant answers for; `by` is a key.

    Raises NotFound, Conflict (not final, it settles, or somebody decided about it), Refused (so
    much is not left after other refunds), and as withdrawals.service.request.
    """
    found = items.wrong_asset_of(session, deposit_id)
    item = None if found is None else items.locked(session, found.id)
    facts = alone_with(session, invoice_id)
    row, came = of_payment(facts, deposit_id)
    if item is not None:
        inbox.check_open(item.status)
    check(facts, row, came)
    made = refund_of(session, facts, row, came)
    made.to_address, made.requested_by = to_address, by
    session.add(made)
    session.flush()
    withdrawal = request(session, made, came.amount)
    made.withdrawal_id = withdrawal.id
    if item is not None:
        inbox_refund.sent_by(session, item, withdrawal, by=by)
    invoices.send_back(session, invoice_id, deposit_id, made.id)
    note(session, made, "asked", by=by)
    tell(session, made, "created")
    if withdrawal.status in withdrawal_rules.ENDS:
        refund_ended(
            session, refund_id=made.id, withdrawal_id=withdrawal.id, status=withdrawal.status
        )
    return made


def of_payment(facts: Facts, deposit_id: str) -> tuple[InvoicePayment, Payment]:
    """Return a payment of an invoice; raises NotFound."""
    for row, came in zip(facts.payments, facts.received, strict=True):
        if row.deposit_id == deposit_id:
            return row, came
    raise NotFound("the invoice has no such payment")


def check(facts: Facts, row: InvoicePayment, came: Payment) -> None:
    """Raise Conflict unless a payment is final, waits for a decision and settles nothing."""
    if row.refund_id is not None:
        raise Conflict(f"{row.refund_id} sends it back", code="wrong_state")
    if came.status != "credited":
        raise Conflict(f"the payment is {came.status}", code="not_final")
    if unsettled.why(facts.terms, came) is None:
        raise Conflict("the payment settles its invoice: refund an amount", code="payment_settles")


def refund_of(session: Session, facts: Facts, row: InvoicePayment, came: Payment) -> Refund:
    """Return the refund of a payment, not added yet; raises Refused when that is not left."""
    (paid,) = rules.received(facts.terms, [came])
    given = rules.credited([paid], facts.currency)
    others = [one for one, told in zip(facts.received, facts.payments, strict=True) if told != row]
    left = rules.credited(rules.received(facts.terms, others), facts.currency)
    if left.units < refunded(session, facts.invoice.id):
        raise Refused(
            "other refunds have taken from this payment: refund what is left of the invoice",
            code="refund_exceeds_payment",
            field="payment",
        )
    rate, source, at = rate_paid(facts, paid) if paid.covered else (None, None, None)
    return Refund(
        id=new_id("ref"),
        invoice_id=facts.invoice.id,
        account_id=facts.invoice.account_id,
        deposit_id=row.deposit_id,
        kind="partial",
        currency=facts.invoice.currency,
        currency_amount=Decimal(given.units),
        chain=row.chain,
        asset=row.asset,
        amount=Decimal(came.amount.units),
        rate_kind="quote",
        rate=rate,
        rate_source=source,
        rate_at=at,
    )
