"""What else a payer may ask for: a new quote, a receipt, the keys that sign where to pay."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from gateway.checkout import again, keyring, pages, receipt
from gateway.checkout.instructions import PublishedKeys, published
from gateway.checkout.speech import Lang, Speech
from gateway.checkout.view import view
from gateway.checkout.visit import Visited, query
from gateway.errors import Conflict, DependencyAway, NotFound, Refused
from gateway.invoices import service as invoices
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303

routes = router("", "checkout")


@routes.get("/.well-known/mizan-keys.json")
def page_keys() -> PublishedKeys:
    """Show the keys that sign payment instructions. Note them once, and verify pages by them."""
    return published(keyring.keyring())


@routes.post("/pay/{invoice}/quote", include_in_schema=False)
def new_quote(
    request: Request, invoice: Text, session: Tx, chosen: Speech, visit: Visited
) -> Response:
    """Quote an expired invoice anew; pressed twice, the second press only shows the page."""
    back = visit.page(invoice)
    try:
        again.quote_again(session, invoice)
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)
    except (Conflict, Refused) as error:  # its link is closed, or a way to pay it is gone
        return pages.notice(request, chosen, "no_quote", status=error.status)
    except DependencyAway as error:
        return pages.notice(request, chosen, "try_later", status=error.status, again=back)
    return RedirectResponse(back, SEE_OTHER, headers=pages.HEADERS)


@routes.get("/pay/{invoice}/receipt", include_in_schema=False)
def receipt_page(
    request: Request, invoice: Text, session: Tx, chosen: Speech, lang: Lang = None
) -> Response:
    """Show what arrived, to print; there is nothing to show before something has."""
    facts = invoices.find(session, invoice)
    if facts is None:
        return pages.notice(request, chosen, "gone", status=404)
    if not facts.payments:
        back = f"/pay/{invoice}{query(lang=lang)}"
        return RedirectResponse(back, SEE_OTHER, headers=pages.HEADERS)
    return receipt.page(request, view(session, facts), chosen, lang=lang)
