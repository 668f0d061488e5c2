"""A form sent twice acts once: its token is claimed in the transaction that acts."""

import hashlib
import json

from sqlalchemy import text

from gateway.errors import BadRequest, Conflict
from gateway.shop.visit import SEE_OTHER, Visit

TOKEN_LENGTH_MAX = 80
NO_PART = ("form", "once")

CLAIM = text(
    "insert into idempotency_key (principal, key, request_hash, status, body)"
    " values (:principal, :key, :hash, :status, '{}') on conflict do nothing returning key"
)
DONE = text(
    "update idempotency_key set body = cast(:body as jsonb)"
    " where principal = :principal and key = :key"
)
BEFORE = text(
    "select request_hash, body from idempotency_key where principal = :principal and key = :key"
)


def claim(visit: Visit, what: str, typed: dict[str, str]) -> str | None:
    """Return where an earlier sending of this form led, None when it is the first.

    Who sends it at the same time waits here. Raises BadRequest for a form without its token,
    Conflict when it was sent before with other words in it.
    """
    digest = digest_of(what, typed)
    facts = {**name(visit, typed), "hash": digest, "status": SEE_OTHER}
    if visit.session.execute(CLAIM, facts).first() is not None:
        return None
    found = visit.session.execute(BEFORE, name(visit, typed)).one()
    if bytes(found.request_hash) != digest:
        raise Conflict("this form was sent already: open a fresh one", code="old_form")
    return str(found.body["see"])


def done(visit: Visit, typed: dict[str, str], see: str) -> None:
    """Keep where a form led, for those who send it again."""
    visit.session.execute(DONE, {**name(visit, typed), "body": json.dumps({"see": see})})


def name(visit: Visit, typed: dict[str, str]) -> dict[str, str]:
    """Return under which name a form's token is kept; raises BadRequest without one."""
    token = typed.get("once", "")
    if not 1 <= len(token) <= TOKEN_LENGTH_MAX:
        raise BadRequest("the form lacks its token")
    return {"principal": visit.merchant.account_id, "key": f"form {token}"}


def digest_of(what: str, typed: dict[str, str]) -> bytes:
    """Return what makes two sendings the same."""
    told = sorted((key, value) for key, value in typed.items() if key not in NO_PART)
    return hashlib.sha256(json.dumps([what, told]).encode()).digest()
