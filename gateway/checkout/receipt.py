"""The receipt of an invoice, made to be printed."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from gateway.checkout import pages
from gateway.checkout.view import View
from gateway.checkout.visit import query
from gateway.checkout.words import Words


def page(request: Request, view: View, chosen: Words, *, lang: str | None) -> HTMLResponse:
    """Render the receipt: who was paid for what, with which coin, at whose rate, and when."""
    merchant = f"@{view.merchant}"
    return pages.html(
        request,
        "receipt.html",
        chosen,
        title=chosen.plain("receipt_title", merchant=merchant),
        view=view,
        merchant=merchant,
        back=f"/pay/{view.id}{query(lang=lang)}",
    )
