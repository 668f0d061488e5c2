"""Payment links: a page anybody may open; only the payer's wish to pay makes an invoice."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.errors import BadRequest, Conflict, NotFound
from gateway.ids import new_id
from gateway.invoices import offer
from gateway.invoices.facts import Facts
from gateway.invoices.service import Order, open_invoice
from gateway.invoices.store import Invoice, PaymentLink, asked, currency
from gateway.money import Money

# An invoice that expired or was voided gives its use back: nobody can use a link up by not paying.
USING = ("open", "processing", "paid")
Assets = tuple[tuple[str, str], ...]


def create(
    session: Session,
    *,
    account_id: str,
    title: str,
    amount: Money | None,
    currency_code: str,
    assets: Assets | None,
    success_url: str | None,
    max_uses: int | None,
    metadata: dict[str, str],
) -> PaymentLink:
    """Make a link. Raises UnknownAsset, UnknownChain or Refused when nothing could pay it."""
    offer.wanted(session, currency_code, assets)
    link = PaymentLink(
        id=new_id("link"),
        account_id=account_id,
        title=title,
        currency=currency_code,
        amount=amount.units if amount else None,
        assets=[{"asset": a, "chain": c} for a, c in assets] if assets else None,
        success_url=success_url,
        max_uses=max_uses,
        details=metadata,
    )
    session.add(link)
    session.flush()
    session.refresh(link)
    return link


def get(session: Session, link_id: str) -> PaymentLink:
    """Return a link; raises NotFound."""
    link = session.get(PaymentLink, link_id)
    if link is None:
        raise NotFound("no such payment link")
    return link


def uses(session: Session, ids: list[str]) -> dict[str, int]:
    """Return how many invoices use each link: open, being paid, or paid."""
    query = select(Invoice.link_id, func.count()).where(
        Invoice.link_id.in_(ids), Invoice.status.in_(USING)
    )
    return {str(link): count for link, count in session.execute(query.group_by(Invoice.link_id))}


def usable(session: Session, link: PaymentLink) -> bool:
    """True if the link would make an invoice now."""
    full = link.max_uses is not None and uses(session, [link.id]).get(link.id, 0) >= link.max_uses
    return link.active and not full


def pay(session: Session, *, link_id: str, amount: str | None) -> Facts:
    """Make the payer's invoice; `amount` counts only where the link leaves it open.

    Raises NotFound, Conflict (not active, used up), BadRequest (no amount), and as open_invoice.
    """
    link = session.scalar(
        select(PaymentLink)
        .where(PaymentLink.id == link_id)
        .with_for_update(key_share=True)  # two payers must not both take the last use
        .execution_options(populate_existing=True)
    )
    if link is None:
        raise NotFound("no such payment link")
    if not usable(session, link):
        raise Conflict("this payment link takes no payments now", code="link_inactive")
    price = asked(session, link)
    if price is None:
        if not amount:
            raise BadRequest("name the amount", code="amount_required")
        price = Money.parse(amount, currency(session, link.currency))
    order = Order(
        price=price,
        assets=tuple((a["asset"], a["chain"]) for a in link.assets) if link.assets else None,
        title=link.title,
        success_url=link.success_url,
        link_id=link.id,
        metadata=link.details,
    )
    facts, _ = open_invoice(session, account_id=link.account_id, order=order)
    return facts
