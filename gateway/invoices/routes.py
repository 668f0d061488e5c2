"""Invoices, their refunds, and payment links, over HTTP."""

from typing import Annotated, Literal

from fastapi import Depends, Query, Response
from sqlalchemy import ColumnElement, select

from gateway.accounts import service as accounts
from gateway.chain.address import parse_address
from gateway.deposits import service as deposits
from gateway.deposits.store import Deposit
from gateway.errors import NotFound, Refused
from gateway.invoices import links, service
from gateway.invoices.facts import Facts, InvoiceShape, load
from gateway.invoices.refund import RefundShape, refund
from gateway.invoices.shapes import (
    InvoiceBody,
    LinkBody,
    LinkChange,
    LinkShape,
    RefundBody,
    pairs,
)
from gateway.invoices.store import Invoice, InvoiceOption, PaymentLink, Refund
from gateway.web.auth import Principal, owner_listed, owner_named, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

routes = router("/v1", "invoices")

Reader = Annotated[Principal, Depends(require("invoices:read"))]
Writer = Annotated[Principal, Depends(require("invoices:write"))]
Refunder = Annotated[Principal, Depends(require("withdrawals:write", idempotency_key=True))]
Filter = Annotated[Text | None, Query(max_length=80)]


def merchant(session: Tx, principal: Principal, name: str | None) -> str:
    """Return the account to be paid, named by id or @handle; raises as Principal.own."""
    return accounts.get(session, owner_named(session, principal, name)).id


def visible(session: Tx, principal: Principal, invoice_id: str) -> Facts:
    """Return the invoice if it exists for this key; raises NotFound."""
    facts = service.get(session, invoice_id)
    if not principal.sees(facts.invoice.account_id):
        raise NotFound("no such invoice")
    return facts


@routes.post(
    "/invoices",
    status_code=201,
    responses={200: {"model": InvoiceShape, "description": "the invoice this order had before"}},
)
def open_invoice(
    body: InvoiceBody, session: Tx, principal: Writer, response: Response
) -> InvoiceShape:
    """Open an invoice. The same order_id with the same body answers 200 with the same invoice."""
    facts, new = service.open_invoice(
        session,
        account_id=merchant(session, principal, body.account),
        order=service.Order(
            price=service.price(session, body.amount, body.currency),
            order_id=body.order_id,
            assets=pairs(body.assets),
            expires_in=body.expires_in,
            title=body.title,
            success_url=body.success_url,
            metadata=body.metadata,
        ),
    )
    response.status_code = 201 if new else 200
    return InvoiceShape.of(facts)


@routes.get("/invoices")
def list_invoices(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    account: Filter = None,
    status: Literal["open", "processing", "paid", "expired", "void"] | None = None,
    order_id: Filter = None,
    payment_link: Filter = None,
    asset: Filter = None,
    chain: Filter = None,
) -> Page[InvoiceShape]:
    """List invoices, newest first; asset and chain find those that offer them."""
    offers: list[ColumnElement[bool]] = []
    for column, value in ((InvoiceOption.asset, asset), (InvoiceOption.chain, chain)):
        if value is not None:
            having = select(InvoiceOption.invoice_id).where(column == value)
            offers.append(Invoice.id.in_(having))
    rows, more = page(
        session,
        Invoice,
        where,
        *offers,
        account_id=owner_listed(session, principal, account),
        status=status,
        order_id=order_id,
        link_id=payment_link,
    )
    return Page(data=[InvoiceShape.of(facts) for facts in load(session, rows)], has_more=more)


@routes.get("/invoices/{invoice}")
def get_invoice(invoice: Text, session: Tx, principal: Reader) -> InvoiceShape:
    """Show an invoice, its payments with the confirmations they have now."""
    facts = visible(session, principal, invoice)
    known = [session.get(Deposit, payment.deposit_id) for payment in facts.payments]
    shown = deposits.shapes(session, [deposit for deposit in known if deposit])
    shape = InvoiceShape.of(facts)
    if len(shown) == len(known):
        shape.payments = [deposit.model_dump(mode="json") for deposit in shown]
    return shape


@routes.post("/invoices/{invoice}/void")
def void_invoice(invoice: Text, session: Tx, principal: Writer) -> InvoiceShape:
    """Take an invoice back. Money that comes to its address all the same is still credited."""
    visible(session, principal, invoice)
    return InvoiceShape.of(service.void(session, invoice))


@routes.post("/invoices/{invoice}/refunds", status_code=201)
def refund_invoice(
    invoice: Text, body: RefundBody, session: Tx, principal: Refunder
) -> RefundShape:
    """Send money back; never more than was paid, earlier refunds counted."""
    visible(session, principal, invoice)
    if body.to_address is None:
        raise Refused(
            "name the address: the sender of a payment may be an exchange",
            code="to_address_required",
            field="to_address",
        )
    row = refund(
        session,
        invoice_id=invoice,
        amount=body.amount,
        to_address=parse_address(body.to_address),
        requested_by=principal.key_id,
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


@routes.post("/payment_links", status_code=201, tags=["payment links"])
def create_link(body: LinkBody, session: Tx, principal: Writer) -> LinkShape:
    """Make a payment link. Opening it creates nothing, the payer's POST creates an invoice."""
    amount = service.price(session, body.amount, body.currency) if body.amount else None
    link = links.create(
        session,
        account_id=merchant(session, principal, body.account),
        title=body.title,
        amount=amount,
        currency_code=body.currency,
        assets=pairs(body.assets),
        success_url=body.success_url,
        max_uses=body.max_uses,
        metadata=body.metadata,
    )
    return LinkShape.of(session, link, 0)


@routes.get("/payment_links", tags=["payment links"])
def list_links(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    account: Filter = None,
    active: bool | None = None,
) -> Page[LinkShape]:
    """List payment links, newest first."""
    only = [PaymentLink.active == active] if active is not None else []
    rows, more = page(
        session, PaymentLink, where, *only, account_id=owner_listed(session, principal, account)
    )
    uses = links.uses(session, [row.id for row in rows])
    shapes = [LinkShape.of(session, row, uses.get(row.id, 0)) for row in rows]
    return Page(data=shapes, has_more=more)


@routes.get("/payment_links/{link}", tags=["payment links"])
def get_link(link: Text, session: Tx, principal: Reader) -> LinkShape:
    """Show a payment link."""
    return shown_link(session, visible_link(session, principal, link))


@routes.patch("/payment_links/{link}", tags=["payment links"])
def change_link(link: Text, body: LinkChange, session: Tx, principal: Writer) -> LinkShape:
    """Switch a payment link off or on; invoices it made stay as they are."""
    found = visible_link(session, principal, link)
    found.active = body.active
    session.flush()
    return shown_link(session, found)


def visible_link(session: Tx, principal: Principal, link_id: str) -> PaymentLink:
    """Return the link if it exists for this key; raises NotFound."""
    link = links.get(session, link_id)
    if not principal.sees(link.account_id):
        raise NotFound("no such payment link")
    return link


def shown_link(session: Tx, link: PaymentLink) -> LinkShape:
    """Show a link with its uses."""
    return LinkShape.of(session, link, links.uses(session, [link.id]).get(link.id, 0))
