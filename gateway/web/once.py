"""A form sent twice acts once: its token is claimed in the transaction that acts."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

SEE_OTHER = 303
CLAIM = text(
    "insert into idempotency_key (principal, key, request_hash, status, body)"
    " values (:principal, :key, :hash, :status, '{}') on conflict do nothing returning key"
)
DONE = text(
    "update idempotency_key set body = cast(:body as jsonb)"
    " where principal = :principal and key = :key"
)
BEFORE = text(
    "select request_hash, body from idempotency_key"
    " where principal = :principal and key = :key for update"
)


@dataclass(frozen=True, slots=True)
class Token:
    """What a form carries: `key` is its name among those of its `principal`."""

    principal: str
    key: str


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier sending: what made it the same, and what was kept of it."""

    digest: bytes
    body: dict[str, Any]


def claim(session: Session, token: Token, digest: bytes) -> Before | None:
    """Return the earlier sending of a form, None when this is the first.

    Who sends it at the same time waits here.
    """
    named = {"principal": token.principal, "key": token.key}
    facts = {**named, "hash": digest, "status": SEE_OTHER}
    if session.execute(CLAIM, facts).first() is not None:
        return None
    found = session.execute(BEFORE, named).one()
    return Before(bytes(found.request_hash), found.body)


def done(session: Session, token: Token, body: dict[str, Any]) -> None:
    """Keep what a form led to, for those who send it again."""
    named = {"principal": token.principal, "key": token.key}
    session.execute(DONE, {**named, "body": json.dumps(body)})
