"""Turn a merchant's facts into HTML, in the payer's page's style."""

import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from gateway.checkout import pages as checkout
from gateway.checkout.words import LANGUAGES, Words
from gateway.settings import settings
from gateway.web.shapes import rfc3339

HEADERS = {**checkout.HEADERS, "Vary": "Accept-Language, Cookie"}
COOKIE, LANGUAGE_COOKIE = "mizan_shop", "mizan_lang"
LANGUAGE_SECONDS = 365 * 24 * 3600
STATIC = {"shop.css": "text/css; charset=utf-8", "shop.js": "text/javascript; charset=utf-8"}


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Words:
    """Return the console's words of a language."""
    source = files("gateway.shop") / "locale" / f"{language}.json"
    return Words(language, json.loads(source.read_text("utf-8")))


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the templates; the frame of every page is the payer's."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("gateway.shop"), PackageLoader("gateway.checkout")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        asset=checkout.asset_url, own=own_url, rfc3339=rfc3339, clock=checkout.clock
    )
    return environment


@lru_cache(maxsize=len(STATIC))
def static(name: str) -> tuple[bytes, str]:
    """Return a static file and the version its address carries."""
    body = (files("gateway.shop") / "static" / name).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:12]


def own_url(name: str) -> str:
    """Return the address of a static file; a changed file has another."""
    return f"/shop/static/{name}?v={static(name)[1]}"


def static_file(name: str) -> Response | None:
    """Return a static file to keep for ever, None if there is none of that name."""
    if name not in STATIC:
        return None
    headers = {**HEADERS, "Cache-Control": checkout.FOR_EVER}
    return Response(static(name)[0], media_type=STATIC[name], headers=headers)


def languages(request: Request) -> list[tuple[str, str, str]]:
    """Return each language with its own name and this page's address in it."""
    kept = [pair for pair in request.query_params.multi_items() if pair[0] != "lang"]
    return [
        (code, words(code).plain("language_name"), f"?{urlencode([*kept, ('lang', code)])}")
        for code in LANGUAGES
    ]


def html(
    request: Request, template: str, spoken: Words, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """Render a whole page."""
    body = (
        templates()
        .get_template(template)
        .render(words=spoken, languages=languages(request), **values)
    )
    answer = HTMLResponse(body, status, headers={**HEADERS, "Content-Language": spoken.language})
    if request.query_params.get("lang") == spoken.language:
        keep(answer, LANGUAGE_COOKIE, spoken.language, LANGUAGE_SECONDS)
    return answer


def keep(answer: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that no script reads and no other site's request carries."""
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/shop",
        httponly=True,
        samesite="strict",
        secure=settings().base_url.startswith("https://"),
    )
