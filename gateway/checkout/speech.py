"""In which language a page is asked for, and whether a page is."""

from typing import Annotated

from fastapi import Depends, Query, Request

from gateway.checkout.words import HEADER_LENGTH_MAX, Words, choose, quality
from gateway.web.shapes import Text

Lang = Annotated[Text | None, Query(max_length=20)]


async def spoken(request: Request, lang: Lang = None) -> Words:
    """Return the words of the payer's language."""
    return choose(lang, request.headers.get("accept-language", ""))


Speech = Annotated[Words, Depends(spoken)]


def prefers_json(request: Request) -> bool:
    """True if JSON is named before a page (RFC 9110, 12.5.1). What takes anything gets the page."""
    wanted = {"application/json": 0.0, "text/html": 0.0}
    for item in request.headers.get("accept", "")[:HEADER_LENGTH_MAX].lower().split(","):
        kind, _, parameters = item.partition(";")
        if kind.strip() in wanted:
            wanted[kind.strip()] = quality(parameters)
    return wanted["application/json"] > wanted["text/html"]
