"""The pages of payment links over HTTP. They need no key: who has the link may see it and pay."""

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from gateway.accounts import service as accounts
from gateway.checkout import pages
from gateway.checkout.speech import Lang, Speech
from gateway.checkout.wish import Sent, Wish, wish_of
from gateway.checkout.words import Words
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.invoices.facts import Facts, InvoiceShape
from gateway.links import service as links
from gateway.links.rules import Offer, Status
from gateway.links.shapes import url_of
from gateway.links.store import PaymentLink, offer_of
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303
# What a payer can mend on the page, and the words that say how.
MENDED = {
    "amount_required": "amount_wrong",
    "invalid_amount": "amount_wrong",
    "amount_too_small": "amount_bounds",
    "amount_too_large": "amount_bounds",
    "below_minimum": "amount_tiny",
    "quantity_refused": "quantity_wrong",
}

routes = router("", "checkout")


@dataclass(frozen=True, slots=True)
class Seen:
    """A link as its pages show it."""

    link: PaymentLink
    offer: Offer
    status: Status
    merchant: str

    @property
    def fixed(self) -> bool:
        """True if a payer has nothing to choose, so nothing to mend."""
        return self.offer.amount is not None and self.offer.max_quantity is None


def seen(session: Tx, link_id: str) -> Seen:
    """Return a link with what its pages show; raises NotFound."""
    link = links.get(session, link_id)
    merchant = accounts.get(session, link.account_id).handle
    return Seen(link, offer_of(session, link), links.status(session, link), merchant)


def link_page(
    request: Request,
    chosen: Words,
    found: Seen,
    *,
    status: int = 200,
    wish: Wish | None = None,
    wrong: str | None = None,
) -> HTMLResponse:
    """Render the page of a payment link; `wrong` is the word for what a payer can mend."""
    lang = request.query_params.get("lang")
    return pages.html(
        request,
        "link.html",
        chosen,
        status=status,
        title=chosen.plain("link_title", merchant=f"@{found.merchant}"),
        described=described(chosen, found),
        url=url_of(found.link.id),
        link=found.link,
        offer=found.offer,
        state=found.status,
        merchant=found.merchant,
        action=f"/l/{found.link.id}{pages.query(lang=lang)}",
        typed=wish.amount if wish else None,
        pieces=wish.pieces if wish else None,
        wrong=wrong,
    )


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


@routes.get("/l/{link}", include_in_schema=False)
@routes.head("/l/{link}", include_in_schema=False)
def open_link(request: Request, link: Text, session: Tx, chosen: Speech) -> HTMLResponse:
    """Show a payment link. This creates nothing and spends no use: previews come here too."""
    try:
        return link_page(request, chosen, seen(session, link))
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
    program = "application/json" in request.headers.get("accept", "")
    wish = Wish()
    try:
        wish = wish_of(request, body)
        facts = links.pay(session, link_id=link, amount=wish.amount, quantity=wish.quantity)
    except GatewayError as error:
        if program:
            raise
        return refused(request, session, chosen, link, error, wish)
    if program and request.headers.get("prefer") != "return=minimal":
        return JSONResponse(payer_shape(facts), 201)
    page = f"/pay/{facts.invoice.id}{pages.query(lang=lang)}"
    return RedirectResponse(page, SEE_OTHER, headers=pages.HEADERS)


def payer_shape(facts: Facts) -> dict[str, object]:
    """Show the invoice to its payer: the merchant's own notes are not theirs to read."""
    return InvoiceShape.of(facts).model_dump(mode="json", exclude={"metadata", "order_id"})


def refused(
    request: Request, session: Tx, chosen: Words, link_id: str, error: GatewayError, wish: Wish
) -> HTMLResponse:
    """Say in the payer's words why there is no invoice."""
    if isinstance(error, NotFound):
        return pages.notice(request, chosen, "gone", status=404)
    found = seen(session, link_id)
    if isinstance(error, Conflict):
        return link_page(request, chosen, found, status=error.status)
    if error.code in MENDED and not found.fixed:
        wrong = MENDED[error.code]
        return link_page(request, chosen, found, status=error.status, wish=wish, wrong=wrong)
    again = f"/l/{link_id}{pages.query(lang=request.query_params.get('lang'))}"
    return pages.notice(request, chosen, "try_later", status=error.status, again=again)
