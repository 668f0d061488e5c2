"""Recompute an invoice when money, the clock or the merchant touched it, and tell the change."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from structlog import get_logger

from gateway import bell
from gateway.errors import Conflict, NotFound
from gateway.invoices import changes, market, rules, unexpected
from gateway.invoices.facts import Facts, InvoiceShape, load
from gateway.invoices.store import Invoice, InvoicePayment, locked, returned
from gateway.money import Money
from gateway.webhooks import service as webhooks

BATCH_MAX = 200

log = get_logger()


def payment_changed(
    session: Session,
    *,
    invoice_id: str,
    deposit_id: str,
    chain: str,
    asset: str,
    amount: Money,
    status: str,
    tx_hash: bytes,
    from_address: bytes | None,
    block_number: int | None,
    seen_at: datetime,
    details: dict[str, Any],
) -> None:
    """Note what became of a deposit to the invoice's address; saying it twice changes nothing.

    Called in the transaction that changes the deposit. `seen_at` is the time of its block. Mined
    again in another block, it was still heard of when it was heard of first.
    """
    invoice = locked(session, invoice_id)
    assert invoice is not None, f"deposit {deposit_id} names no invoice"
    values = {
        "invoice_id": invoice_id,
        "chain": chain,
        "asset": asset,
        "amount": amount.units,
        "status": status,
        "tx_hash": tx_hash,
        "from_address": from_address,
        "block_number": block_number,
        "seen_at": seen_at,
        "details": details,
    }
    was_final = invoice.voided_at is not None and is_final(session, deposit_id)
    row = insert(InvoicePayment).values(deposit_id=deposit_id, heard_at=datetime.now(UTC), **values)
    session.execute(row.on_conflict_do_update(index_elements=["deposit_id"], set_=values))
    facts = recompute(session, invoice, left=status in ("orphaned", "reversed"))
    if invoice.voided_at is not None and status in rules.FINAL and not was_final:
        unexpected.paid_after_void(session, facts, deposit_id)


def is_final(session: Session, deposit_id: str) -> bool:
    """True if a payment was final when it was told of last."""
    query = select(InvoicePayment.status).where(InvoicePayment.deposit_id == deposit_id)
    return session.scalar(query) in rules.FINAL


def send_back(session: Session, invoice_id: str, deposit_id: str, refund_id: str) -> None:
    """Note that a refund carries a payment back: it is no money of its invoice any more.

    Call it where the merchant's ledger account is held, as `refund_changed`. Raises Conflict when
    somebody accepted the payment meanwhile, or another refund carries it.
    """
    invoice = locked(session, invoice_id)
    assert invoice is not None, "an invoice is never deleted"
    row = session.get_one(InvoicePayment, deposit_id, populate_existing=True)
    if row.accepted_at is not None or row.refund_id is not None:
        raise Conflict("somebody decided about this payment already", code="wrong_state")
    row.refund_id = refund_id
    recompute(session, invoice)


def not_sent_back(session: Session, invoice_id: str, deposit_id: str, refund_id: str) -> None:
    """Count a payment again whose refund did not arrive."""
    invoice = locked(session, invoice_id)
    assert invoice is not None, "an invoice is never deleted"
    row = session.get_one(InvoicePayment, deposit_id, populate_existing=True)
    if row.refund_id == refund_id:
        row.refund_id = None
        recompute(session, invoice)


def expire_due(session: Session, most: int = BATCH_MAX) -> int:
    """End at most so many open invoices whose time is over; returns how many.

    Safe to run side by side.
    """
    over = Invoice.status == "open", Invoice.expires_at <= datetime.now(UTC)
    return recompute_all(session, over, most)


def weigh_again(session: Session, most: int = BATCH_MAX) -> int:
    """Recompute at most so many invoices whose late money waited for a rate that is known now.

    Returns how many. Safe to run side by side.
    """
    return recompute_all(session, [Invoice.id.in_(market.known_again(session))], most)


def recompute_all(session: Session, which: Iterable[ColumnElement[bool]], most: int) -> int:
    """Recompute invoices, those that end first, but for those another transaction changes now."""
    query = (
        select(Invoice)
        .where(*which)
        .order_by(Invoice.expires_at)
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    invoices = list(session.scalars(query))
    for invoice in invoices:
        recompute(session, invoice)
    return len(invoices)


def void(session: Session, invoice_id: str) -> Facts:
    """Take an invoice back before it is paid; doing it again changes nothing.

    Raises NotFound, or Conflict once money for it was seen.
    """
    invoice = locked(session, invoice_id)
    if invoice is None:
        raise NotFound("no such invoice")
    if invoice.status in ("processing", "paid"):
        raise Conflict(f"the invoice is {invoice.status}: refund it", code="wrong_state")
    invoice.voided_at = invoice.voided_at or datetime.now(UTC)
    return recompute(session, invoice)


def recompute(session: Session, invoice: Invoice, *, left: bool = False) -> Facts:
    """Store what is true of a locked invoice now, and tell each transition once.

    `left` says that a payment left the chain.
    """
    session.flush()
    facts = load(session, [invoice])[0]
    market.read(session, facts)
    old = facts.stored
    now = datetime.now(UTC)
    new = rules.outcome(facts.terms, facts.received, now)
    keep(invoice, old, new, now, left=left)
    session.flush()
    told = changes.events(facts.terms, old, new, left=left)
    data = InvoiceShape.of(facts).model_dump(mode="json") if told else {}
    for kind in told:
        log.info(kind, invoice_id=invoice.id, paid=str(new.paid), currency=invoice.currency)
        webhooks.emit(
            session, type=kind, account_id=invoice.account_id, object_id=invoice.id, data=data
        )
    bell.publish(session, f"object:{invoice.id}")
    return facts


def refund_changed(session: Session, invoice_id: str) -> None:
    """Look again at an invoice: money goes back before it was paid, or does not after all.

    What goes back of a paid invoice leaves it paid. Call it where the merchant's ledger account is
    held already, or is not needed any more: whoever credits a deposit holds that before the
    invoice.
    """
    invoice = locked(session, invoice_id)
    assert invoice is not None, "an invoice is never deleted"
    units = Decimal(returned(session, invoice_id, unpaid=invoice.status != "paid"))
    if units != invoice.amount_returned:
        invoice.amount_returned = units
        recompute(session, invoice)


def keep(
    invoice: Invoice, old: rules.Outcome, new: rules.Outcome, now: datetime, *, left: bool
) -> None:
    """Write what is true of an invoice into its row, with the time of what became true now."""
    invoice.status, invoice.paid_state, invoice.late = new.status, new.paid_state, new.late
    invoice.amount_paid = Decimal(new.paid.units)
    invoice.amount_credited = Decimal(new.credited.units)
    invoice.late_action = new.late_action
    if new.status != "paid":
        invoice.paid_at = None
    elif old.status != "paid":
        invoice.paid_at = now
    if new.status == "paid":
        invoice.reverted_at = None
    elif left and changes.reverted(old, new):
        invoice.reverted_at = now
