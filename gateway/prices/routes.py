"""What assets are worth now, and what a quote was made of, over HTTP."""

from typing import Annotated

from fastapi import Depends

from gateway.errors import NotFound
from gateway.prices import shown
from gateway.prices.shapes import QuoteShape, RateList, RateShape
from gateway.prices.store import RateQuote
from gateway.web.auth import Principal, authenticate
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

routes = router("/v1", "prices")
AnyKey = Annotated[Principal, Depends(authenticate)]


@routes.get("/rates")
def list_rates(session: Tx, _: AnyKey) -> RateList:
    """List what every asset costs in US dollars now, who says so, and how the sources do."""
    return RateList(data=shown.every(session))


@routes.get("/rates/{asset}")
def get_rate(asset: Text, session: Tx, _: AnyKey) -> RateShape:
    """Return what one unit of an asset costs now; `status` says why nobody knows."""
    for rate in shown.every(session):
        if rate.asset == asset:
            return rate
    raise NotFound("no such asset")


@routes.get("/rate_quotes/{quote}")
def get_quote(quote: Text, session: Tx, _: AnyKey) -> QuoteShape:
    """Return the quote an invoice was priced by, with what each source had said.

    A quote that priced no invoice is forgotten after a day.
    """
    found = session.get(RateQuote, quote)
    if found is None:
        raise NotFound("no such quote")
    return QuoteShape.of(found)
