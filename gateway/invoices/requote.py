"""A new quote for an invoice whose time is over: the same addresses, today's rates.

What was paid keeps the rate it was quoted at, unless it came too late for the merchant's terms:
then it counts at the new quote, so that waiting for a better market is worth nothing.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.chain.payable import payable
from gateway.errors import Conflict, NotFound
from gateway.invoices import rules
from gateway.invoices.facts import Facts, InvoiceShape, load
from gateway.invoices.offer import quoted, wanted
from gateway.invoices.settle import recompute
from gateway.invoices.store import locked
from gateway.webhooks import service as webhooks

REQUOTE_DAYS_MAX = 7
"""After so long a merchant need not expect an order to come back to life."""

QUOTE_LASTS_MIN = timedelta(minutes=5)
"""However short the first one was: whoever asks for another needs time to pay."""

log = get_logger()


def possible(facts: Facts, now: datetime) -> bool:
    """True if a payer may have a new quote now: time is over, and the rest is still to be paid."""
    row = facts.invoice
    young = now < row.created_at + timedelta(days=REQUOTE_DAYS_MAX)
    return row.status == "expired" and facts.due.units > 0 and young


def requote(session: Session, invoice_id: str) -> Facts:
    """Quote an expired invoice anew, for as long as it was open at first.

    Raises NotFound, Conflict unless it is possible, DependencyAway when an asset has no rate,
    UnknownAsset when one is not served any more.
    """
    invoice = locked(session, invoice_id)
    if invoice is None:
        raise NotFound("no such invoice")
    facts = load(session, [invoice])[0]
    now = datetime.now(UTC)
    if not possible(facts, now):
        raise Conflict("this invoice takes no new quote", code="wrong_state")
    keep_rates(facts)
    pairs = [(row.asset, row.chain) for row in facts.options]
    offered = wanted(session, payable(session), invoice.currency, pairs)
    for row, by in zip(facts.options, offered, strict=True):
        found = quoted(session, facts.price, by)
        row.amount, row.places = Decimal(found.whole.units), found.places
        row.rate = found.rate.rate
        row.rate_source, row.rate_at = found.rate.source, found.rate.at
        row.rate_quote_id = found.rate.quote_id
    lasted = invoice.expires_at - (invoice.requoted_at or invoice.created_at)
    invoice.requoted_at, invoice.expires_at = now, now + max(lasted, QUOTE_LASTS_MIN)
    facts = recompute(session, invoice)
    data = InvoiceShape.of(facts).model_dump(mode="json")
    log.info("invoice.requoted", invoice_id=invoice.id)
    webhooks.emit(
        session,
        type="invoice.requoted",
        account_id=invoice.account_id,
        object_id=invoice.id,
        data=data,
    )
    return facts


def keep_rates(facts: Facts) -> None:
    """Let what settles until now count at the rate it was quoted at, whatever is quoted next."""
    terms = facts.terms
    for row, payment in zip(facts.payments, facts.received, strict=True):
        match = rules.option_of(terms.options, payment)
        if match and row.counted_rate is None and rules.settles(terms, payment):
            quote = facts.options[terms.options.index(match)]
            row.counted_rate = quote.rate
            row.counted_source, row.counted_at = quote.rate_source, quote.rate_at
