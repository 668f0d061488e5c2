"""Put a page of the console together: its frame, a list, an object with its lists."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response
from markupsafe import Markup

from gateway.chain.store import Chain
from gateway.errors import Forbidden, GatewayError, NotFound, Refused
from gateway.inbox import service as inbox
from gateway.inbox.rules import DECIDABLE
from gateway.invoices.routes import get_invoice
from gateway.payouts.routes import list_schedules
from gateway.refunds.routes import list_refunds
from gateway.shop import forms, pages
from gateway.shop.listings import LISTINGS, TABS, Filters, Listing
from gateway.shop.questions import Form, Typed, filled
from gateway.shop.visit import Visit
from gateway.web.pages import Cursor
from gateway.webhooks.routes import get_delivery, get_endpoint, list_attempts

PAGE_ROWS = 25
REFRESH_SECONDS = 15
VALUE_LENGTH_MAX = 80
COUNT_DIGITS_MAX = 9
NOT_KEPT = ("after", "lang", "done", "count", "next", "include_delivered")


def guarded(visit: Visit, make: Callable[[], Response]) -> Response:
    """Return a page, or say in the reader's words why there is none."""
    try:
        return make()
    except (NotFound, Forbidden) as refusal:
        visit.session.rollback()
        kind = "forbidden" if isinstance(refusal, Forbidden) else "gone"
        return page(visit, "notice.html", f"{kind}_head", status=refusal.status, kind=kind)


def page(visit: Visit, template: str, title: str, *, status: int = 200, **values: Any) -> Response:
    """Render a page in the frame of a merchant who is signed in."""
    return pages.html(
        visit.request,
        template,
        visit.words,
        status=status,
        title=visit.words.plain("page_title", page=visit.words.plain(title)),
        heading=title,
        visit=visit,
        tabs=[name for name in TABS if visit.may(LISTINGS[name].scope)],
        networks={one.id: one.name for one in visit.session.query(Chain)},
        refresh_seconds=REFRESH_SECONDS,
        done=done(visit),
        **values,
    )


def done(visit: Visit) -> Markup | None:
    """Return what was done before the browser was sent here, as its address says."""
    asked = visit.request.query_params
    key, count = f"done_{asked.get('done', '')}", asked.get("count", "")
    counted = count.isascii() and count.isdigit() and len(count) <= COUNT_DIGITS_MAX
    return visit.words(key, count=count if counted else "") if key in visit.words.texts else None


def filters(listing: Listing, request: Request, **fixed: str) -> Filters:
    """Return what the address filters by; what is no choice does not filter."""
    asked = request.query_params
    chosen: Filters = {"order_id": None, "payment_link": None, "asset": None, "invoice": None}
    for name in listing.filters:
        chosen[name] = asked.get(name, "").replace("\x00", "").strip()[:VALUE_LENGTH_MAX] or None
    status = asked.get("status", "")
    chosen["status"] = status if status in listing.status else None
    return {**chosen, **fixed}


def where(listing: Listing, request: Request) -> Cursor:
    """Return which part of a list the address names; days are UTC, both count."""
    asked = request.query_params
    until = day(asked.get("to")) if listing.dated else None
    return Cursor(
        limit=PAGE_ROWS,
        starting_after=asked.get("after", "").replace("\x00", "")[:VALUE_LENGTH_MAX] or None,
        created_from=day(asked.get("from")) if listing.dated else None,
        created_to=until + timedelta(days=1) if until else None,
    )


def day(text: str | None) -> datetime | None:
    """Return the first moment of a day such as 2026-01-31, None for what is none."""
    try:
        found = datetime.strptime(text or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if found < datetime.max.replace(tzinfo=UTC) - timedelta(days=1) else None


def listed(visit: Visit, listing: Listing, **fixed: str) -> dict[str, Any]:
    """Return what the template of a list shows."""
    visit.need(listing.scope)
    chosen = filters(listing, visit.request, **fixed)
    try:
        found = listing.fetch(visit, where(listing, visit.request), chosen)
    except Refused as refusal:  # a cursor that is not of this list
        raise NotFound(refusal.detail) from refusal
    rows = [row.model_dump() for row in found.data]
    return {
        "listing": listing,
        "rows": rows,
        "chosen": chosen,
        "asked": visit.request.query_params,
        "more": found.has_more,
        "kept": urlencode(
            [pair for pair in visit.request.query_params.items() if pair[0] not in NOT_KEPT]
        ),
        "csv_path": f"{visit.request.url.path}/deliveries.csv"
        if fixed
        else f"/shop/{listing.name}.csv",
        "live": any(row.get("status") in listing.waits for row in rows),
        "version": version(rows),
    }


def version(facts: Any) -> str:
    """Return what tells two states of a page apart."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def listing_page(visit: Visit, name: str) -> Response:
    """Show a list."""
    if name not in TABS:
        raise NotFound("no such list")
    values = listed(visit, LISTINGS[name])
    if name == "payouts":
        values |= payout_facts(visit)
    template = "payouts.html" if name == "payouts" else "list.html"
    return page(visit, template, f"list_{name}", tab=name, **values)


def payout_facts(visit: Visit) -> dict[str, Any]:
    """Return the schedules and saved addresses that stand above the payouts."""
    found = list_schedules(visit.session, visit.principal, forms.FROM_THE_FIRST)
    return {
        "schedules": [row.model_dump() for row in found.data],
        "book": forms.saved(visit),
    }


def invoice_page(visit: Visit, invoice_id: str) -> Response:
    """Show an invoice with its payments and refunds."""
    visit.need("invoices:read")
    shape = get_invoice(invoice_id, visit.session, visit.principal)
    back = list_refunds(invoice_id, visit.session, visit.principal, forms.FROM_THE_FIRST)
    facts = shape.model_dump()
    refunds = [row.model_dump() for row in back.data]
    moving = shape.status in LISTINGS["invoices"].waits
    waiting = decidable(visit, facts["payments"])
    pending = any(row["status"] in LISTINGS["refunds"].waits for row in refunds)
    return page(
        visit,
        "invoice.html",
        "one_invoice",
        tab="invoices",
        invoice=facts,
        refunds=refunds,
        waiting=waiting,
        live=moving or pending,
        version=version((facts, refunds, waiting)),
    )


def decidable(visit: Visit, payments: list[dict[str, Any]]) -> list[str]:
    """Return the payments that settle nothing and about which nobody decided yet."""
    settled = {
        item.deposit_id
        for item in inbox.wrong_assets_of(visit.session, [one["id"] for one in payments])
        if item.status not in DECIDABLE
    }
    return [one["id"] for one in payments if one["unsettled"] and one["id"] not in settled]


def endpoint_page(visit: Visit, endpoint_id: str) -> Response:
    """Show a webhook endpoint with what was sent to it."""
    visit.need("webhooks:read")
    shape = get_endpoint(endpoint_id, visit.session, visit.principal)
    values = listed(visit, LISTINGS["deliveries"], endpoint=endpoint_id)
    return page(
        visit,
        "endpoint.html",
        "one_endpoint",
        tab="webhooks",
        endpoint=shape.model_dump(),
        go_on=go_on(visit, endpoint_id),
        **values,
    )


def go_on(visit: Visit, endpoint_id: str) -> str | None:
    """Return the form that goes on where a replay of an endpoint ended, None if it ended."""
    asked = visit.request.query_params
    following = asked.get("next", "")[:VALUE_LENGTH_MAX]
    facts = {"of": endpoint_id, "from_event": following}
    if asked.get("include_delivered"):
        facts["include_delivered"] = "on"
    return f"/shop/new/replay?{urlencode(facts)}" if following else None


def delivery_page(visit: Visit, delivery_id: str) -> Response:
    """Show a delivery: each request with its headers and body, and each answer."""
    visit.need("webhooks:read")
    shape = get_delivery(delivery_id, visit.session, visit.principal)
    found = list_attempts(delivery_id, visit.session, visit.principal, forms.FROM_THE_FIRST)
    facts = shape.model_dump()
    attempts = [row.model_dump() for row in found.data]
    return page(
        visit,
        "delivery.html",
        "one_delivery",
        tab="webhooks",
        delivery=facts,
        attempts=attempts,
        live=shape.status == "pending",
        version=version((facts, len(attempts))),
    )


def form_page(
    visit: Visit,
    form: Form,
    of: str,
    typed: Typed | None = None,
    problem: GatewayError | None = None,
    wrong: frozenset[str] = frozenset(),
) -> Response:
    """Show a form, after a refusal with what was typed and why it was refused."""
    visit.need(form.scope)
    fields, known = form.fields(visit, of), form.known(visit, of)
    answers = known if typed is None else {one.name: typed.get(one.name, "") for one in fields}
    key = f"error_{problem.code}" if problem else "error_fields"
    return page(
        visit,
        "form.html",
        f"form_{form.name}",
        status=422 if wrong else problem.status if problem else 200,
        tab=form.back.split("/")[2],
        form_name=form.name,
        hints=form.hints or form.name,
        back=form.back.format(of=of),
        of=of,
        fields=filled(fields, answers),
        wrong=wrong,
        problem=problem,
        told=visit.words(key) if key in visit.words.texts else None,
        failed=typed is not None,
    )
