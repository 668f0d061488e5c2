"""Payment links: a page anybody may open; only the payer's wish to pay makes an invoice."""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.chain.payable import payable
from gateway.errors import Conflict, NotFound
from gateway.ids import new_id
from gateway.invoices import offer as offers
from gateway.invoices.facts import Facts
from gateway.invoices.rules import EXPIRES_SECONDS_DEFAULT
from gateway.invoices.service import Order, open_invoice
from gateway.invoices.store import Invoice
from gateway.invoices.terms import Fields
from gateway.links import rules
from gateway.links.rules import Offer, Status, Tally
from gateway.links.store import PaymentLink, offer_of, write
from gateway.money import Money

# An invoice that expired or was voided gives its use back: nobody can use a link up by not paying.
USING = ("open", "processing", "paid")
# So what comes after the end may find its use taken by another payer: the merchant decides.
COUNTED_TERMS: Fields = {"late_hours": 0}
CLOSED = {
    "inactive": ("link_inactive", "this payment link takes no payments now"),
    "expired": ("link_expired", "this payment link has expired"),
    "used_up": ("link_used_up", "this payment link has been used as often as it may be"),
}


def create(session: Session, *, account_id: str, offer: Offer) -> PaymentLink:
    """Make a link. Raises UnknownAsset, UnknownChain or Refused when nothing could pay it."""
    link = PaymentLink(id=new_id("link"), account_id=account_id)
    settle(session, link, offer)
    session.add(link)
    session.flush()
    session.refresh(link)
    return link


def change(session: Session, link: PaymentLink, offer: Offer) -> None:
    """Offer something else by a locked link, from now on: its invoices stay as they are.

    Raises as `create`.
    """
    assert offer.currency.code == link.currency, "a link keeps its currency"
    settle(session, link, offer)
    session.flush()


def settle(session: Session, link: PaymentLink, offer: Offer) -> None:
    """Write an offer that makes sense and that something here can pay."""
    rules.check(offer)
    offers.wanted(session, payable(session), offer.currency.code, offer.assets)
    write(link, offer)


def get(session: Session, link_id: str, *, lock: bool = False) -> PaymentLink:
    """Return a link, locked against other changes and payers if asked; raises NotFound."""
    query = select(PaymentLink).where(PaymentLink.id == link_id)
    if lock:  # invoices that only refer to it are not kept waiting
        query = query.with_for_update(key_share=True)
    link = session.scalar(query.execution_options(populate_existing=lock))
    if link is None:
        raise NotFound("no such payment link")
    return link


def tallies(session: Session, ids: list[str]) -> dict[str, Tally]:
    """Return what came of each link; one without invoices is left out."""
    query = (
        select(
            Invoice.link_id,
            func.count().filter(Invoice.status.in_(USING)),
            func.count().filter(Invoice.status == "paid"),
            func.sum(Invoice.amount_credited),
        )
        .where(Invoice.link_id.in_(ids))
        .group_by(Invoice.link_id)
    )
    rows = session.execute(query)
    return {str(link): Tally(uses, paid, int(units)) for link, uses, paid, units in rows}


def status(session: Session, link: PaymentLink) -> Status:
    """Return whether the link would make an invoice now, and if not, why."""
    return rules.status(offer_of(session, link), used(session, link), datetime.now(UTC))


def used(session: Session, link: PaymentLink) -> int:
    """Return how many invoices use a link that counts them, else 0."""
    if link.max_uses is None:
        return 0
    query = select(func.count()).where(Invoice.link_id == link.id, Invoice.status.in_(USING))
    return session.scalar(query) or 0


def pay(
    session: Session, *, link_id: str, amount: str | None = None, quantity: int | None = None
) -> Facts:
    """Make the payer's invoice; `amount` counts only where the link leaves it open.

    Raises NotFound, Conflict (closed), BadRequest (no amount), Refused (out of the bounds, too many
    pieces), and as open_invoice.
    """
    link = get(session, link_id)
    refuse_closed(session, link)
    if link.max_uses is not None:
        # Two payers must not both take the last use; a link that is full keeps nobody waiting.
        link = get(session, link_id, lock=True)
        refuse_closed(session, link)
    offer = offer_of(session, link)
    wish = Money.parse(amount, offer.currency) if amount and offer.amount is None else None
    order = Order(
        price=rules.price(offer, wish, quantity),
        assets=offer.assets,
        expires_in=offer.invoice_seconds or EXPIRES_SECONDS_DEFAULT,
        title=rules.titled(offer.title, quantity),
        success_url=offer.success_url,
        link_id=link.id,
        quantity=quantity or 1 if offer.max_quantity else None,
        metadata=offer.metadata,
        terms=None if offer.max_uses is None else COUNTED_TERMS,
    )
    facts, _ = open_invoice(session, account_id=link.account_id, order=order)
    return facts


def refuse_closed(session: Session, link: PaymentLink) -> None:
    """Raise Conflict, naming why, unless the link takes payments now."""
    found = status(session, link)
    if found != "active":
        code, detail = CLOSED[found]
        raise Conflict(detail, code=code)
