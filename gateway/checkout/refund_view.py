"""What the page of a refund shows, before any word of any language."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.chain.address import show_address
from gateway.chain.store import Chain
from gateway.invoices.store import Invoice, currency
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.refunds import rules
from gateway.refunds.store import Refund
from gateway.withdrawals.rules import HELD
from gateway.withdrawals.store import Withdrawal

Screen = Literal[
    "ask", "review", "held", "sending", "done", "failed", "rejected", "cancelled", "expired"
]
LIVE = ("held", "sending")


@dataclass(frozen=True, slots=True)
class RefundView:
    """The page as facts; `sender` is proposed, `place` is where it goes or went."""

    screen: Screen
    merchant: str
    title: str | None
    invoice: str
    amount: str
    asset: str
    network: str
    worth: str
    currency: str
    sender: str | None
    place: str | None
    refused: bool
    tx_hash: str | None
    explorer_url: str | None
    expires_at: datetime | None

    @property
    def live(self) -> bool:
        """True while the page will change by itself."""
        return self.screen in LIVE


def refund_view(session: Session, row: Refund, review: bytes | None = None) -> RefundView:
    """Return what the page shows; `review` is an address the payer has yet to confirm."""
    invoice = session.get_one(Invoice, row.invoice_id)
    chain = session.get_one(Chain, row.chain)
    sent = session.get(Withdrawal, row.withdrawal_id) if row.withdrawal_id else None
    tx_hash = f"0x{sent.tx_hash.hex()}" if sent is not None and sent.tx_hash else None
    explorer = chain.explorer_url
    place = review or row.to_address
    return RefundView(
        screen=screen(row, sent, review is not None),
        merchant=accounts.get(session, row.account_id).handle,
        title=invoice.title,
        invoice=invoice.id,
        amount=str(Money(int(row.amount), ledger.asset(session, row.asset))),
        asset=row.asset,
        network=chain.name,
        worth=str(Money(int(row.currency_amount), currency(session, row.currency))),
        currency=row.currency,
        sender=show_address(row.sender) if row.sender else None,
        place=show_address(place) if place else None,
        refused=row.refusal is not None,
        tx_hash=tx_hash,
        explorer_url=explorer.replace("{tx}", tx_hash) if explorer and tx_hash else None,
        expires_at=row.expires_at,
    )


def screen(row: Refund, sent: Withdrawal | None, review: bool) -> Screen:
    """Return which of the page's screens tells this state."""
    if row.status == rules.AWAITING:
        if row.expires_at is not None and row.expires_at <= datetime.now(UTC):
            return "expired"
        return "review" if review else "ask"
    if row.status == rules.PENDING:
        return "held" if sent is not None and sent.status == HELD else "sending"
    if row.status == rules.CONFIRMED:
        return "done"
    return row.status  # type: ignore[return-value]  # the table checks it
