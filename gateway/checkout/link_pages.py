"""The pages a payment link has, its payer's and the till's: what both show, begin and refuse."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from gateway.accounts import service as accounts
from gateway.checkout import once, pages
from gateway.checkout.visit import query
from gateway.checkout.wish import Wish, wish_of
from gateway.checkout.words import Words
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.invoices.facts import Facts
from gateway.links import service as links
from gateway.links.rules import Offer, Status
from gateway.links.store import PaymentLink, offer_of
from gateway.web.requests import Tx

ONCE_BYTES = 16

# What a payer can mend on the page, and the words that say how.
MENDED = {
    "amount_required": "amount_wrong",
    "invalid_amount": "amount_wrong",
    "amount_too_small": "amount_bounds",
    "amount_too_large": "amount_bounds",
    "below_minimum": "amount_tiny",
    "quantity_refused": "quantity_wrong",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A link as its pages show it."""

    link: PaymentLink
    offer: Offer
    status: Status
    merchant: str

    @property
    def fixed(self) -> bool:
        """True if a payer has nothing to choose, so nothing to mend."""
        return self.offer.amount is not None and self.offer.max_quantity is None


def seen(session: Tx, link_id: str) -> Seen:
    """Return a link with what its pages show; raises NotFound."""
    link = links.get(session, link_id)
    merchant = accounts.get(session, link.account_id).handle
    return Seen(link, offer_of(session, link), links.status(session, link), merchant)


@dataclass(frozen=True, slots=True)
class Front:
    """A page of payment links: the `place` of its address, and what only it shows."""

    place: str
    template: str
    title: str
    own: Callable[[Words, Seen], dict[str, Any]]

    def path(self, request: Request, link_id: str) -> str:
        """Return the page's path, in the language that the address asks for."""
        lang = request.query_params.get("lang")
        return f"/{self.place}/{link_id}{query(lang=lang)}"

    def show(
        self,
        request: Request,
        chosen: Words,
        found: Seen,
        *,
        status: int = 200,
        wish: Wish | None = None,
        wrong: str | None = None,
    ) -> HTMLResponse:
        """Render the page; `wrong` is the word for what a payer can mend."""
        wish = wish or Wish()
        return pages.html(
            request,
            self.template,
            chosen,
            status=status,
            title=chosen.plain(self.title, merchant=f"@{found.merchant}"),
            link=found.link,
            offer=found.offer,
            state=found.status,
            merchant=found.merchant,
            action=self.path(request, found.link.id),
            lang=chosen.language if request.query_params.get("lang") else None,
            typed=wish.amount,
            pieces=wish.pieces,
            once=secrets.token_urlsafe(ONCE_BYTES),
            wrong=wrong,
            **self.own(chosen, found),
        )

    def begin(
        self, request: Request, session: Tx, chosen: Words, link_id: str, body: bytes
    ) -> Facts | HTMLResponse:
        """Make the invoice a payer asks for, or say in the payer's words why there is none."""
        wish = Wish()
        try:
            wish = wish_of(request, body)
            return once.pay(session, link_id, wish)
        except NotFound:
            return pages.notice(request, chosen, "gone", status=404)
        except GatewayError as error:
            return self.refuse(request, chosen, seen(session, link_id), error, wish)

    def refuse(
        self, request: Request, chosen: Words, found: Seen, error: GatewayError, wish: Wish
    ) -> HTMLResponse:
        """Say why there is no invoice: on the page where that can be mended or is shown there."""
        if isinstance(error, Conflict):
            return self.show(request, chosen, found, status=error.status)
        if error.code in MENDED and not found.fixed:
            wrong = MENDED[error.code]
            return self.show(request, chosen, found, status=error.status, wish=wish, wrong=wrong)
        again = self.path(request, found.link.id)
        return pages.notice(request, chosen, "try_later", status=error.status, again=again)
