"""Refunds over HTTP."""

from typing import Annotated

from fastapi import Depends, Query

from gateway.chain.address import parse_address
from gateway.errors import NotFound, Refused
from gateway.invoices.routes import visible
from gateway.refunds import payer, payment, service
from gateway.refunds.rules import Status
from gateway.refunds.service import Wish
from gateway.refunds.shapes import PageBody, RefundBody, RefundShape
from gateway.refunds.store import Refund
from gateway.web.auth import Principal, owner_listed, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

routes = router("/v1", "refunds")

Reader = Annotated[Principal, Depends(require("invoices:read"))]
Writer = Annotated[Principal, Depends(require("withdrawals:write"))]
Payer = Annotated[Principal, Depends(require("withdrawals:write", idempotency_key=True))]
Filter = Annotated[Text | None, Query(max_length=80)]


@routes.post("/invoices/{invoice}/refunds", status_code=201)
def refund_invoice(invoice: Text, body: RefundBody, session: Tx, principal: Payer) -> RefundShape:
    """Send money back; never more than was paid, earlier refunds counted.

    With `"to": "payer"` it waits until its payer names the address on the page `page_url`, which
    only this answer tells. Refused with `nothing_to_refund`, `refund_exceeds_payment`,
    `nothing_overpaid`, `amount_does_not_fit` (its kind), `asset_not_paid`, `no_quote` (refund at
    the current rate), `insufficient_funds`, `rate_unavailable`; a `payment` with `not_final`,
    `payment_settles`, `wrong_state` (somebody decided about it).
    """
    visible(session, principal, invoice)
    if body.payment is not None:
        return payment_back(session, principal, invoice, body, body.payment)
    if (body.to is None) == (body.to_address is None):
        raise Refused(
            'name the address, or let the payer do it with "to": "payer": a sender may be an'
            " exchange",
            code="to_address_required",
            field="to_address",
        )
    wish = Wish(
        invoice_id=invoice,
        requested_by=principal.key_id,
        amount=body.amount,
        kind=body.kind,
        rate=body.rate,
        asset=body.asset,
        chain=body.chain,
    )
    if body.to_address is not None:
        to_address = parse_address(body.to_address)
        return RefundShape.of(session, service.refund(session, wish, to_address=to_address))
    row, token = payer.ask_payer(session, wish, expires_in=body.expires_in)
    return RefundShape.of(session, row, token)


def payment_back(
    session: Tx, principal: Principal, invoice: str, body: RefundBody, deposit: str
) -> RefundShape:
    """Send one payment back whole; raises Refused for a body that says more than where to."""
    if body.to_address is None:
        raise Refused("name the address", code="to_address_required", field="to_address")
    if body.model_fields_set - {"payment", "to_address"}:
        raise Refused(
            "a payment goes back whole, as it came: name it and the address alone",
            code="amount_does_not_fit",
            field="payment",
        )
    row = payment.send_back(
        session,
        invoice,
        deposit,
        to_address=parse_address(body.to_address),
        by=principal.key_id,
    )
    return RefundShape.of(session, row)


@routes.get("/invoices/{invoice}/refunds")
def list_refunds(
    invoice: Text, session: Tx, principal: Reader, where: ListCursor
) -> Page[RefundShape]:
    """List the refunds of an invoice, newest first."""
    visible(session, principal, invoice)
    rows, more = page(session, Refund, where, invoice_id=invoice)
    return Page(data=[RefundShape.of(session, row) for row in rows], has_more=more)


@routes.get("/refunds")
def list_all_refunds(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    account: Filter = None,
    status: Status | None = None,
    asset: Filter = None,
    chain: Filter = None,
) -> Page[RefundShape]:
    """List the refunds of every invoice, newest first."""
    rows, more = page(
        session,
        Refund,
        where,
        account_id=owner_listed(session, principal, account),
        status=status,
        asset=asset,
        chain=chain,
    )
    return Page(data=[RefundShape.of(session, row) for row in rows], has_more=more)


@routes.get("/refunds/{refund}")
def get_refund(refund: Text, session: Tx, principal: Reader) -> RefundShape:
    """Show a refund."""
    return RefundShape.of(session, own(session, principal, refund))


@routes.post("/refunds/{refund}/cancel")
def cancel_refund(refund: Text, session: Tx, principal: Writer) -> RefundShape:
    """Take back a refund whose payer has not answered; one on its way ends with its withdrawal."""
    own(session, principal, refund)
    return RefundShape.of(session, service.cancel(session, refund, by=principal.key_id))


@routes.post("/refunds/{refund}/page", status_code=201)
def renew_page(refund: Text, body: PageBody, session: Tx, principal: Writer) -> RefundShape:
    """Make a new page for a payer who has not answered, with a new `page_url`; the old one ends."""
    own(session, principal, refund)
    row, token = payer.renew_page(session, refund, expires_in=body.expires_in, by=principal.key_id)
    return RefundShape.of(session, row, token)


def own(session: Tx, principal: Principal, refund_id: str) -> Refund:
    """Return the refund if it exists for this key; raises NotFound."""
    row = service.get(session, refund_id)
    if not principal.sees(row.account_id):
        raise NotFound("no such refund")
    return row
