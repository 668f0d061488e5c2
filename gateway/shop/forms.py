"""The forms of the console, each one a call of the API; here those by which money leaves."""

from typing import get_args

from gateway.book.routes import EntryBody, add, list_entries
from gateway.book.shapes import EntryShape
from gateway.chain import store as chains
from gateway.invoices.routes import get_invoice
from gateway.payouts.routes import PayoutBody, ScheduleBody, pay_out, put_schedule
from gateway.payouts.rules import Every
from gateway.refunds.routes import refund_invoice
from gateway.refunds.rules import Kind, RateKind
from gateway.refunds.shapes import RefundBody
from gateway.shop.questions import Choices, Field, Form, Sent, Typed, asset_codes, body, same
from gateway.shop.selling import SELLING
from gateway.shop.telling import TELLING
from gateway.shop.visit import Visit
from gateway.web.pages import LIMIT_MAX, Cursor

HOURS = tuple((str(hour), f"{hour:02}:00 UTC") for hour in range(24))
DAYS = tuple((str(day), str(day)) for day in range(1, 29))
FROM_THE_FIRST = Cursor(limit=LIMIT_MAX, starting_after=None, created_from=None, created_to=None)


def networks(visit: Visit) -> Choices:
    """Return the chains with their names."""
    return tuple((one.id, one.name) for one in chains.chains(visit.session))


def saved(visit: Visit) -> list[EntryShape]:
    """Return the addresses of the merchant's book that are not removed; raises Forbidden."""
    visit.need("withdrawals:read")
    found = list_entries(visit.merchant.account_id, visit.session, visit.principal, FROM_THE_FIRST)
    return [one for one in found.data if one.removed_at is None]


def book(visit: Visit) -> Choices:
    """Return the saved addresses with their names."""
    names = dict(networks(visit))
    return tuple(
        (one.id, f"{one.label} · {names.get(one.chain, one.chain)} · {short(one.address)}")
        for one in saved(visit)
    )


def short(address: str) -> str:
    """Name an address in a choice by its ends; the list of addresses shows it whole."""
    return f"{address[:8]}…{address[-6:]}"


def refund_fields(visit: Visit, invoice: str) -> tuple[Field, ...]:
    """Ask how much goes back, at which rate, and where to."""
    get_invoice(invoice, visit.session, visit.principal)
    return (
        Field("kind", "choice", choices=same(get_args(Kind)), worded=True),
        Field("amount", "amount", hint=True),
        Field("rate", "choice", hint=True, choices=same(get_args(RateKind)), worded=True),
        Field("to", "choice", hint=True, choices=same(("payer", "address")), worded=True),
        Field("to_address", "address", hint=True),
    )


def send_refund(visit: Visit, invoice: str, typed: Typed) -> Sent:
    """Send money of an invoice back, or make the page on which its payer says where to."""
    drop = "to_address" if typed.get("to") == "payer" else "to"
    given = {name: value for name, value in typed.items() if name != drop}
    made = refund_invoice(invoice, body(RefundBody, given), visit.session, visit.principal)
    return Sent(f"/shop/invoices/{invoice}", made.page_url or "", "refund_page")


def send_back_fields(visit: Visit, invoice: str) -> tuple[Field, ...]:
    """Ask which payment that does not settle goes back whole, and where to."""
    return (
        Field("payment", "choice", required=True, choices=unsettled(visit, invoice)),
        Field("to_address", "address", required=True, hint=True),
    )


def unsettled(visit: Visit, invoice: str) -> Choices:
    """Return the payments of an invoice that do not settle it; raises NotFound."""
    found = get_invoice(invoice, visit.session, visit.principal).payments
    return tuple(
        (one["id"], f"{one['amount']} {one['asset']}") for one in found if one["unsettled"]
    )


def send_send_back(visit: Visit, invoice: str, typed: Typed) -> Sent:
    """Send a payment back whole."""
    refund_invoice(invoice, body(RefundBody, typed), visit.session, visit.principal)
    return Sent(f"/shop/invoices/{invoice}")


def payout_fields(visit: Visit, _: str) -> tuple[Field, ...]:
    """Ask what is paid out, and to which saved address."""
    return (
        Field("address_entry", "choice", required=True, hint=True, choices=book(visit)),
        Field("asset", "choice", required=True, choices=asset_codes(visit)),
        Field("amount", "amount", hint=True),
    )


def send_payout(visit: Visit, _: str, typed: Typed) -> Sent:
    """Pay out now."""
    pay_out(body(PayoutBody, typed), visit.session, visit.principal)
    return Sent("/shop/payouts")


def schedule_fields(visit: Visit, _: str) -> tuple[Field, ...]:
    """Ask when a balance goes by itself."""
    return (
        Field("address_entry", "choice", required=True, hint=True, choices=book(visit)),
        Field("asset", "choice", required=True, choices=asset_codes(visit)),
        Field("every", "choice", required=True, choices=same(get_args(Every)), worded=True),
        Field("day", "choice", hint=True, choices=DAYS),
        Field("hour", "choice", choices=HOURS),
        Field("minimum", "amount", hint=True),
        Field("keep_reserve", "amount", hint=True),
        Field("active", "switch", value="on"),
    )


def send_schedule(visit: Visit, _: str, typed: Typed) -> Sent:
    """Set a payout schedule; a day without days counts as left out."""
    if typed.get("every") == "day":
        typed = {**typed, "day": ""}
    made = body(ScheduleBody, {**typed, "active": ""}, numbers=("day", "hour"))
    made = made.model_copy(update={"active": bool(typed.get("active"))})
    put_schedule(made, visit.session, visit.principal)
    return Sent("/shop/payouts")


def address_fields(visit: Visit, _: str) -> tuple[Field, ...]:
    """Ask for an address that money may be paid out to."""
    return (
        Field("label", required=True),
        Field("chain", "choice", required=True, choices=networks(visit)),
        Field("address", "address", required=True, hint=True),
    )


def send_address(visit: Visit, _: str, typed: Typed) -> Sent:
    """Put an address into the merchant's book."""
    add(visit.merchant.account_id, body(EntryBody, typed), visit.session, visit.principal)
    return Sent("/shop/payouts")


FORMS = {
    one.name: one
    for one in (
        *SELLING,
        Form("refund", "withdrawals:write", "/shop/invoices/{of}", refund_fields, send_refund),
        Form(
            "send_back",
            "withdrawals:write",
            "/shop/invoices/{of}",
            send_back_fields,
            send_send_back,
        ),
        Form("payout", "withdrawals:write", "/shop/payouts", payout_fields, send_payout),
        Form("schedule", "withdrawals:write", "/shop/payouts", schedule_fields, send_schedule),
        Form("address", "withdrawals:write", "/shop/payouts", address_fields, send_address),
        *TELLING,
    )
}
