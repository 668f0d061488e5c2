"""What arrived for an invoice, as its page shows it: payments, their progress, and strays."""

from typing import Literal

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.chain.address import show_address
from gateway.checkout.places import Places
from gateway.deposits import rules as deposit_rules
from gateway.inbox import rules as inbox
from gateway.inbox.store import Item
from gateway.invoices import rules
from gateway.invoices.facts import Facts
from gateway.invoices.store import InvoiceOption, InvoicePayment
from gateway.money import Money
from gateway.web.shapes import Time

STRAYS_SHOWN_MAX = 5


class PaymentView(BaseModel):
    """What arrived; `rate` is what one unit counted for in the invoice's currency."""

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
    from_address: str | None
    seen_at: Time
    rate: str | None
    rate_source: str | None
    rate_at: Time | None


class Progress(BaseModel):
    """How final the newest payment is, and about how long it still takes.

    `needed` and `seconds` are None where the network's own word is waited for: `finality`.
    """

    seen: int
    finality: Literal["blocks", "safe", "finalized"]
    needed: int | None
    seconds: int | None


class Stray(BaseModel):
    """What came to the invoice's address and cannot count: another coin, or another network."""

    kind: Literal["wrong_asset", "wrong_chain", "unknown_token"]
    network: str
    asset: str | None


def payment_views(facts: Facts, places: Places, heads: dict[str, int | None]) -> list[PaymentView]:
    """Show what arrived, oldest first, with the confirmations it has now."""
    quoted = [(facts.option(option), option) for option in facts.options]
    pairs = zip(facts.payments, facts.received, strict=True)
    return [
        payment_view(facts, row, places, heads, counted(quoted, row, payment))
        for row, payment in pairs
    ]


def payment_view(
    facts: Facts,
    row: InvoicePayment,
    places: Places,
    heads: dict[str, int | None],
    rate: dict[str, object],
) -> PaymentView:
    """Show one payment."""
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
            "from_address": show_address(row.from_address) if row.from_address else None,
            "seen_at": row.seen_at,
            **rate,
        }
    )


def counted(
    quoted: list[tuple[rules.Option, InvoiceOption]], row: InvoicePayment, payment: rules.Payment
) -> dict[str, object]:
    """Return the rate a payment counted at, who said so and when; none where it has no quote.

    A rate of its own is that of an earlier quote, or of the moment a person accepted it.
    """
    match = rules.option_of(tuple(rule for rule, _ in quoted), payment)
    option = next((one for rule, one in quoted if rule == match), None)
    if row.counted_rate is not None:
        return {
            "rate": f"{row.counted_rate.normalize():f}",
            "rate_source": row.counted_source,
            "rate_at": row.counted_at,
        }
    if option is None:
        return {"rate": None, "rate_source": None, "rate_at": None}
    return {
        "rate": f"{option.rate.normalize():f}",
        "rate_source": option.rate_source,
        "rate_at": option.rate_at,
    }


def came_too_late(facts: Facts) -> Money:
    """Return what stands of an invoice's payments but settles nothing, because it came too late."""
    terms = facts.terms
    late = [payment for payment in facts.received if not rules.settles(terms, payment)]
    return rules.part(facts.price, rules.share(terms, late, rules.SEEN))


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


def strays(session: Session, invoice_id: str) -> list[Item]:
    """Return what waits for a person because the invoice does not ask for it, newest first."""
    query = select(Item).where(
        Item.invoice_id == invoice_id,
        Item.status == inbox.OPEN,
        Item.kind.in_((inbox.WRONG_ASSET, inbox.WRONG_CHAIN, inbox.UNKNOWN_TOKEN)),
    )
    return list(session.scalars(query.order_by(Item.id.desc()).limit(STRAYS_SHOWN_MAX)))


def stray(item: Item, places: Places) -> Stray:
    """Show what cannot count."""
    return Stray.model_validate(
        {"kind": item.kind, "network": places.name(item.chain), "asset": item.asset}
    )
