"""What one button does."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import NotFound
from gateway.invoices.routes import accept_payment, void_invoice
from gateway.invoices.shapes import AcceptBody
from gateway.invoices.store import InvoicePayment
from gateway.links.routes import change_link, get_link
from gateway.links.shapes import LinkChange
from gateway.payouts.routes import get_payout
from gateway.refunds.routes import cancel_refund, renew_page
from gateway.refunds.shapes import PageBody
from gateway.shop.questions import Sent
from gateway.shop.visit import Visit
from gateway.webhooks.routes import (
    EndpointChange,
    change,
    get_endpoint,
    redeliver,
    rotate,
    send_test,
)
from gateway.withdrawals.routes import cancel


@dataclass(frozen=True, slots=True)
class Action:
    """A change that needs no words."""

    scope: str
    act: Callable[[Visit, str], Sent]


def switch(visit: Visit, link_id: str) -> Sent:
    """Switch a payment link on or off."""
    link = get_link(link_id, visit.session, visit.principal)
    change_link(link_id, LinkChange(active=not link.active), visit.session, visit.principal)
    return Sent("/shop/links")


def void(visit: Visit, invoice_id: str) -> Sent:
    """Take an invoice back."""
    void_invoice(invoice_id, visit.session, visit.principal)
    return Sent(f"/shop/invoices/{invoice_id}")


def accept(visit: Visit, invoice_id: str) -> Sent:
    """Let what came too late settle the invoice."""
    accept_payment(invoice_id, AcceptBody(), visit.session, visit.principal)
    return Sent(f"/shop/invoices/{invoice_id}")


def accept_payment_now(visit: Visit, deposit_id: str) -> Sent:
    """Let one payment settle its invoice at the rate of this moment."""
    row = visit.session.get(InvoicePayment, deposit_id)
    if row is None:
        raise NotFound("no such payment")
    body = AcceptBody(payment=deposit_id, rate="current")
    accept_payment(row.invoice_id, body, visit.session, visit.principal)
    return Sent(f"/shop/invoices/{row.invoice_id}")


def take_back(visit: Visit, refund_id: str) -> Sent:
    """Take back a refund whose payer has not answered."""
    row = cancel_refund(refund_id, visit.session, visit.principal)
    return Sent(f"/shop/invoices/{row.invoice}")


def ask_again(visit: Visit, refund_id: str) -> Sent:
    """Make a new page for a payer who has not answered."""
    row = renew_page(refund_id, PageBody(), visit.session, visit.principal)
    return Sent(f"/shop/invoices/{row.invoice}", row.page_url or "", "refund_page")


def send_again(visit: Visit, delivery_id: str) -> Sent:
    """Send a webhook again, now."""
    found = redeliver(delivery_id, visit.session, visit.principal)
    return Sent(f"/shop/webhooks/{found.endpoint}")


def try_endpoint(visit: Visit, endpoint_id: str) -> Sent:
    """Send a test event to an endpoint."""
    send_test(endpoint_id, visit.session, visit.principal)
    return Sent(f"/shop/webhooks/{endpoint_id}")


def toggle(visit: Visit, endpoint_id: str) -> Sent:
    """Stop sending to an endpoint, or begin again."""
    found = get_endpoint(endpoint_id, visit.session, visit.principal)
    body = EndpointChange(active=not found.active)
    change(endpoint_id, body, visit.session, visit.principal)
    return Sent(f"/shop/webhooks/{endpoint_id}")


def new_secret(visit: Visit, endpoint_id: str) -> Sent:
    """Replace an endpoint's secret; the old one signs too for a while."""
    found = rotate(endpoint_id, visit.session, visit.principal)
    return Sent(f"/shop/webhooks/{endpoint_id}", found.secret or "")


def call_off(visit: Visit, payout_id: str) -> Sent:
    """Call off a payout that is not signed yet."""
    carrier = get_payout(payout_id, visit.session, visit.principal).withdrawal
    cancel(carrier or "", visit.session, visit.principal)
    return Sent("/shop/payouts")


ACTIONS = {
    "switch": Action("invoices:write", switch),
    "void": Action("invoices:write", void),
    "accept": Action("invoices:write", accept),
    "accept_payment": Action("invoices:write", accept_payment_now),
    "take_back": Action("withdrawals:write", take_back),
    "ask_again": Action("withdrawals:write", ask_again),
    "redeliver": Action("webhooks:write", send_again),
    "try": Action("webhooks:write", try_endpoint),
    "toggle": Action("webhooks:write", toggle),
    "new_secret": Action("webhooks:write", new_secret),
    "call_off": Action("withdrawals:write", call_off),
}
