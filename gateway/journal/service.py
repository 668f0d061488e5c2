"""Write a decision down in the transaction that makes it; seal what was written."""

from typing import Any

from msgspec import json
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.ids import new_id

POLICY, SIGNER, SYSTEM = "policy", "signer", "system"
"""Actors that are no API key."""

WRITE = text(
    "insert into journal (id, actor, action, subject, reason, facts)"
    " values (:id, :actor, :action, :subject, :reason, cast(:facts as jsonb))"
)


def write(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    reason: str | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Write that `actor` did `action` to `subject`. Ids and codes only, never personal data."""
    session.execute(
        WRITE,
        {
            "id": new_id("jrn"),
            "actor": actor,
            "action": action,
            "subject": subject,
            "reason": reason,
            "facts": json.encode(facts or {}).decode(),
        },
    )


def seal(session: Session) -> int:
    """Append what is written to the hash chain; returns how many entries that were."""
    return int(session.execute(text("select journal_append_seals()")).scalar_one())
