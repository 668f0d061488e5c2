"""The payer's page in development: mine what confirms a payment, let its time run out."""

from typing import Annotated, Literal

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from gateway.checkout import pages
from gateway.checkout.speech import Speech
from gateway.checkout.visit import Visited
from gateway.errors import GatewayError, NotFound
from gateway.sandbox import deeds
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303

routes = router("", "sandbox")


@routes.post("/pay/{invoice}/sandbox", include_in_schema=False)
def do(
    request: Request,
    invoice: Text,
    what: Annotated[Literal["confirm", "expire"], Form()],
    session: Tx,
    chosen: Speech,
    visit: Visited,
) -> Response:
    """Do to an invoice what its page asks for; there is no such page in production."""
    back = visit.page(invoice)
    try:
        deeds.simulate(session, invoice, what, asset=None, chain_id=None, seconds=0)
    except NotFound:
        return pages.notice(request, chosen, "gone", status=404)
    except GatewayError as error:
        return pages.notice(request, chosen, "try_later", status=error.status, again=back)
    return RedirectResponse(back, SEE_OTHER, headers=pages.HEADERS)
