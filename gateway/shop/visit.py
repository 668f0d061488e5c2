"""Who looks at the console: a merchant signed in by an API key, in a language."""

import secrets
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Cookie, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from gateway.checkout.words import Words, choose
from gateway.console import sessions
from gateway.console.sessions import Merchant
from gateway.errors import BadRequest, Forbidden
from gateway.shop import pages
from gateway.shop.pages import COOKIE, LANGUAGE_COOKIE
from gateway.web.auth import Principal
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303
FIELDS_MAX = 30
FIELD_LENGTH_MAX = 2_000
ONCE_BYTES = 16

Cookies = Annotated[str | None, Cookie(alias=COOKIE)]
Spoken = Annotated[str | None, Cookie(alias=LANGUAGE_COOKIE, max_length=20)]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a merchant who is signed in."""

    request: Request
    session: Session
    merchant: Merchant
    words: Words
    once: str = field(default_factory=lambda: secrets.token_urlsafe(ONCE_BYTES))
    """What the forms of this answer carry, so that a form sent twice acts once."""

    @property
    def principal(self) -> Principal:
        """The key that acts, as the API knows it."""
        return Principal(self.merchant.key_id, self.merchant.account_id, self.merchant.scopes)

    def may(self, scope: str) -> bool:
        """True if the key has this scope."""
        return scope in self.merchant.scopes

    def need(self, scope: str) -> None:
        """Raise Forbidden unless the key has this scope."""
        if not self.may(scope):
            raise Forbidden(f"this key lacks the scope {scope}", code="scope_missing")


async def language(
    request: Request,
    lang: Annotated[Text | None, Query(max_length=20)] = None,
    spoken: Spoken = None,
) -> Words:
    """Return the words of the reader's language: asked for now, chosen before, or accepted."""
    code = choose(lang or spoken, request.headers.get("accept-language", "")).language
    return pages.words(code)


Language = Annotated[Words, Depends(language)]


async def visiting(request: Request, session: Tx, words: Language, cookie: Cookies = None) -> Visit:
    """Return the visit of a merchant; anybody else is sent to sign in."""
    merchant = sessions.merchant_of(session, cookie)
    if merchant is None:
        raise HTTPException(SEE_OTHER, "sign in first", {"Location": "/shop"})
    return Visit(request, session, merchant, words)


Visiting = Annotated[Visit, Depends(visiting)]


async def fields_of(request: Request) -> dict[str, str]:
    """Return the fields of a form, trimmed; the last of each name counts. Raises BadRequest."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        found = parse_qs(body, max_num_fields=FIELDS_MAX, keep_blank_values=True)
    except ValueError as error:
        raise BadRequest("the form has too many fields") from error
    return {
        name: values[-1].replace("\x00", "").strip()[:FIELD_LENGTH_MAX]
        for name, values in found.items()
    }


Fields = Annotated[dict[str, str], Depends(fields_of)]


async def acting(visit: Visiting, fields: Fields) -> Visit:
    """Return the visit of a merchant who sends a form of this session; raises Forbidden."""
    sessions.check_form(visit.merchant, fields.get("form", ""))
    return visit


Acting = Annotated[Visit, Depends(acting)]
