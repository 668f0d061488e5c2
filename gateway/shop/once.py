"""A form of the console sent twice acts once, and leads to the same page."""

import hashlib
import json

from gateway.errors import BadRequest, Conflict
from gateway.shop.visit import Visit
from gateway.web import once
from gateway.web.once import Token

TOKEN_LENGTH_MAX = 80
NO_PART = ("form", "once")


def claim(visit: Visit, what: str, typed: dict[str, str]) -> str | None:
    """Return where an earlier sending of this form led, None when it is the first.

    Who sends it at the same time waits here. Raises BadRequest for a form without its token,
    Conflict when it was sent before with other words in it.
    """
    digest = digest_of(what, typed)
    before = once.claim(visit.session, token(visit, typed), digest)
    if before is None:
        return None
    if before.digest != digest:
        raise Conflict("this form was sent already: open a fresh one", code="old_form")
    return str(before.body["see"])


def done(visit: Visit, typed: dict[str, str], see: str) -> None:
    """Keep where a form led, for those who send it again."""
    once.done(visit.session, token(visit, typed), {"see": see})


def token(visit: Visit, typed: dict[str, str]) -> Token:
    """Return under which name a form's token is kept; raises BadRequest without one."""
    carried = typed.get("once", "")
    if not 1 <= len(carried) <= TOKEN_LENGTH_MAX:
        raise BadRequest("the form lacks its token")
    return Token(visit.merchant.account_id, f"form {carried}")


def digest_of(what: str, typed: dict[str, str]) -> bytes:
    """Return what makes two sendings the same."""
    told = sorted((key, value) for key, value in typed.items() if key not in NO_PART)
    return hashlib.sha256(json.dumps([what, told]).encode()).digest()
