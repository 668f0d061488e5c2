"""The payer's page of a refund over HTTP. It needs no key: who has the link says where it goes.

Opening it changes nothing. An address is shown in full before it is confirmed, and only the
confirmation sends anything.
"""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.chain.address import ADDRESS, parse_address
from gateway.checkout import pages
from gateway.checkout.refund_view import refund_view
from gateway.checkout.speech import Lang, Speech
from gateway.checkout.visit import query
from gateway.checkout.words import Words
from gateway.errors import Conflict, GatewayError, InvalidAddress, NotFound
from gateway.refunds import payer
from gateway.refunds.store import Refund
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303
GONE = 410
ADDRESS_LENGTH_MAX = 100
FIELDS_MAX = 10
ADDRESS_END = 6
CONFIRMED = "yes"

routes = router("", "checkout")


async def fields(request: Request) -> dict[str, str]:
    """Return the form a payer sent; what cannot be read is empty."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        found = parse_qs(body, max_num_fields=FIELDS_MAX)
    except ValueError:  # more fields than the form has: nobody's form
        found = {}
    return {name: values[0].strip()[:ADDRESS_LENGTH_MAX] for name, values in found.items()}


Form = Annotated[dict[str, str], Depends(fields)]


def refund_page(
    request: Request,
    session: Tx,
    chosen: Words,
    row: Refund,
    *,
    status: int = 200,
    review: bytes | None = None,
    typed: str = "",
    wrong: str | None = None,
    later: bool = False,
) -> HTMLResponse:
    """Render the page; `wrong` names what is the matter with the address that was typed."""
    view = refund_view(session, row, review)
    place = view.place or view.sender or ""
    return pages.html(
        request,
        "refund.html",
        chosen,
        status=GONE if view.screen == "expired" else status,
        title=chosen.plain("refund_title", merchant=f"@{view.merchant}"),
        view=view,
        ends=(place[:ADDRESS_END], place[-ADDRESS_END:]),
        here=query(lang=request.query_params.get("lang")),
        refresh_seconds=pages.REFRESH_SECONDS,
        typed=typed,
        wrong=wrong,
        later=later,
    )


@routes.get("/refund/{token}", include_in_schema=False)
def open_refund(request: Request, token: Text, session: Tx, chosen: Speech) -> HTMLResponse:
    """Show the page of a refund. This changes nothing."""
    try:
        return refund_page(request, session, chosen, payer.by_token(session, token))
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)


@routes.post("/refund/{token}", include_in_schema=False)
def answer_refund(
    request: Request, token: Text, session: Tx, chosen: Speech, form: Form, lang: Lang = None
) -> Response:
    """Show the address a payer typed in full; once they confirmed it, send the money there."""
    typed = form.get("address", "")
    back = RedirectResponse(f"/refund/{token}{query(lang=lang)}", SEE_OTHER, headers=pages.HEADERS)
    try:
        row = payer.by_token(session, token)
        address = payer.read_address(session, typed)
        if form.get("confirmed") != CONFIRMED:
            return refund_page(request, session, chosen, row, review=address)
        payer.answer(session, token, address)
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)
    except Conflict:
        return back
    except GatewayError as error:
        session.rollback()
        return refused(request, session, chosen, token, error, typed)
    return back


def refused(
    request: Request, session: Tx, chosen: Words, token: str, error: GatewayError, typed: str
) -> HTMLResponse:
    """Say what is wrong with the address; any other reason is the merchant's to know."""
    wrong = wrong_with(typed) if isinstance(error, InvalidAddress) else None
    return refund_page(
        request,
        session,
        chosen,
        payer.by_token(session, token),
        status=error.status,
        typed=typed,
        wrong=wrong,
        later=wrong is None,
    )


def wrong_with(typed: str) -> str:
    """Return which of the page's words says what is wrong with an address."""
    if not ADDRESS.fullmatch(typed):
        return "refund_wrong_form"
    try:
        parse_address(typed)
    except InvalidAddress:
        return "refund_wrong_checksum"
    return "refund_wrong_place"
