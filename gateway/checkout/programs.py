"""The payer's page for programs: whoever prefers JSON is asked to pay by 402, and may at once.

What is signed is sent and waited for, for a while; the invoice is paid by the deposit it makes.
"""

import asyncio
import time

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from gateway import db
from gateway.checkout import pages, signed, x402
from gateway.checkout.speech import prefers_json
from gateway.checkout.view import View, view
from gateway.checkout.x402 import Payment
from gateway.errors import Conflict, NotFound, Refused
from gateway.gasless import service as gasless
from gateway.gasless.service import Way
from gateway.gasless.shapes import AuthorizationShape
from gateway.invoices import service as invoices
from gateway.invoices.facts import url_of

SETTLED_SECONDS_MAX = 20.0
POLL_SECONDS = 0.2
WAITING_MAX = 64
"""Programs that are waited for at once in a process; others are told that it is on its way."""
ASKED = "payment is required"
OVER = frozenset({"expired", "expired_partial", "expired_late", "void"})
waiting: list[str] = []
HEADERS = {**pages.HEADERS, "Vary": "Accept, PAYMENT-SIGNATURE, X-PAYMENT"}


def asks(request: Request) -> bool:
    """True if a program asks: it pays, or prefers JSON to a page."""
    paying = any(name in request.headers for name in (x402.GIVEN, x402.GIVEN_V1))
    return paying or prefers_json(request)


async def answer(request: Request, invoice_id: str) -> Response:
    """Answer a program: 402, or what became of its payment. Raises NotFound, Conflict, BadRequest,
    DependencyAway.
    """
    payment = x402.payment_of(request.headers)
    if payment is None:
        return await run_in_threadpool(ask, invoice_id)
    try:
        shape = await run_in_threadpool(take, invoice_id, payment)
    except (Conflict, NotFound, Refused) as refusal:
        return await run_in_threadpool(ask, invoice_id, f"{refusal.code}: {refusal.detail}")
    return await run_in_threadpool(told, invoice_id, payment, await ended(shape))


def ask(invoice_id: str, error: str = ASKED, shape: AuthorizationShape | None = None) -> Response:
    """Ask for payment; 200 once somebody paid, refused once it can only be late.

    `shape` is a payment that failed. Raises NotFound, Conflict.
    """
    with db.snapshot() as session:
        facts = invoices.get(session, invoice_id)
        shown, ways = view(session, facts), gasless.ways(session, facts)
    if shown.screen in OVER:
        raise Conflict(f"the invoice is {shown.status}", code="wrong_state")
    if not shown.payable:
        return JSONResponse(shown.model_dump(mode="json"), headers=HEADERS)
    return payment_required(shown, ways, error, shape)


def payment_required(
    shown: View, ways: list[Way], error: str, shape: AuthorizationShape | None
) -> Response:
    """Return 402: version 2 in the header, version 1 in the body where that can name a network.

    The invoice is in the body too, for programs that pay as a person does.
    """
    url = url_of(shown.id)
    asked = x402.required(shown, url, ways, error)
    body = x402.required_v1(shown, url, ways, error)
    headers = {**HEADERS, x402.REQUIRED: x402.encoded(asked)}
    if shape is not None:
        for version in (1, 2):
            headers |= x402.answer_header(version, x402.settled(shape))
    told = {**(body if body["accepts"] else asked), "invoice": shown.model_dump(mode="json")}
    return JSONResponse(told, 402, headers=headers)


def take(invoice_id: str, payment: Payment) -> AuthorizationShape:
    """Hand in what a program signed. Raises as signed.take."""
    given, key = payment.given.signed, payment.given.key
    if payment.contract is not None:
        return signed.take(invoice_id, payment.chain, payment.contract, given, key)
    before = signed.known(invoice_id, payment.chain, None, given)
    if before is not None:
        return before
    with db.snapshot() as session:
        facts = invoices.get(session, invoice_id)
        here = [one for one in gasless.ways(session, facts) if one.place.id == payment.chain]
    fits = (one for one in here if given.signed_by(one.domain, key) == given.payer)
    asset = next((one.option.asset for one in fits), "")
    return signed.take(invoice_id, payment.chain, asset, given, key)


async def ended(shape: AuthorizationShape) -> AuthorizationShape:
    """Wait a while until it is mined or has failed."""
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    if len(waiting) >= WAITING_MAX:
        return shape
    waiting.append(shape.id)
    try:
        while shape.settlement == "settlement_pending" and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
            shape = await run_in_threadpool(signed.look, shape.id)
    finally:
        waiting.remove(shape.id)
    return shape


def told(invoice_id: str, payment: Payment, shape: AuthorizationShape) -> Response:
    """Tell what became of a payment: 200 mined, 202 still on its way, 402 failed."""
    if shape.settlement == "failed":
        return ask(invoice_id, shape.reason or "failed", shape)
    with db.snapshot() as session:
        shown = view(session, invoices.get(session, invoice_id))
    body = {**shown.model_dump(mode="json"), "authorization": shape.model_dump(mode="json")}
    headers = {**HEADERS, **x402.answer_header(payment.version, x402.settled(shape))}
    return JSONResponse(body, 200 if shape.settlement == "settled" else 202, headers=headers)
