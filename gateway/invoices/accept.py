"""Take money for its invoice that the terms would not: it came late, or in the wrong asset."""

from datetime import UTC, datetime
from typing import Literal

from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.errors import Conflict, NotFound
from gateway.invoices import market, rules
from gateway.invoices.facts import Facts, load
from gateway.invoices.settle import recompute
from gateway.invoices.store import InvoicePayment, locked
from gateway.journal import service as journal

RateKind = Literal["quote", "current"]

log = get_logger()


def accept(
    session: Session,
    invoice_id: str,
    *,
    payment: str | None = None,
    rate: RateKind = "quote",
    by: str,
) -> Facts:
    """Let a payment settle its invoice, or all that came too late; doing it again changes nothing.

    An asset that was not asked for has no quote: it counts at the rate of this moment. Raises
    NotFound, Conflict (nothing to accept), DependencyAway without a rate.
    """
    invoice = locked(session, invoice_id)
    if invoice is None:
        raise NotFound("no such invoice")
    facts = load(session, [invoice])[0]
    chosen = waiting(facts, payment)
    if not chosen:
        return facts
    for row in chosen:
        if rate == "current" or not has_quote(facts, row):
            now = market.rate(session, row.asset, facts.currency.code)
            row.counted_rate, row.counted_source, row.counted_at = now.rate, now.source, now.at
        row.accepted_at, row.accepted_by = datetime.now(UTC), by
        journal.write(
            session,
            actor=by,
            action="payment.accepted",
            subject=row.deposit_id,
            facts={
                "invoice": invoice_id,
                "rate": None if row.counted_rate is None else str(row.counted_rate),
            },
        )
        log.info("payment.accepted", invoice_id=invoice_id, deposit_id=row.deposit_id)
    return recompute(session, invoice)


def waiting(facts: Facts, payment: str | None) -> list[InvoicePayment]:
    """Return the payments to accept: the one named, or all that are too late for the terms.

    None are left when they settle already. Raises NotFound, Conflict.
    """
    if facts.invoice.voided_at is not None:
        raise Conflict("the invoice is void: refund what came", code="wrong_state")
    known = {row.deposit_id: (row, facts.received[n]) for n, row in enumerate(facts.payments)}
    if payment is not None:
        if payment not in known:
            raise NotFound("the invoice has no such payment")
        row, told = known[payment]
        if row.refund_id is not None:
            raise Conflict("the payment is sent back", code="wrong_state")
        if told.status not in rules.SEEN:
            raise Conflict(f"the payment is {told.status}: nothing came", code="wrong_state")
        settled = told.accepted or (has_quote(facts, row) and rules.settles(facts.terms, told))
        return [] if settled else [row]
    late = [
        row
        for row, told in known.values()
        if told.status in rules.SEEN
        and has_quote(facts, row)
        and not rules.settles(facts.terms, told)
    ]
    if not late and not any(told.accepted for _, told in known.values()):
        raise Conflict("no payment of this invoice waits to be accepted", code="nothing_to_accept")
    return late


def has_quote(facts: Facts, row: InvoicePayment) -> bool:
    """True if the invoice asks for the payment's asset, on whatever chain."""
    return row.asset in {option.asset for option in facts.options}
