"""A till over HTTP: a keypad on a payment link, then the sale as the customer sees it.

It needs no key, as the link itself does not. Each key works without a script as well: it sends
what is typed so far and gets the page with one key more, which creates nothing.
"""

from dataclasses import replace
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.checkout import keypad, pages
from gateway.checkout.link_pages import Front, seen
from gateway.checkout.speech import Lang, Speech
from gateway.checkout.view import view
from gateway.checkout.visit import Visited, query
from gateway.checkout.wish import Sent, Wish
from gateway.errors import NotFound
from gateway.invoices import service as invoices
from gateway.invoices.facts import url_of
from gateway.links import share
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303
PHONE_SCALE = 4

routes = router("", "checkout")

Typed = Annotated[Text, Query(max_length=keypad.LENGTH_MAX)]
Key = Annotated[Text, Query(max_length=10)]

TILL = Front("pos", "pos.html", "till_title", lambda _, __: {"keys": keypad.KEYS})


@routes.get("/pos/{link}", include_in_schema=False)
def open_till(
    request: Request,
    link: Text,
    session: Tx,
    chosen: Speech,
    amount: Typed = "",
    key: Key = "",
) -> HTMLResponse:
    """Show the till, with one key more pressed on what was typed. This creates nothing."""
    try:
        found = seen(session, link)
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)
    typed = amount.strip().translate(keypad.ARABIC)
    shown = keypad.press(typed, key, found.offer.currency.decimals) if key else typed
    return TILL.show(request, chosen, found, wish=Wish(amount=shown or None))


@routes.post("/pos/{link}", include_in_schema=False)
def begin_sale(
    request: Request,
    link: Text,
    session: Tx,
    chosen: Speech,
    body: Sent,
    lang: Lang = None,
) -> Response:
    """Make the customer's invoice and show it to them."""
    made = TILL.begin(request, session, chosen, link, body)
    if isinstance(made, HTMLResponse):
        return made
    sale = f"/pos/{link}/{made.invoice.id}{query(lang=lang)}"
    return RedirectResponse(sale, SEE_OTHER, headers=pages.HEADERS)


@routes.get("/pos/{link}/{invoice}", include_in_schema=False)
def sale(
    request: Request,
    link: Text,
    invoice: Text,
    session: Tx,
    chosen: Speech,
    visit: Visited,
) -> HTMLResponse:
    """Show a sale to the customer: the payer's page, a way to their phone, and the next sale."""
    facts = invoices.find(session, invoice)
    if facts is None or facts.invoice.link_id != link:
        return pages.notice(request, chosen, "gone", status=404)
    return pages.pay_page(
        request,
        view(session, facts),
        chosen,
        replace(visit, till=link),
        template="pos_sale.html",
        page_qr_url=f"/pos/{link}/{invoice}/phone.svg{query(lang=visit.lang)}",
        next_url=f"/pos/{link}{query(lang=visit.lang)}",
    )


@routes.get("/pos/{link}/{invoice}/phone.svg", include_in_schema=False)
def sale_on_a_phone(link: Text, invoice: Text, session: Tx, lang: Lang = None) -> Response:
    """Draw the address of a sale's own page, which a customer opens on a phone."""
    facts = invoices.get(session, invoice)
    if facts.invoice.link_id != link:
        raise NotFound("no such sale")
    drawn = share.picture(f"{url_of(invoice)}{query(lang=lang)}", "svg", PHONE_SCALE)
    return Response(drawn, media_type=share.PICTURES["svg"], headers=pages.HEADERS)
