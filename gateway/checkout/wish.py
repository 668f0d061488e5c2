"""What a payer asks of a link: an amount, or how many pieces, from a form or from a program."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.checkout import keypad
from gateway.errors import BadRequest, Refused

AMOUNT_LENGTH_MAX = 100
QUANTITY_LENGTH_MAX = 6
FIELDS_MAX = 20


class PayBody(BaseModel):
    """What a program sends to pay by a link."""

    model_config = ConfigDict(strict=True)

    amount: str | None = None
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, not yet held against the link."""

    amount: str | None = None
    pieces: str | None = None
    once: str | None = None
    """What the form carries, another one each time it is shown: by it a second sending is known."""

    @property
    def quantity(self) -> int | None:
        """How many pieces, None if nothing is said; raises Refused for what is no number."""
        if self.pieces is None:
            return None
        whole = self.pieces.isascii() and self.pieces.isdecimal()
        if not whole or len(self.pieces) > QUANTITY_LENGTH_MAX:
            raise Refused("a whole number of pieces", code="quantity_refused", field="quantity")
        return int(self.pieces)


async def sent(request: Request) -> bytes:
    """Return the request's body; its route has read and bounded it."""
    return await request.body()


Sent = Annotated[bytes, Depends(sent)]


def wish_of(request: Request, body: bytes) -> Wish:
    """Return what a payer's form or a program's JSON asks for; raises BadRequest."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json" and body:
        return of_program(body)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise BadRequest(f"a form has at most {FIELDS_MAX} fields") from error
    amount = keypad.plain(fields.get("amount", [""])[0][:AMOUNT_LENGTH_MAX])
    pieces = fields.get("quantity", [""])[0].translate(keypad.ARABIC).strip()
    return Wish(amount or None, pieces or None, fields.get("once", [""])[0] or None)


def of_program(body: bytes) -> Wish:
    """Return what a JSON object asks for; raises BadRequest for what is none."""
    try:
        found = PayBody.model_validate_json(body)
    except ValidationError as error:
        raise BadRequest("an object with an amount as a string, or a whole quantity") from error
    return Wish(found.amount, None if found.quantity is None else str(found.quantity))
