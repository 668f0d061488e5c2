"""What the market said of money that came late, or in an asset nobody asked for."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.errors import DependencyAway
from gateway.invoices import rules
from gateway.invoices.facts import Facts
from gateway.invoices.store import Invoice, InvoicePayment
from gateway.money import USD
from gateway.prices import service as prices
from gateway.prices.port import Rate

ASKED_FOR = timedelta(hours=1)
"""How long a rate that nobody knew is asked for again; what is found later says little of then."""

log = get_logger()


def read(session: Session, facts: Facts) -> None:
    """Note the market's rate with each payment that came late, as soon as there is one.

    Once known it stays: what a payment was worth when we heard of it does not change. Without one
    the payment waits for a person, and the next trigger or `known_again` asks again.
    """
    terms = facts.terms
    if terms.late.percent is None:
        return
    for row, payment in zip(facts.payments, facts.received, strict=True):
        known = row.rate is not None or payment.status not in rules.SEEN
        if known or not rules.came_late(terms, payment):
            continue
        try:
            row.rate = rate(session, row.asset, facts.currency.code).rate
        except DependencyAway as away:
            row.rate_missed_at = row.rate_missed_at or datetime.now(UTC)
            log.warning("invoice.rate_unknown", invoice_id=facts.invoice.id, reason=away.detail)
    session.flush()


def known_again(session: Session) -> list[str]:
    """Return the invoices with late money that nobody could price when it came, and somebody can.

    A new quote may have made it timely meanwhile: then it needs none.
    """
    made_at = func.least(InvoicePayment.seen_at, InvoicePayment.heard_at)
    query = (
        select(InvoicePayment.invoice_id, InvoicePayment.asset, Invoice.currency)
        .join(Invoice, Invoice.id == InvoicePayment.invoice_id)
        .where(
            InvoicePayment.rate.is_(None),
            InvoicePayment.rate_missed_at > datetime.now(UTC) - ASKED_FOR,
            InvoicePayment.status.in_(rules.SEEN),
            InvoicePayment.refund_id.is_(None),
            made_at > Invoice.expires_at,
        )
    )
    waiting = session.execute(query).all()
    priced = {pair for pair in {(row[1], row[2]) for row in waiting} if is_known(session, *pair)}
    return [row[0] for row in waiting if (row[1], row[2]) in priced]


def is_known(session: Session, asset: str, currency: str) -> bool:
    """True if somebody can price an asset in a currency now."""
    try:
        rate(session, asset, currency)
    except DependencyAway:
        return False
    return True


def rate(session: Session, asset: str, currency: str) -> Rate:
    """Return what a unit of an asset costs in an invoice's currency, by way of USD if need be.

    Raises DependencyAway.
    """
    if currency in (USD.code, asset):
        return prices.rate(session, asset, currency)
    ours, theirs = prices.rate(session, asset), prices.rate(session, currency)
    return Rate(
        asset=asset,
        currency=currency,
        rate=ours.rate / theirs.rate,
        source=f"{ours.source}/{theirs.source}",
        at=min(ours.at, theirs.at),
    )
