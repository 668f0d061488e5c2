"""The payer's pages over HTTP. They need no key: who has the link may see the page and pay."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from gateway import db
from gateway.chain.store import chain_asset
from gateway.checkout import pages, programs, stream, trial
from gateway.checkout.link_routes import routes as links
from gateway.checkout.payer_routes import routes as payers
from gateway.checkout.pos_routes import routes as tills
from gateway.checkout.refund_routes import routes as refunds
from gateway.checkout.signed import routes as signed
from gateway.checkout.speech import Speech
from gateway.checkout.view import View, view
from gateway.checkout.visit import Visit, Visited
from gateway.checkout.words import Words
from gateway.errors import DependencyAway, GatewayError, NotFound
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303

routes = router("", "checkout")
live = APIRouter()


@routes.get("/checkout/{name}", include_in_schema=False)
def static(name: Text) -> Response:
    """Serve the page's own style and script."""
    found = pages.static_file(name)
    if found is None:
        raise NotFound("no such file")
    return found


@live.get("/pay/{invoice}", include_in_schema=False)
async def pay_page(request: Request, invoice: Text, chosen: Speech, visit: Visited) -> Response:
    """Show the payer's page of an invoice; a program is asked to pay by 402 instead.

    No transaction is open while a program's payment is waited for.
    """
    if programs.asks(request):
        return await programs.answer(request, invoice)
    return await run_in_threadpool(page_of, request, invoice, chosen, visit)


def page_of(request: Request, invoice: str, chosen: Words, visit: Visit) -> HTMLResponse:
    """Return the page of an invoice, or that there is none."""
    with db.snapshot() as session:
        facts = invoices.find(session, invoice)
        if facts is None:
            return pages.notice(request, chosen, "gone", status=404)
        shown = view(session, facts)
    return pages.pay_page(request, shown, chosen, replace(visit, till=None))


@routes.get("/pay/{invoice}/status")
def pay_status(invoice: Text, session: Tx) -> View:
    """Tell what the payer's page shows, for programs."""
    return view(session, invoices.get(session, invoice))


def known(invoice: Text) -> str:
    """Return the id of an invoice that is there; raises NotFound before a stream begins."""
    with db.snapshot() as session:
        return invoices.get(session, invoice).invoice.id


@live.get("/pay/{invoice}/events", response_class=EventSourceResponse, include_in_schema=False)
async def pay_events(
    invoice: Annotated[str, Depends(known)],
    chosen: Speech,
    visit: Visited,
) -> AsyncIterator[ServerSentEvent]:
    """Stream the page's panel as it changes (server-sent events, WHATWG HTML 9.2)."""
    async for panel in stream.panels(invoice, chosen, visit):
        yield panel


@routes.post("/pay/{invoice}/test", include_in_schema=False)
def pay_test(
    request: Request,
    invoice: Text,
    session: Tx,
    chosen: Speech,
    visit: Visited,
) -> Response:
    """Pay what remains from a development account; there is no such page in production."""
    back = visit.page(invoice)
    try:
        send_test_payment(session, invoices.get(session, invoice), visit.option)
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)
    except GatewayError as error:
        return pages.notice(request, chosen, "try_later", status=error.status, again=back)
    return RedirectResponse(back, SEE_OTHER, headers=pages.HEADERS)


def send_test_payment(session: Tx, facts: Facts, option: str | None) -> None:
    """Pay what remains by the chosen option, once however often it is pressed; raises as trial.pay.

    Nothing is paid when nothing is asked.
    """
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
    trial.pay_once(session, facts, row, on_chain)


routes.include_router(live)
routes.include_router(links)
routes.include_router(payers)
routes.include_router(refunds)
routes.include_router(signed)
routes.include_router(tills)
