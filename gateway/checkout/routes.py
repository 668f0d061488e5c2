"""The payer's pages over HTTP. They need no key: who has the link may see the page and pay."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ValidationError

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain.store import chain_asset
from gateway.checkout import pages, stream, trial
from gateway.checkout.view import View, view
from gateway.checkout.words import Words, choose
from gateway.errors import (
    BadRequest,
    Conflict,
    DependencyAway,
    GatewayError,
    InvalidAmount,
    NotFound,
)
from gateway.invoices import links
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts, InvoiceShape
from gateway.invoices.store import PaymentLink, asked
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303
AMOUNT_LENGTH_MAX = 100
FIELDS_MAX = 20

routes = router("", "checkout")
live = APIRouter()

Lang = Annotated[Text | None, Query(max_length=20)]
Choice = Annotated[Text | None, Query(max_length=120)]


def spoken(request: Request, lang: Lang = None) -> Words:
    """Return the words of the payer's language."""
    return choose(lang, request.headers.get("accept-language", ""))


Speech = Annotated[Words, Depends(spoken)]


class PayBody(BaseModel):
    """What a program sends to pay by a link."""

    amount: str | None = None


@routes.get("/checkout/{name}", include_in_schema=False)
def static(name: Text) -> Response:
    """Serve the page's own style and script."""
    found = pages.static_file(name)
    if found is None:
        raise NotFound("no such file")
    return found


@routes.get("/pay/{invoice}", include_in_schema=False)
def pay_page(
    request: Request,
    invoice: Text,
    session: Tx,
    chosen: Speech,
    lang: Lang = None,
    option: Choice = None,
) -> HTMLResponse:
    """Show the payer's page of an invoice."""
    facts = invoices.find(session, invoice)
    if facts is None:
        return pages.notice(request, chosen, "gone", status=404)
    return pages.pay_page(request, view(session, facts), chosen, option=option, lang=lang)


@routes.get("/pay/{invoice}/status")
def pay_status(invoice: Text, session: Tx) -> View:
    """Tell what the payer's page shows, for programs."""
    return view(session, invoices.get(session, invoice))


def known(invoice: Text) -> str:
    """Return the id of an invoice that is there; raises NotFound before a stream begins."""
    with db.transaction() as session:
        return invoices.get(session, invoice).invoice.id


@live.get("/pay/{invoice}/events", response_class=EventSourceResponse, include_in_schema=False)
async def pay_events(
    invoice: Annotated[str, Depends(known)],
    chosen: Speech,
    lang: Lang = None,
    option: Choice = None,
) -> AsyncIterator[ServerSentEvent]:
    """Stream the page's panel as it changes (server-sent events, WHATWG HTML 9.2)."""
    async for panel in stream.panels(invoice, chosen, option, lang):
        yield panel


@routes.post("/pay/{invoice}/test", include_in_schema=False)
def pay_test(
    request: Request,
    invoice: Text,
    session: Tx,
    chosen: Speech,
    lang: Lang = None,
    option: Choice = None,
) -> Response:
    """Pay what remains from a development account; there is no such page in production."""
    back = f"/pay/{invoice}{pages.query(option=option, lang=lang)}"
    try:
        send_test_payment(session, invoices.get(session, invoice), option)
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)
    except GatewayError as error:
        return pages.notice(request, chosen, "try_later", status=error.status, again=back)
    return RedirectResponse(back, SEE_OTHER, headers=pages.HEADERS)


def send_test_payment(session: Tx, facts: Facts, option: str | None) -> None:
    """Pay what remains by the chosen option; nothing when nothing is asked. Raises as trial.pay."""
    shown = view(session, facts)
    if not shown.test_payment:
        raise NotFound("no such page")
    if not shown.payable:
        return
    picked = shown.option(option)
    if picked.paused:
        raise DependencyAway(f"payments on {picked.network} are paused", code="payments_paused")
    row = facts.options[shown.payment_options.index(picked)]
    on_chain = chain_asset(session, row.chain, row.asset)
    trial.pay(on_chain, to=row.address, amount=facts.remaining(row))


def link_page(
    request: Request,
    session: Tx,
    chosen: Words,
    link: PaymentLink,
    *,
    status: int = 200,
    typed: str = "",
    wrong: bool = False,
) -> HTMLResponse:
    """Render the page of a payment link."""
    merchant = accounts.get(session, link.account_id).handle
    return pages.html(
        request,
        "link.html",
        chosen,
        status=status,
        title=chosen.plain("link_title", merchant=f"@{merchant}"),
        link=link,
        merchant=merchant,
        amount=asked(session, link),
        usable=links.usable(session, link),
        action=f"/l/{link.id}{pages.query(lang=request.query_params.get('lang'))}",
        typed=typed,
        wrong=wrong,
    )


@routes.get("/l/{link}", include_in_schema=False)
def open_link(request: Request, link: Text, session: Tx, chosen: Speech) -> HTMLResponse:
    """Show a payment link. This creates nothing."""
    try:
        return link_page(request, session, chosen, links.get(session, link))
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)


def amount_of(request: Request, body: bytes) -> str | None:
    """Return the amount of a payer's form or JSON, None if it names none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json" and body:
        return json_amount(body)
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=FIELDS_MAX)
    return fields.get("amount", [""])[0].strip()[:AMOUNT_LENGTH_MAX] or None


def json_amount(body: bytes) -> str | None:
    """Return the amount of a JSON object; raises BadRequest for what is none."""
    try:
        return PayBody.model_validate_json(body).amount
    except ValidationError as error:
        raise BadRequest("the body is no object with an amount as a string") from error


async def sent(request: Request) -> bytes:
    """Return the request's body; its route has read and bounded it."""
    return await request.body()


@routes.post("/l/{link}", include_in_schema=False)
def pay_link(
    request: Request,
    link: Text,
    session: Tx,
    chosen: Speech,
    body: Annotated[bytes, Depends(sent)],
    lang: Lang = None,
) -> Response:
    """Make the payer's invoice: a form is sent on to its page, a program gets the invoice."""
    program = "application/json" in request.headers.get("accept", "")
    amount = None
    try:
        amount = amount_of(request, body)
        facts = links.pay(session, link_id=link, amount=amount)
    except GatewayError as error:
        if program:
            raise
        return refused(request, session, chosen, link, error, amount or "")
    if program:
        return JSONResponse(payer_shape(facts), 201)
    page = f"/pay/{facts.invoice.id}{pages.query(lang=lang)}"
    return RedirectResponse(page, SEE_OTHER, headers=pages.HEADERS)


def payer_shape(facts: Facts) -> dict[str, object]:
    """Show the invoice to its payer: the merchant's own notes are not theirs to read."""
    return InvoiceShape.of(facts).model_dump(mode="json", exclude={"metadata", "order_id"})


def refused(
    request: Request, session: Tx, chosen: Words, link_id: str, error: GatewayError, typed: str
) -> HTMLResponse:
    """Say in the payer's words why there is no invoice."""
    if isinstance(error, NotFound):
        return pages.notice(request, chosen, "gone", status=404)
    if isinstance(error, BadRequest | InvalidAmount | Conflict):
        return link_page(
            request,
            session,
            chosen,
            links.get(session, link_id),
            status=error.status,
            typed=typed,
            wrong=not isinstance(error, Conflict),
        )
    again = f"/l/{link_id}{pages.query(lang=request.query_params.get('lang'))}"
    return pages.notice(request, chosen, "try_later", status=error.status, again=again)


routes.include_router(live)
