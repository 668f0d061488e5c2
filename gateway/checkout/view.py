"""What the payer's page shows, before any word of any language."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import segno
from pydantic import BaseModel
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.chain import freshness
from gateway.chain.store import Chain
from gateway.deposits import rules as deposit_rules
from gateway.invoices import rules
from gateway.invoices.facts import Facts
from gateway.invoices.store import InvoiceOption, InvoicePayment
from gateway.money import Money
from gateway.settings import settings
from gateway.web.shapes import Time

QUIET_MODULES = 4
QR_CACHE_MAX = 2_000

Screen = Literal[
    "open",
    "partial",
    "processing",
    "paid",
    "over",
    "late",
    "expired",
    "expired_partial",
    "void",
]


class OptionView(BaseModel):
    """One way to pay: `amount` remains to be paid, `key` chooses it in ?option=.

    While `paused` the network takes no payments, and there is no address. `at_least` is there when
    `amount` is less than one payment must be to be credited.
    """

    key: str
    asset: str
    chain: str
    network: str
    address: str | None
    paused: bool
    amount: str
    at_least: str | None
    rate: str
    quote_expires_at: Time


class PaymentView(BaseModel):
    """What arrived."""

    asset: str
    chain: str
    network: str
    amount: str
    status: Literal["confirming", "credited", "orphaned", "reversed"]
    confirmations: int
    finality: Literal["blocks", "safe", "finalized"]
    confirmations_required: int | None
    tx_hash: str
    explorer_url: str | None


class Progress(BaseModel):
    """How final the newest payment is, and about how long it still takes.

    `needed` and `seconds` are None where the network's own word is waited for: `finality`.
    """

    seen: int
    finality: Literal["blocks", "safe", "finalized"]
    needed: int | None
    seconds: int | None


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
    amount_over: str
    payment_options: list[OptionView]
    payments: list[PaymentView]
    progress: Progress | None
    expires_at: Time
    success_url: str | None
    link: str | None
    test_payment: bool

    @property
    def payable(self) -> bool:
        """True while the page asks for money."""
        return self.screen in ("open", "partial")

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


@dataclass(frozen=True, slots=True)
class Places:
    """The chains of an invoice by id."""

    chains: dict[str, Chain]

    def name(self, chain: str) -> str:
        """Return the network's name as a payer knows it."""
        return self.chains[chain].name

    def explorer(self, chain: str, tx_hash: bytes) -> str | None:
        """Return where to look a transaction up."""
        url = self.chains[chain].explorer_url
        return url.replace("{tx}", f"0x{tx_hash.hex()}") if url else None


def view(session: Session, facts: Facts) -> View:
    """Return what the page of an invoice shows."""
    row, state = facts.invoice, facts.stored
    ids = {o.chain for o in facts.options} | {p.chain for p in facts.payments}
    found = {chain_id: session.get(Chain, chain_id) for chain_id in sorted(ids)}
    places = Places({chain_id: chain for chain_id, chain in found.items() if chain})
    heads = {head.chain: head.number for head in freshness.heads(session)}
    payments = [payment_view(facts, payment, places, heads) for payment in facts.payments]
    over = state.paid - facts.price if state.paid > facts.price else Money(0, facts.currency)
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
        amount_due=str(rules.due(facts.price, state.paid)),
        amount_over=str(over),
        payment_options=[option_view(facts, option, places) for option in facts.options],
        payments=payments,
        progress=progress(payments, places),
        expires_at=row.expires_at,
        success_url=row.success_url,
        link=row.link_id,
        test_payment=settings().development,
    )


def screen(state: rules.Outcome) -> Screen:
    """Return which of the page's screens tells this state."""
    if state.status == "paid":
        return "over" if state.paid_state == "over" else "late" if state.late else "paid"
    if state.status == "open":
        return "partial" if state.paid_state == "partial" else "open"
    if state.status == "expired":
        return "expired_partial" if state.paid_state == "partial" else "expired"
    return "void" if state.status == "void" else "processing"


def option_view(facts: Facts, row: InvoiceOption, places: Places) -> OptionView:
    """Show one way to pay."""
    remaining, minimum = facts.remaining(row), facts.minimum(row)
    return OptionView(
        key=f"{row.asset}.{row.chain}",
        asset=row.asset,
        chain=row.chain,
        network=places.name(row.chain),
        address=facts.place(row),
        paused=row.chain in facts.paused,
        amount=str(remaining),
        at_least=str(minimum) if 0 < remaining.units < minimum.units else None,
        rate=f"{row.rate.normalize():f}",
        quote_expires_at=facts.invoice.expires_at,
    )


def payment_view(
    facts: Facts, row: InvoicePayment, places: Places, heads: dict[str, int | None]
) -> PaymentView:
    """Show what arrived, with the confirmations it has now."""
    block = row.block_number or 0
    confirmations = deposit_rules.confirmations(row.status, block, heads.get(row.chain))
    return PaymentView.model_validate(
        {
            "asset": row.asset,
            "chain": row.chain,
            "network": places.name(row.chain),
            "amount": str(Money(int(row.amount), facts.assets[row.asset])),
            "status": row.status,
            "confirmations": confirmations,
            "finality": row.details.get("finality", deposit_rules.BLOCKS),
            "confirmations_required": row.details.get(
                "confirmations_required", places.chains[row.chain].confirmations
            ),
            "tx_hash": f"0x{row.tx_hash.hex()}",
            "explorer_url": places.explorer(row.chain, row.tx_hash),
        }
    )


def progress(payments: list[PaymentView], places: Places) -> Progress | None:
    """Return how far the least confirmed payment is; None when nothing is confirming."""
    confirming = [payment for payment in payments if payment.status == "confirming"]
    if not confirming:
        return None
    last = min(confirming, key=share)
    if last.confirmations_required is None:
        return Progress(seen=last.confirmations, finality=last.finality, needed=None, seconds=None)
    seen = min(last.confirmations, last.confirmations_required)
    missing = last.confirmations_required - seen
    return Progress(
        seen=seen,
        finality=last.finality,
        needed=last.confirmations_required,
        seconds=int(missing * places.chains[last.chain].block_seconds),
    )


def share(payment: PaymentView) -> tuple[bool, float]:
    """Order payments by how far they are; the network's own word is the furthest off."""
    required = payment.confirmations_required
    return required is not None, payment.confirmations / (required or 1)


@lru_cache(maxsize=QR_CACHE_MAX)
def qr(address: str) -> str:
    """Return the QR code of a plain address as SVG.

    Not ERC-681: some wallets pay a token's contract when its transfer is in a QR code.
    """
    code = segno.make(address, error="m", micro=False)
    svg: str = code.svg_inline(border=QUIET_MODULES, dark="#10151c", light="#fff", omitsize=True)
    return svg
