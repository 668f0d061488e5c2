"""What the market said of money that came late, or in an asset nobody asked for."""

from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.errors import DependencyAway
from gateway.invoices import rules
from gateway.invoices.facts import Facts
from gateway.money import USD
from gateway.prices import service as prices
from gateway.prices.port import Rate

log = get_logger()


def read(session: Session, facts: Facts) -> None:
    """Note the market's rate with each payment that came late, as soon as there is one.

    Once known it stays: what a payment was worth when we heard of it does not change. Without one
    the payment waits for a person, and the next trigger asks again.
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
            log.warning("invoice.rate_unknown", invoice_id=facts.invoice.id, reason=away.detail)
    session.flush()


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
