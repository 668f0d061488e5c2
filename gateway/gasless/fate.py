"""How what a payer signed fares: written by whoever sends it, told to the page."""

from datetime import UTC, datetime

import structlog
from sqlalchemy.orm import Session

from gateway import bell
from gateway.gasless import rules, store
from gateway.gasless.store import PaymentAuthorization

log = structlog.get_logger()


def change(
    session: Session,
    row: PaymentAuthorization,
    status: rules.Status,
    *,
    reason: str | None = None,
    tx_hash: bytes | None = None,
) -> None:
    """Write how a locked row fares, and let the page know; the same again is nothing."""
    told = tx_hash if tx_hash is not None else row.tx_hash
    if (row.status, row.reason, row.tx_hash) == (status, reason, told):
        return
    row.status, row.reason, row.tx_hash = status, reason, told
    row.ended_at = None if status in rules.LIVE else datetime.now(UTC)
    session.flush()
    log.info("authorization.changed", authorization=row.id, status=status, reason=reason)
    bell.publish(session, f"object:{row.invoice_id}")


def end(
    session: Session,
    intent_id: str,
    status: rules.Status,
    *,
    reason: str | None = None,
    tx_hash: bytes | None = None,
) -> None:
    """Write how what an intent sent has ended."""
    row = store.of_intent(session, intent_id, lock=True)
    if row is not None:
        change(session, row, status, reason=reason, tx_hash=tx_hash)


def fail_when_over(session: Session, intent_id: str, reason: str, tx_hash: bytes | None) -> None:
    """Write why what an intent sent did not happen. Its signature was published and may be sent by
    anybody: it is over once that has ended.
    """
    row = store.of_intent(session, intent_id, lock=True)
    if row is None:
        return
    over = int(row.valid_before) + rules.OVER_SECONDS < datetime.now(UTC).timestamp()
    change(session, row, "failed" if over else "sent", reason=reason, tx_hash=tx_hash)


def release(session: Session, intent_id: str) -> None:
    """Let what an intent was to send be looked at again: the token knows whether it was sent."""
    row = store.of_intent(session, intent_id, lock=True)
    if row is not None and row.status in rules.LIVE:
        row.intent_id = None
        change(session, row, rules.LIVE[0])
