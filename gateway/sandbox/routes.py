"""The sandbox over HTTP: 404 in production."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from fastapi import Depends
from pydantic import BaseModel, Field

from gateway.errors import NotFound
from gateway.invoices import service as invoices
from gateway.sandbox import deeds
from gateway.web.auth import Principal, require
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Body, Text, Time, example
from gateway.webhooks import endpoints

SECONDS_MAX = 366 * 86_400
STUCK_SECONDS_MAX = 7 * 86_400

routes = router("/v1/sandbox", "sandbox")

Writer = Annotated[Principal, Depends(require("invoices:write"))]
EndpointWriter = Annotated[Principal, Depends(require("webhooks:write"))]
Choice = Annotated[Text | None, Field(max_length=80)]


class DeedBody(Body):
    """What shall happen. `seconds` is for `advance`, and with `late` the time after the end."""

    model_config = example(what="underpay")

    what: deeds.Deed
    asset: Choice = None
    chain: Choice = None
    seconds: Annotated[int, Field(ge=0, le=SECONDS_MAX)] = 0


class DeedShape(BaseModel):
    """What was done, and what to expect of it."""

    invoice: str
    what: deeds.Deed
    tx_hash: str | None
    expect: str

    @classmethod
    def of(cls, invoice: str, what: deeds.Deed, done: deeds.Done) -> Self:
        """Show a deed."""
        return cls(invoice=invoice, what=what, tx_hash=done.tx_hash, expect=done.expect)


@routes.post("/invoices/{invoice}/simulate", status_code=202)
def simulate(invoice: Text, body: DeedBody, session: Tx, principal: Writer) -> DeedShape:
    """Let a payer, the clock or the chain do something to an invoice. In development only.

    `pay`, `underpay`, `overpay`, `late` and `wrong_asset` send real coins of the development node;
    `confirm` mines, `reorg` takes the newest payment's block back; `expire` and `advance` move the
    invoice's clock.
    """
    if not principal.sees(invoices.get(session, invoice).invoice.account_id):
        raise NotFound("no such invoice")
    done = deeds.simulate(
        session,
        invoice,
        body.what,
        asset=body.asset,
        chain_id=body.chain,
        seconds=body.seconds,
    )
    return DeedShape.of(invoice, body.what, done)


class StickBody(Body):
    """For how long no call arrives; 0 lets them through again."""

    model_config = example(seconds=30)

    seconds: Annotated[int, Field(ge=0, le=STUCK_SECONDS_MAX)]


class StuckShape(BaseModel):
    """Until when an endpoint is held up."""

    endpoint: str
    stuck_until: Time


@routes.post("/webhook_endpoints/{endpoint}/stick")
def stick(endpoint: Text, body: StickBody, session: Tx, principal: EndpointWriter) -> StuckShape:
    """Have every call to an endpoint run out of time for a while. In development only.

    What was held up is retried by the schedule of all webhooks, in order; nothing is lost.
    """
    deeds.only_in_development()
    found = endpoints.find(session, endpoint, for_update=True)
    if not principal.sees(found.account_id):
        raise NotFound("no such webhook endpoint")
    found.stuck_until = until = datetime.now(UTC) + timedelta(seconds=body.seconds)
    return StuckShape(endpoint=found.id, stuck_until=until)
