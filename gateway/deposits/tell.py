"""Say what became of a deposit, in the transaction that changed it: event, webhooks, invoice."""

import structlog
from sqlalchemy.orm import Session

from gateway.deposits.shapes import DepositShape
from gateway.deposits.store import Deposit
from gateway.invoices import service as invoices
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.webhooks import service as webhooks

EVENTS = {
    "confirming": "deposit.detected",
    "credited": "deposit.credited",
    "orphaned": "deposit.orphaned",
    "reversed": "deposit.reversed",
}

log = structlog.get_logger()


def tell(session: Session, deposit: Deposit, head: int) -> None:
    """Emit the event of the deposit's present status, and tell the invoice it pays."""
    session.flush()
    asset = ledger.asset(session, deposit.asset)
    data = DepositShape.of(deposit, asset, head).model_dump(mode="json")
    event = EVENTS[deposit.status]
    webhooks.emit(
        session, type=event, account_id=deposit.account_id, object_id=deposit.id, data=data
    )
    if deposit.invoice_id is not None:
        invoices.payment_changed(
            session,
            invoice_id=deposit.invoice_id,
            deposit_id=deposit.id,
            chain=deposit.chain,
            asset=deposit.asset,
            amount=Money(int(deposit.amount), asset),
            # what is kept apart is not the merchant's to count on yet
            status="confirming" if deposit.blocked else deposit.status,
            tx_hash=deposit.tx_hash,
            from_address=deposit.from_address,
            block_number=deposit.block_number,
            seen_at=deposit.block_time,
            details=data,
        )
    log.info(event, deposit=deposit.id, chain=deposit.chain, block=deposit.block_number)
