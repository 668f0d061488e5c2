"""Payment links, over HTTP."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Response
from fastapi.responses import HTMLResponse

from gateway.accounts import service as accounts
from gateway.checkout import pages
from gateway.checkout.words import words
from gateway.errors import NotFound
from gateway.invoices.store import currency
from gateway.links import rules, service, share
from gateway.links.shapes import LinkBody, LinkChange, LinkShape, url_of
from gateway.links.store import PaymentLink, offer_of
from gateway.web.auth import Principal, owner_listed, owner_named, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

routes = router("/v1", "payment links")

Reader = Annotated[Principal, Depends(require("invoices:read"))]
Writer = Annotated[Principal, Depends(require("invoices:write"))]
Filter = Annotated[Text | None, Query(max_length=80)]
SCALE = Query(ge=1, le=share.SCALE_MAX, description="pixels a module")
PICTURE = {"schema": {"type": "string", "format": "binary"}}


@routes.post("/payment_links", status_code=201)
def create_link(body: LinkBody, session: Tx, principal: Writer) -> LinkShape:
    """Make a payment link. Opening it creates nothing, the payer's POST creates an invoice."""
    owner = accounts.get(session, owner_named(session, principal, body.account)).id
    offer = body.offer(currency(session, body.currency))
    return shown(session, service.create(session, account_id=owner, offer=offer))


@routes.get("/payment_links")
def list_links(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    account: Filter = None,
    active: bool | None = None,
) -> Page[LinkShape]:
    """List payment links, newest first; `active` is the merchant's switch, not the status."""
    only = [PaymentLink.active == active] if active is not None else []
    rows, more = page(
        session, PaymentLink, where, *only, account_id=owner_listed(session, principal, account)
    )
    return Page(data=all_shown(session, rows), has_more=more)


@routes.get("/payment_links/{link}")
def get_link(link: Text, session: Tx, principal: Reader) -> LinkShape:
    """Show a payment link."""
    return shown(session, visible(session, principal, link))


@routes.patch("/payment_links/{link}")
def change_link(link: Text, body: LinkChange, session: Tx, principal: Writer) -> LinkShape:
    """Change a payment link, or switch it off or on; invoices it made stay as they are."""
    found = visible(session, principal, link, lock=True)
    offer = offer_of(session, found)
    service.change(session, found, replace(offer, **body.changes(offer.currency)))
    return shown(session, found)


@routes.get(
    "/payment_links/{link}/button",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
def link_button(
    link: Text,
    session: Tx,
    principal: Reader,
    kind: Literal["link", "form"] = "link",
    lang: Literal["en", "ar"] = "en",
) -> HTMLResponse:
    """Return HTML for the merchant's own page: a link, or a form that makes the invoice at once.

    It brings no script and no style; a form asks for the amount where the link leaves it open.
    """
    found = visible(session, principal, link)
    offer, chosen = offer_of(session, found), words(lang)
    merchant = f"@{accounts.get(session, found.account_id).handle}"
    priced = f"{offer.amount} {found.currency}" if offer.amount else None
    text = (
        chosen.plain("button_priced", amount=priced, merchant=merchant)
        if priced and not offer.max_quantity
        else chosen.plain("button_open", merchant=merchant)
    )
    spoken = {"text": text, "language": chosen.language, "direction": chosen.direction}
    url = f"{url_of(found.id)}?lang={lang}"
    if kind == "link":
        return snippet(share.anchor(url=url, **spoken))
    label = None if offer.amount else chosen.plain("your_amount", currency=found.currency)
    typed = next(iter(offer.suggested), None)
    return snippet(share.form(url=url, label=label, typed=typed, **spoken))


@routes.get(
    "/payment_links/{link}/qr",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(share.PICTURES.values(), PICTURE)}},
)
def link_qr(
    link: Text,
    session: Tx,
    principal: Reader,
    format: Literal["svg", "png"] = "svg",
    scale: Annotated[int, SCALE] = 8,
    pos: bool = False,
) -> Response:
    """Return a QR code of the link's address for paper; `pos` is that of the till."""
    found = visible(session, principal, link)
    url = url_of(found.id, "pos" if pos else "l")
    body = share.picture(url, format, scale)
    name = f'inline; filename="{found.id}.{format}"'
    headers = {**pages.HEADERS, "Content-Disposition": name}
    return Response(body, media_type=share.PICTURES[format], headers=headers)


def snippet(html: str) -> HTMLResponse:
    """Return HTML that is read and copied, and shows nothing foreign where it is opened."""
    return HTMLResponse(html, headers=pages.HEADERS)


def visible(session: Tx, principal: Principal, link_id: str, *, lock: bool = False) -> PaymentLink:
    """Return the link if it exists for this key; raises NotFound."""
    link = service.get(session, link_id, lock=lock)
    if not principal.sees(link.account_id):
        raise NotFound("no such payment link")
    return link


def shown(session: Tx, link: PaymentLink) -> LinkShape:
    """Show a link with what came of it."""
    return all_shown(session, [link])[0]


def all_shown(session: Tx, links: list[PaymentLink]) -> list[LinkShape]:
    """Show links with what came of each, counted at once."""
    found = service.tallies(session, [link.id for link in links])
    now = datetime.now(UTC)
    tallies = [found.get(link.id, rules.Tally()) for link in links]
    return [
        LinkShape.of(session, link, tally, rules.status(offer_of(session, link), tally.uses, now))
        for link, tally in zip(links, tallies, strict=True)
    ]
