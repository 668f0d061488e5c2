"""Sign in with an API key; from then on a cookie stands for it, until it ends or is revoked.

An operator's session and a merchant's are told apart by their key, at every request.

Every form carries a token of its session, and the cookie is not sent with other sites' requests
(SameSite=Strict), so nobody else's page can act here. Nor can it sign its reader in with a key of
its own: a browser says which site's page sends a form.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Header
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.errors import Forbidden, Unauthorized
from gateway.scopes import secret_hash

COOKIE = "mizan_console"
LENGTH = timedelta(hours=8)
TOKEN_BYTES = 32
NEEDED = "withdrawals:approve"

Site = Annotated[str | None, Header(alias="sec-fetch-site")]
"""Whose page sends a request; None of a browser too old to say, or of a program."""

KEY = text("""
    select id from api_key where hash = :hash and account_id is null and revoked_at is null
        and :needed = any(scopes)
""")
MERCHANT_KEY = text("""
    select k.id from api_key k join account a on a.id = k.account_id and a.kind = 'merchant'
    where k.hash = :hash and k.revoked_at is null
""")
OPEN = text("""
    select s.key_id, s.form_token, k.name from console_session s join api_key k on k.id = s.key_id
    where s.hash = :hash and s.expires_at > now() and k.revoked_at is null
        and k.account_id is null and :needed = any(k.scopes)
""")
MERCHANT_OPEN = text("""
    select s.key_id, s.form_token, k.name, k.scopes, k.account_id, a.handle
    from console_session s join api_key k on k.id = s.key_id
    join account a on a.id = k.account_id and a.kind = 'merchant'
    where s.hash = :hash and s.expires_at > now() and k.revoked_at is null
""")


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is signed in."""

    key_id: str
    name: str
    form_token: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """Which merchant is signed in, with which of its keys, and what that key may do."""

    key_id: str
    name: str
    form_token: str
    account_id: str
    handle: str
    scopes: frozenset[str]


def check_site(site: str | None) -> None:
    """Raise Forbidden for what another site's page sends."""
    if site not in (None, "same-origin", "none"):
        raise Forbidden("another site sent this form: sign in here", code="other_site")


def sign_in(session: Session, key: str) -> str:
    """Return the cookie of a new session; raises Unauthorized without an operator's good key."""
    found = session.execute(KEY, {"hash": secret_hash(key), "needed": NEEDED}).scalar_one_or_none()
    if found is None:
        raise Unauthorized("no operator has this key")
    return begin(session, found)


def sign_in_merchant(session: Session, key: str) -> str:
    """Return the cookie of a new session; raises Unauthorized without a merchant's good key."""
    found = session.execute(MERCHANT_KEY, {"hash": secret_hash(key)}).scalar_one_or_none()
    if found is None:
        raise Unauthorized("no merchant has this key")
    return begin(session, found)


def begin(session: Session, key_id: str) -> str:
    """Return the cookie of a new session of this key."""
    session.execute(text("delete from console_session where expires_at < now()"))
    cookie = secrets.token_urlsafe(TOKEN_BYTES)
    session.execute(
        text(
            "insert into console_session (hash, key_id, form_token, expires_at)"
            " values (:hash, :key, :token, :until)"
        ),
        {
            "hash": secret_hash(cookie),
            "key": key_id,
            "token": secrets.token_urlsafe(TOKEN_BYTES),
            "until": datetime.now(UTC) + LENGTH,
        },
    )
    return cookie


def operator_of(session: Session, cookie: str | None) -> Operator | None:
    """Return the operator who is signed in with a cookie, None when none is."""
    if cookie is None:
        return None
    row = session.execute(OPEN, {"hash": secret_hash(cookie), "needed": NEEDED}).one_or_none()
    return None if row is None else Operator(row.key_id, row.name, row.form_token)


def merchant_of(session: Session, cookie: str | None) -> Merchant | None:
    """Return the merchant who is signed in with a cookie, None when none is."""
    if cookie is None:
        return None
    row = session.execute(MERCHANT_OPEN, {"hash": secret_hash(cookie)}).one_or_none()
    if row is None:
        return None
    return Merchant(
        key_id=row.key_id,
        name=row.name,
        form_token=row.form_token,
        account_id=row.account_id,
        handle=row.handle,
        scopes=frozenset(row.scopes),
    )


def check_form(signed_in: Operator | Merchant, token: str) -> None:
    """Raise Forbidden for a form that is not of this session."""
    if not secrets.compare_digest(signed_in.form_token.encode(), token.encode()):
        raise Forbidden("this form is not of your session: load the page again", code="old_form")


def sign_out(session: Session, cookie: str) -> None:
    """End a session."""
    session.execute(
        text("delete from console_session where hash = :hash"), {"hash": secret_hash(cookie)}
    )
