"""How a payer came to the page of an invoice: in which language, by which way to pay, at a till."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Depends, Query

from gateway.checkout.speech import Lang
from gateway.web.shapes import Text

Choice = Annotated[Text | None, Query(max_length=120)]
Till = Annotated[Text | None, Query(max_length=80)]


@dataclass(frozen=True, slots=True)
class Visit:
    """What the page's address asks for; `till` is the payment link whose till shows the page."""

    option: str | None = None
    lang: str | None = None
    till: str | None = None

    def page(self, invoice_id: str) -> str:
        """Return the path of the page, as it was come to."""
        kept = query(option=self.option, lang=self.lang)
        if self.till is None:
            return f"/pay/{invoice_id}{kept}"
        return f"/pos/{quote(self.till, safe='')}/{invoice_id}{kept}"

    def act(self, invoice_id: str, deed: str) -> str:
        """Return the path under which the page asks for something, and is come back to."""
        kept = query(option=self.option, lang=self.lang, till=self.till)
        return f"/pay/{invoice_id}/{deed}{kept}"


async def visit_of(option: Choice = None, lang: Lang = None, till: Till = None) -> Visit:
    """Read a visit from a request's address."""
    return Visit(option, lang, till)


Visited = Annotated[Visit, Depends(visit_of)]


def query(**values: str | None) -> str:
    """Return ?a=b of what is not None, or nothing."""
    given = {name: value for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
