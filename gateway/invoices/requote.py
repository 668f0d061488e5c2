"""A new quote for an invoice whose time is over: the same addresses, today's rates.

What was paid keeps the rate it was quoted at, unless it came too late for the merchant's terms:
then it counts at the new quote, so that waiting for a better market is worth nothing.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.chain.payable import payable
from gateway.errors import Conflict, NotFound, Refused
from gateway.invoices import rules
from gateway.invoices.facts import Facts, InvoiceShape, load
from gateway.invoices.offer import quotes
from gateway.invoices.settle import recompute
from gateway.invoices.store import locked, options_of
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

    Raises NotFound, Conflict unless it is possible, and as `quote_anew`.
    """
    invoice = locked(session, invoice_id)
    if invoice is None:
        raise NotFound("no such invoice")
    facts = load(session, [invoice])[0]
    now = datetime.now(UTC)
    if not possible(facts, now):
        raise Conflict("this invoice takes no new quote", code="wrong_state")
    keep_rates(facts)
    quote_anew(session, facts, now)
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


def quote_anew(session: Session, facts: Facts, now: datetime) -> None:
    """Write today's rates into the ways to pay; what has none, or is not served, is left out.

    What was left out before comes back by the same address. Raises DependencyAway when nothing has
    a rate, Refused when nothing is served any more.
    """
    pairs = served(session, facts)
    priced = quotes(session, payable(session), facts.price, pairs)
    found = {(one.by.asset.code, one.by.chain): one for one in priced}
    for row in options_of(session, [facts.invoice.id], dropped=True):
        quote = found.get((row.asset, row.chain))
        if quote is None:
            row.dropped_at = row.dropped_at or now
            continue
        row.dropped_at = None
        row.amount, row.places = Decimal(quote.whole.units), quote.places
        row.minimum = Decimal(quote.minimum.units)
        row.rate = quote.rate.rate
        row.rate_source, row.rate_at = quote.rate.source, quote.rate.at
        row.rate_quote_id = quote.rate.quote_id


def served(session: Session, facts: Facts) -> list[tuple[str, str]]:
    """Return what was offered, as (asset, chain), and is served now; raises Refused for nothing."""
    now = {(one.asset.code, one.chain) for one in payable(session)}
    rows = options_of(session, [facts.invoice.id], dropped=True)
    found = [(row.asset, row.chain) for row in rows if (row.asset, row.chain) in now]
    if not found:
        raise Refused("nothing that could pay this is served any more", code="unknown_asset")
    return found


def keep_rates(facts: Facts) -> None:
    """Let what settles until now count at the rate it was quoted at, whatever is quoted next."""
    terms = facts.terms
    for row, payment in zip(facts.payments, facts.received, strict=True):
        match = rules.option_of(terms.options, payment)
        if match and row.counted_rate is None and rules.settles(terms, payment):
            quote = facts.options[terms.options.index(match)]
            row.counted_rate = quote.rate
            row.counted_source, row.counted_at = quote.rate_source, quote.rate_at
