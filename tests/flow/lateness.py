"""Invoices whose time is over, and markets that moved since they were quoted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.accounts.store import Account
from gateway.errors import DependencyAway
from gateway.invoices import service
from gateway.invoices.facts import Facts, InvoiceShape
from gateway.prices import service as prices
from gateway.prices.port import Rate
from tests import asking

KEY = "key_till"
LATE = timedelta(minutes=1)


def market(monkeypatch: pytest.MonkeyPatch, **rates: str | None) -> None:
    """Let the market say other prices than the quotes were made of; None: nobody knows."""
    told = prices.rate

    def rate(session: Session, asset: str, currency: str = "USD") -> Rate:
        if asset not in rates or currency != "USD":
            return told(session, asset, currency)
        found = rates[asset]
        if found is None:
            raise DependencyAway(f"no rate for {asset}", code="rate_unavailable")
        return Rate(asset, currency, Decimal(found), "market", datetime.now(UTC))

    monkeypatch.setattr(prices, "rate", rate)


def expire(session: Session, facts: Facts, ago: timedelta = LATE) -> None:
    """Let the invoice's time have been over for so long, and let the worker see it."""
    session.execute(
        text("update invoice set expires_at = now() - cast(:ago as interval) where id = :id"),
        {"id": facts.invoice.id, "ago": ago},
    )
    session.expire_all()
    service.expire_due(session)


def shape(session: Session, facts: Facts) -> InvoiceShape:
    """Return the invoice as the API shows it now."""
    return InvoiceShape.of(service.get(session, facts.invoice.id))


def late_payment(
    session: Session, shop: Account, own: dict[str, Any], asset: str = "USDC"
) -> Facts:
    """Open an invoice of 12.50 and pay all of it a minute after its end."""
    facts = overdue(session, shop, own)
    asking.pay(session, facts, {"USDC": "12.5", "ETH": "0.00625"}[asset], asset=asset)
    return facts


def overdue(session: Session, shop: Account, own: dict[str, Any] | None = None) -> Facts:
    """Open an invoice of 12.50 whose end was a minute ago."""
    facts = asking.asked(session, shop, terms=own)
    expire(session, facts)
    return facts
