"""The table of payment links, and the offer a row stands for."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ARRAY, ForeignKey, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.invoices.store import currency
from gateway.links.rules import Offer
from gateway.money import Asset, Money


class PaymentLink(db.Base):
    """A page that makes an invoice for whoever opens it and wants to pay."""

    __tablename__ = "payment_link"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    title: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Decimal | None]
    min_amount: Mapped[Decimal | None]
    max_amount: Mapped[Decimal | None]
    suggested_amounts: Mapped[list[Decimal]] = mapped_column(ARRAY(Numeric(78, 0)))
    max_quantity: Mapped[int | None]
    assets: Mapped[list[dict[str, str]] | None] = mapped_column(JSONB(none_as_null=True))
    success_url: Mapped[str | None]
    max_uses: Mapped[int | None]
    expires_at: Mapped[datetime | None]
    invoice_seconds: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    inactive_message: Mapped[str | None]
    details: Mapped[dict[str, str]] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


def offer_of(session: Session, link: PaymentLink) -> Offer:
    """Return what the link offers."""
    asset = currency(session, link.currency)
    return Offer(
        title=link.title,
        currency=asset,
        amount=money(link.amount, asset),
        min_amount=money(link.min_amount, asset),
        max_amount=money(link.max_amount, asset),
        suggested=tuple(Money(int(units), asset) for units in link.suggested_amounts),
        max_quantity=link.max_quantity,
        assets=tuple((one["asset"], one["chain"]) for one in link.assets) if link.assets else None,
        success_url=link.success_url,
        max_uses=link.max_uses,
        expires_at=link.expires_at,
        invoice_seconds=link.invoice_seconds,
        active=link.active,
        inactive_message=link.inactive_message,
        metadata=link.details,
    )


def write(link: PaymentLink, offer: Offer) -> None:
    """Put an offer into the link's row."""
    link.title = offer.title
    link.currency = offer.currency.code
    link.amount = units(offer.amount)
    link.min_amount = units(offer.min_amount)
    link.max_amount = units(offer.max_amount)
    link.suggested_amounts = [Decimal(one.units) for one in offer.suggested]
    link.max_quantity = offer.max_quantity
    pairs = offer.assets
    link.assets = [{"asset": asset, "chain": chain} for asset, chain in pairs] if pairs else None
    link.success_url = offer.success_url
    link.max_uses = offer.max_uses
    link.expires_at = offer.expires_at
    link.invoice_seconds = offer.invoice_seconds
    link.active = offer.active
    link.inactive_message = offer.inactive_message
    link.details = offer.metadata


def money(amount: Decimal | None, asset: Asset) -> Money | None:
    """Return a column's amount."""
    return None if amount is None else Money(int(amount), asset)


def units(amount: Money | None) -> Decimal | None:
    """Return an amount as its column holds it."""
    return None if amount is None else Decimal(amount.units)
