"""Invoices and the terms they are opened with, over HTTP."""

from typing import Annotated, Literal

from fastapi import Depends, Query, Response
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.checkout.choice import signed
from gateway.checkout.instructions import SignedInvoice
from gateway.deposits import service as deposits
from gateway.deposits.store import Deposit
from gateway.errors import NotFound
from gateway.inbox import decide
from gateway.inbox import service as inbox
from gateway.invoices import service, terms
from gateway.invoices.facts import Facts, InvoiceShape, load
from gateway.invoices.shapes import AcceptBody, InvoiceBody, MerchantTermsBody, TermsShape, pairs
from gateway.invoices.store import Invoice, InvoiceOption
from gateway.web.auth import Principal, owner_listed, owner_named, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

routes = router("/v1", "invoices")

Reader = Annotated[Principal, Depends(require("invoices:read"))]
Writer = Annotated[Principal, Depends(require("invoices:write"))]
Filter = Annotated[Text | None, Query(max_length=80)]


def merchant(session: Tx, principal: Principal, name: str | None) -> str:
    """Return the account to be paid, named by id or @handle; raises as Principal.own."""
    if name is None:
        return principal.own(None)
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
            terms=body.terms.model_dump(exclude_unset=True) if body.terms else None,
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
    late_action: Literal["review", "refund"] | None = None,
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
        late_action=late_action,
    )
    return Page(data=[InvoiceShape.of(facts) for facts in load(session, rows)], has_more=more)


@routes.get("/invoices/{invoice}")
def get_invoice(invoice: Text, session: Tx, principal: Reader) -> SignedInvoice:
    """Show an invoice, its payments with the confirmations they have now, signed where to pay."""
    facts = visible(session, principal, invoice)
    known = [session.get(Deposit, payment.deposit_id) for payment in facts.payments]
    shown = deposits.shapes(session, [deposit for deposit in known if deposit])
    shape = SignedInvoice(**InvoiceShape.of(facts).__dict__, instructions=signed(session, facts))
    if len(shown) == len(known):
        shape.payments = facts.told([deposit.model_dump(mode="json") for deposit in shown])
    return shape


@routes.post("/invoices/{invoice}/void")
def void_invoice(invoice: Text, session: Tx, principal: Writer) -> InvoiceShape:
    """Take an invoice back. Money that comes to its address all the same is still credited."""
    visible(session, principal, invoice)
    return InvoiceShape.of(service.void(session, invoice))


@routes.post("/invoices/{invoice}/accept")
def accept_payment(invoice: Text, body: AcceptBody, session: Tx, principal: Writer) -> InvoiceShape:
    """Let money settle the invoice that came too late for its terms, or in the wrong asset."""
    visible(session, principal, invoice)

    def settle(session: Session, invoice_id: str, payment: str | None) -> None:
        service.accept(session, invoice_id, payment=payment, rate=body.rate, by=principal.key_id)

    item = inbox.wrong_asset_of(session, body.payment) if body.payment else None
    if item is not None and item.invoice_id == invoice:
        decide.accept(session, item.id, by=principal.key_id, reason=None, settle_invoice=settle)
    else:
        settle(session, invoice, body.payment)
    return InvoiceShape.of(service.get(session, invoice))


@routes.get("/accounts/{account}/checkout_terms", tags=["accounts"])
def get_terms(account: Text, session: Tx, principal: Reader) -> TermsShape:
    """Show what a merchant does without and how late it takes money."""
    return shown_terms(session, owner(session, principal, account))


@routes.put("/accounts/{account}/checkout_terms", tags=["accounts"])
def put_terms(account: Text, body: MerchantTermsBody, session: Tx, principal: Writer) -> TermsShape:
    """Set a merchant's terms, all of them, for the invoices opened from now on."""
    owner_id = owner(session, principal, account)
    fields = body.model_dump(exclude={"support_url"})
    terms.change(session, owner_id, fields, by=principal.key_id, support_url=body.support_url)
    return shown_terms(session, owner_id)


def owner(session: Tx, principal: Principal, name: str) -> str:
    """Return the account if it exists for this key; raises NotFound."""
    found = accounts.get(session, name).id
    if not principal.sees(found):
        raise NotFound("no such account")
    return found


def shown_terms(session: Tx, account_id: str) -> TermsShape:
    """Show the terms of a merchant as they are now."""
    support_url = terms.support_url(session, account_id)
    return TermsShape.of(account_id, *terms.of_merchant(session, account_id), support_url)
