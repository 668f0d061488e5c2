"""Alarms: what an operator must look at. At most one is open for a kind and subject."""

from datetime import UTC, datetime

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gateway import db
from gateway.errors import NotFound
from gateway.ids import new_id
from gateway.webhooks import service
from gateway.webhooks.shapes import AlarmShape
from gateway.webhooks.store import Alarm

DETAIL_CHARACTERS_MAX = 2_000

log = structlog.get_logger()


def raise_alarm(session: Session, *, kind: str, subject: str, detail: str) -> None:
    """Open an alarm and emit `alarm.<kind>`; nothing new while the same one is open."""
    alarm_id = session.scalar(
        text(
            "insert into alarm (id, kind, subject, detail) values (:id, :kind, :subject, :detail)"
            " on conflict (kind, subject) where acknowledged_at is null do nothing returning id"
        ),
        {
            "id": new_id("alm"),
            "kind": kind,
            "subject": subject,
            "detail": db.storable(detail)[:DETAIL_CHARACTERS_MAX],
        },
    )
    if alarm_id is None:
        return
    alarm = session.get_one(Alarm, alarm_id)
    service.emit(
        session,
        type=f"alarm.{kind}",
        account_id=None,
        object_id=alarm_id,
        data=AlarmShape.of(alarm).model_dump(mode="json"),
    )
    log.error("alarm.raised", kind=kind, subject=subject, alarm=alarm_id)


def acknowledge(session: Session, alarm_id: str, *, by: str) -> Alarm:
    """Close an alarm; doing it again changes nothing. Raises NotFound."""
    alarm = session.get(Alarm, alarm_id, with_for_update=True)
    if alarm is None:
        raise NotFound("no such alarm")
    if alarm.acknowledged_at is None:
        alarm.acknowledged_at = datetime.now(UTC)
        alarm.acknowledged_by = by
        session.flush()
        log.info("alarm.acknowledged", alarm=alarm_id)
    return alarm


def open_count(session: Session) -> int:
    """Return how many alarms are open, for the metric."""
    query = select(func.count()).select_from(Alarm).where(Alarm.acknowledged_at.is_(None))
    return session.scalars(query).one()
