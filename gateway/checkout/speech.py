"""In which language a page is asked for."""

from typing import Annotated

from fastapi import Depends, Query, Request

from gateway.checkout.words import Words, choose
from gateway.web.shapes import Text

Lang = Annotated[Text | None, Query(max_length=20)]


async def spoken(request: Request, lang: Lang = None) -> Words:
    """Return the words of the payer's language."""
    return choose(lang, request.headers.get("accept-language", ""))


Speech = Annotated[Words, Depends(spoken)]
