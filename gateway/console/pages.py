"""Turn the operators' facts into HTML, in the payer's page's style."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from gateway.checkout import pages as checkout
from gateway.checkout.words import LANGUAGES, Words
from gateway.web.shapes import rfc3339

STYLE = "text/css; charset=utf-8"
HEADERS = {**checkout.HEADERS, "Vary": "Accept-Language, Cookie"}


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Words:
    """Return the operators' words of a language."""
    source = files("gateway.console") / "locale" / f"{language}.json"
    return Words(language, json.loads(source.read_text("utf-8")))


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the templates; the frame of every page is the payer's."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("gateway.console"), PackageLoader("gateway.checkout")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=checkout.asset_url, rfc3339=rfc3339, clock=checkout.clock)
    return environment


def style() -> Response:
    """Return the page's own style."""
    body = (files("gateway.console") / "static" / "console.css").read_bytes()
    return Response(body, media_type=STYLE, headers={**HEADERS, "Cache-Control": "max-age=300"})


def html(
    request: Request, template: str, language: str, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """Render a whole page."""
    chosen = words(language)
    known = [
        (code, words(code).plain("language_name"), str(request.url.include_query_params(lang=code)))
        for code in LANGUAGES
    ]
    body = (
        templates()
        .get_template(template)
        .render(words=chosen, languages=known, title=chosen.plain("title"), **values)
    )
    return HTMLResponse(body, status, headers={**HEADERS, "Content-Language": language})
