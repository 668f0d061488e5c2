"""Tell a merchant of money it did not ask for: in the wrong asset, or for an invoice it voided."""

from typing import Any

from sqlalchemy.orm import Session

from gateway.inbox.shapes import shape
from gateway.inbox.store import Item
from gateway.invoices.facts import Facts, InvoiceShape, load
from gateway.invoices.store import Invoice
from gateway.webhooks import service as webhooks

PUBLIC = frozenset(
    {
        "id",
        "kind",
        "chain",
        "address",
        "contract",
        "asset",
        "amount",
        "units",
        "from_address",
        "detail",
        "deposit",
        "created_at",
    }
)
"""What a merchant is told of an item: what came, not what the house makes of it."""


def unexpected(session: Session, item: Item) -> None:
    """Tell `invoice.unexpected_payment` of an item that was opened this moment."""
    if item.invoice_id is None:
        return
    facts = load(session, [session.get_one(Invoice, item.invoice_id)])[0]
    came = shape(session, item).model_dump(mode="json", include=set(PUBLIC))
    emit(session, facts, "invoice.unexpected_payment", {"unexpected_payment": came})


def paid_after_void(session: Session, facts: Facts, deposit_id: str) -> None:
    """Tell that money of a void invoice is final; the merchant sends it back."""
    emit(session, facts, "invoice.paid_after_void", {"payment": deposit_id})


def emit(session: Session, facts: Facts, kind: str, more: dict[str, Any]) -> None:
    """Emit an event of an invoice as the API shows it, with what is told besides."""
    webhooks.emit(
        session,
        type=kind,
        account_id=facts.invoice.account_id,
        object_id=facts.invoice.id,
        data=InvoiceShape.of(facts).model_dump(mode="json") | more,
    )
