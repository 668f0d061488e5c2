"""The pages of payment links over HTTP. They need no key: who has the link may see it and pay."""

from typing import Annotated, Self

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from gateway.checkout import pages
from gateway.checkout.link_pages import Front, Seen, seen
from gateway.checkout.speech import Lang, Speech, prefers_json
from gateway.checkout.visit import query
from gateway.checkout.wish import Sent, wish_of
from gateway.checkout.words import Words
from gateway.errors import NotFound
from gateway.invoices.facts import Facts, InvoiceShape
from gateway.links import service as links
from gateway.links.rules import Status
from gateway.links.shapes import shown, url_of
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text, Time

SEE_OTHER = 303

routes = router("", "checkout")


def told(chosen: Words, found: Seen) -> dict[str, str]:
    """Return what a preview of the link is told."""
    return {"described": described(chosen, found), "url": url_of(found.link.id)}


def described(chosen: Words, found: Seen) -> str:
    """Return what a preview of the link says of it."""
    offer = found.offer
    if found.status != "active":
        return chosen.plain("link_described_closed")
    named = {"title": offer.title, "merchant": f"@{found.merchant}"}
    if offer.amount is None or offer.max_quantity is not None:
        return chosen.plain("link_described", **named)
    priced = {"amount": offer.amount, "currency": offer.currency.code}
    return chosen.plain("link_described_priced", **named, **priced)


LINK = Front("l", "link.html", "link_title", told)


@routes.get("/l/{link}", include_in_schema=False)
@routes.head("/l/{link}", include_in_schema=False)
def open_link(request: Request, link: Text, session: Tx, chosen: Speech) -> Response:
    """Show a payment link, to a program what it offers. This creates nothing and spends no use:
    previews come here too.
    """
    if prefers_json(request):
        offered = Offered.of(seen(session, link)).model_dump(mode="json")
        return JSONResponse(offered, headers={**pages.HEADERS, "Vary": "Accept"})
    try:
        return LINK.show(request, chosen, seen(session, link))
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)


@routes.post("/l/{link}", include_in_schema=False)
def pay_link(
    request: Request,
    link: Text,
    session: Tx,
    chosen: Speech,
    body: Sent,
    lang: Lang = None,
) -> Response:
    """Make the payer's invoice: a form is sent on to its page, a program gets the invoice, or is
    sent on too where it prefers that (RFC 7240): there it is asked to pay by 402.
    """
    made: Facts | HTMLResponse
    if prefers_json(request):
        wish = wish_of(request, body)
        made = links.pay(session, link_id=link, amount=wish.amount, quantity=wish.quantity)
        if request.headers.get("prefer") != "return=minimal":
            return JSONResponse(payer_shape(made), 201)
    else:
        made = LINK.begin(request, session, chosen, link, body)
    if isinstance(made, HTMLResponse):
        return made
    page = f"/pay/{made.invoice.id}{query(lang=lang)}"
    return RedirectResponse(page, SEE_OTHER, headers=pages.HEADERS)


class Offered(BaseModel):
    """What a link offers. POST {"amount": "…"} or {"quantity": 1} to `url`, as the link asks, makes
    the invoice; with `Prefer: return=minimal` it leads to its page, which asks for payment by 402.
    """

    id: str
    url: str
    status: Status
    merchant: str
    title: str
    currency: str
    amount: Annotated[str | None, Field(description="of one piece; null: the payer chooses")]
    min_amount: str | None
    max_amount: str | None
    suggested_amounts: list[str]
    max_quantity: Annotated[int | None, Field(description="pieces at once; null: not asked")]
    expires_at: Time | None

    @classmethod
    def of(cls, found: Seen) -> Self:
        """Show a link to a program that may pay by it."""
        offer = found.offer
        return cls(
            id=found.link.id,
            url=url_of(found.link.id),
            status=found.status,
            merchant=found.merchant,
            title=offer.title,
            currency=offer.currency.code,
            amount=shown(offer.amount),
            min_amount=shown(offer.min_amount),
            max_amount=shown(offer.max_amount),
            suggested_amounts=[str(one) for one in offer.suggested],
            max_quantity=offer.max_quantity,
            expires_at=offer.expires_at,
        )


def payer_shape(facts: Facts) -> dict[str, object]:
    """Show the invoice to its payer: the merchant's own notes are not theirs to read."""
    return InvoiceShape.of(facts).model_dump(mode="json", exclude={"metadata", "order_id"})
