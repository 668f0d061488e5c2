"""What else a payer may ask for: a new quote, a receipt, the keys that sign where to pay."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from gateway.checkout import keyring, pages, receipt
from gateway.checkout.instructions import PublishedKeys, published
from gateway.checkout.speech import Lang, Speech
from gateway.checkout.view import view
from gateway.errors import Conflict, DependencyAway, NotFound
from gateway.invoices import requote
from gateway.invoices import service as invoices
from gateway.links import service as links
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303

routes = router("", "checkout")

Choice = Annotated[Text | None, Query(max_length=120)]


@routes.get("/.well-known/mizan-keys.json")
def page_keys() -> PublishedKeys:
    """Show the keys that sign payment instructions. Note them once, and verify pages by them."""
    return published(keyring.keyring())


@routes.post("/pay/{invoice}/quote", include_in_schema=False)
def new_quote(
    request: Request,
    invoice: Text,
    session: Tx,
    chosen: Speech,
    lang: Lang = None,
    option: Choice = None,
) -> Response:
    """Quote an expired invoice anew; pressed twice, the second press only shows the page."""
    back = f"/pay/{invoice}{pages.query(option=option, lang=lang)}"
    try:
        quote_again(session, invoice)
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)
    except Conflict:
        return pages.notice(request, chosen, "no_quote", status=409)
    except DependencyAway as error:
        return pages.notice(request, chosen, "try_later", status=error.status, again=back)
    return RedirectResponse(back, SEE_OTHER, headers=pages.HEADERS)


def quote_again(session: Session, invoice_id: str) -> None:
    """Quote it anew unless it is open or paid by now. Raises as requote().

    An expired invoice gave its use of a link back, so it takes one again, before another payer.
    """
    row = invoices.get(session, invoice_id).invoice
    if row.status in ("open", "processing", "paid"):
        return
    if row.link_id is not None:
        links.refuse_closed(session, links.get(session, row.link_id, lock=True))
    requote.requote(session, invoice_id)


@routes.get("/pay/{invoice}/receipt", include_in_schema=False)
def receipt_page(
    request: Request, invoice: Text, session: Tx, chosen: Speech, lang: Lang = None
) -> Response:
    """Show what arrived, to print; there is nothing to show before something has."""
    facts = invoices.find(session, invoice)
    if facts is None:
        return pages.notice(request, chosen, "gone", status=404)
    if not facts.payments:
        back = f"/pay/{invoice}{pages.query(lang=lang)}"
        return RedirectResponse(back, SEE_OTHER, headers=pages.HEADERS)
    return receipt.page(request, view(session, facts), chosen, lang=lang)
