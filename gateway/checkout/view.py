"""What the payer's page shows, before any word of any language."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.chain import freshness
from gateway.checkout import again
from gateway.checkout.arrived import (
    PaymentView,
    Progress,
    Stray,
    came_too_late,
    payment_views,
    progress,
    stray,
    strays,
)
from gateway.checkout.choice import OptionView, option_view
from gateway.checkout.places import Places, places_of
from gateway.checkout.returned import returned
from gateway.gasless import service as gasless
from gateway.gasless.shapes import AuthorizationShape
from gateway.inbox.store import Item
from gateway.invoices import rules, terms
from gateway.invoices.facts import Facts
from gateway.settings import settings
from gateway.web.shapes import Time

PAYMENTS_SHOWN_MAX = 6
WATCHED_AFTER_PAID = timedelta(minutes=20)
"""So long after it is paid an open page is told if a payment leaves the chain after all: about as
long as networks take to call a block final.
"""

Screen = Literal[
    "open",
    "partial",
    "processing",
    "paid",
    "over",
    "late",
    "expired",
    "expired_partial",
    "expired_late",
    "void",
]
UNPAID: tuple[Screen, ...] = ("open", "partial", "expired", "expired_partial")


class View(BaseModel):
    """The page as facts: GET /pay/{id}/status answers this."""

    id: str
    screen: Screen
    status: Literal["open", "processing", "paid", "expired", "void"]
    paid_state: Literal["none", "partial", "exact", "over"]
    late: bool
    final: bool
    merchant: str
    title: str | None
    amount: str
    currency: str
    amount_paid: str
    amount_due: str
    amount_missing: str
    amount_over: str
    amount_returned: Annotated[str, Field(description="sent back to the payer, and confirmed")]
    amount_returning: Annotated[str, Field(description="being sent back, not confirmed yet")]
    amount_awaiting: Annotated[
        str, Field(description="goes back once the payer says where to, on the refund's page")
    ]
    amount_late: Annotated[
        str, Field(description="came too late for the merchant's terms, and settles nothing")
    ]
    late_action: Annotated[
        Literal["review", "refund"] | None,
        Field(description="what the merchant's terms say of what came too late"),
    ]
    late_counts: Annotated[
        bool, Field(description="the merchant takes late money, however late and at any rate")
    ]
    payment_options: list[OptionView]
    payments: list[PaymentView]
    strays: Annotated[
        list[Stray], Field(description="came to the address, but the invoice asks for another coin")
    ]
    progress: Progress | None
    signable: Annotated[
        list[str], Field(description="keys of what can be paid by a signature, for no gas")
    ]
    authorization: Annotated[
        AuthorizationShape | None, Field(description="the payment signed last; no proof of payment")
    ]
    reverted: Annotated[
        bool, Field(description="a payment that had counted left the chain: pay what is due again")
    ]
    requote: Annotated[bool, Field(description="a new quote may be asked for now")]
    restart: Annotated[bool, Field(description="its payment link makes another invoice now")]
    created_at: Time
    expires_at: Time
    paid_at: Time | None
    success_url: str | None
    support_url: Annotated[str | None, Field(description="where the payer may ask the merchant")]
    link: str | None
    test_payment: bool

    @property
    def payable(self) -> bool:
        """True while the page asks for money."""
        return self.screen in ("open", "partial")

    @property
    def watched(self) -> bool:
        """True while what the page shows may change by itself; at last what paid it is final."""
        if self.paid_at is None or self.status != "paid":
            return not self.final
        return datetime.now(UTC) < self.paid_at + WATCHED_AFTER_PAID

    @property
    def on_its_way(self) -> bool:
        """True while what was signed is being sent, or called off: paying again would pay twice.

        What is called off after the end asks for nothing more.
        """
        signed = self.authorization
        if signed is None or signed.status not in gasless.LIVE or signed.reason == gasless.REVERTED:
            return False
        return self.screen in UNPAID and (self.payable or not self.unasked)

    @property
    def unasked(self) -> bool:
        """True if what was signed last is not sent because the invoice asks for it no more."""
        signed = self.authorization
        return signed is not None and (signed.reason or "").startswith(gasless.INVOICE_OVER)

    @property
    def signed_words(self) -> str | None:
        """Which words tell how what was signed last fares; None where there is nothing to tell."""
        signed = self.authorization
        if signed is None:
            return None
        if self.on_its_way:
            return "called_off" if self.unasked else signed.status
        if not self.payable:
            return "unneeded" if self.unasked else None
        if signed.status in gasless.LIVE:
            return "reverted"
        return "asks_less" if self.unasked else "over" if signed.status == "failed" else None

    @property
    def expired_words(self) -> tuple[str, str]:
        """Which words tell what became of the money when nothing is paid at the end, and what a
        payer can do next.
        """
        told = "reverted" if self.reverted else "returned" if self.goes_back else "nothing"
        step = "quote" if self.requote else "again" if self.restart else "ask"
        return f"expired_{told}", f"step_{step}"

    @property
    def newest(self) -> list[PaymentView]:
        """The payments the page shows, the newest first; its receipt shows all."""
        return self.payments[: -PAYMENTS_SHOWN_MAX - 1 : -1]

    @property
    def older(self) -> int:
        """How many payments only the receipt shows."""
        return max(0, len(self.payments) - PAYMENTS_SHOWN_MAX)

    @property
    def goes_back(self) -> bool:
        """True if some of it is back with the payer, on its way, or waits for the payer's word."""
        sums = (self.amount_returned, self.amount_returning, self.amount_awaiting)
        return any(Decimal(one) for one in sums)

    @property
    def elsewhere(self) -> bool:
        """True if some network takes payments."""
        return not all(one.paused for one in self.payment_options)

    def option(self, key: str | None) -> OptionView:
        """Return the option chosen by its key or asset, the first without a choice.

        Among several, one whose network takes payments comes before those that are paused.
        """
        wanted = [one for one in self.payment_options if key in (one.key, one.asset)]
        return min(wanted or self.payment_options, key=lambda one: one.paused)


def view(session: Session, facts: Facts) -> View:
    """Return what the page of an invoice shows."""
    row, state = facts.invoice, facts.stored
    odd, back = strays(session, row.id), returned(session, facts)
    places = places_for(session, facts, odd)
    heads = {head.chain: head.number for head in freshness.heads(session)}
    payments = payment_views(facts, places, heads)
    return View(
        id=row.id,
        screen=screen(state),
        status=state.status,
        paid_state=state.paid_state,
        late=state.late,
        final=state.status in ("paid", "void"),
        merchant=accounts.get(session, row.account_id).handle,
        title=row.title,
        amount=str(facts.price),
        currency=row.currency,
        amount_paid=str(state.paid),
        amount_due=str(facts.due),
        amount_missing=str(facts.missing),
        amount_over=str(facts.over),
        amount_returned=str(back.there),
        amount_returning=str(back.on_its_way),
        amount_awaiting=str(back.awaited),
        amount_late=str(came_too_late(facts)),
        late_action=state.late_action,
        late_counts=row.late_hours is None and row.late_percent is None,
        payment_options=[option_view(facts, option, places) for option in facts.options],
        payments=payments,
        strays=[stray(item, places) for item in odd],
        progress=progress(payments, places),
        signable=[f"{o.asset}.{o.chain}" for o in gasless.options(session, facts)],
        authorization=last_signed(session, row.id),
        reverted=row.reverted_at is not None,
        requote=again.quotable(session, facts),
        restart=again.startable(session, facts),
        created_at=row.created_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        success_url=row.success_url,
        support_url=terms.support_url(session, row.account_id),
        link=row.link_id,
        test_payment=settings().development,
    )


def last_signed(session: Session, invoice_id: str) -> AuthorizationShape | None:
    """Return the payment that was signed last for an invoice."""
    row = gasless.latest(session, invoice_id)
    return None if row is None else AuthorizationShape.of(row)


def places_for(session: Session, facts: Facts, odd: list[Item]) -> Places:
    """Load the chains of everything the page shows."""
    pairs = {(option.chain, option.asset) for option in facts.options}
    chains = {chain for chain, _ in pairs} | {payment.chain for payment in facts.payments}
    return places_of(session, chains | {item.chain for item in odd}, pairs)


def screen(state: rules.Outcome) -> Screen:
    """Return which of the page's screens tells this state."""
    if state.status == "paid":
        return "over" if state.paid_state == "over" else "late" if state.late else "paid"
    if state.status == "open":
        return "partial" if state.paid_state != "none" else "open"
    if state.status == "expired":
        return EXPIRED[state.paid_state]
    return "void" if state.status == "void" else "processing"


EXPIRED: dict[rules.PaidState, Screen] = {
    "none": "expired",
    "partial": "expired_partial",
    "exact": "expired_late",
    "over": "expired_late",
}
