"""What a form of the console is: what it asks and does, and how answers become a body."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from gateway.ledger import service as ledger
from gateway.shop.visit import Visit

TO_THE_MINUTE = len("2026-01-31T10:00")

Typed = dict[str, str]
Choices = tuple[tuple[str, str], ...]
Made = TypeVar("Made", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Field:
    """One question. `choices` of which `worded` ones are named in the reader's language."""

    name: str
    kind: Literal["text", "amount", "number", "choice", "address", "switch", "moment"] = "text"
    required: bool = False
    hint: bool = False
    choices: Choices = ()
    worded: bool = False
    value: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The page to show then; before it `secret`, of a kind, that is shown this once."""

    see: str
    secret: str = ""
    kind: Literal["secret", "refund_page"] = "secret"


def nothing(_: Visit, __: str) -> Typed:
    """Return what is known beforehand of something new."""
    return {}


@dataclass(frozen=True, slots=True)
class Form:
    """A form: what it asks, which scope it needs, and what sending it does.

    `of` is the object the form is about, "" for none; `back` may lead to it. `known` is what the
    form shows as answered already, `hints` the form whose hints it shares.
    """

    name: str
    scope: str
    back: str
    fields: Callable[[Visit, str], tuple[Field, ...]]
    send: Callable[[Visit, str, Typed], Sent]
    known: Callable[[Visit, str], Typed] = nothing
    hints: str = ""


def body(
    model: type[Made],
    typed: Typed,
    *,
    numbers: tuple[str, ...] = (),
    cleared: bool = False,
    **more: Any,
) -> Made:
    """Return the body of the API's call; an empty field counts as left out, or as null if that
    is how it is `cleared`. Raises ValidationError.
    """
    given: dict[str, Any] = {
        name: value or None
        for name, value in typed.items()
        if (value or cleared) and name in model.model_fields
    }
    for name in numbers:
        value = given.get(name) or ""
        if value.isascii() and value.isdigit():
            given[name] = int(value[:12])
    return model.model_validate({**given, **more})


def filled(fields: tuple[Field, ...], answers: Typed) -> tuple[Field, ...]:
    """Return the questions with what is answered already."""
    return tuple(replace(one, value=answers.get(one.name, one.value)) for one in fields)


def listed(text: str) -> list[str]:
    """Return the words of a list, however they are parted."""
    return text.replace(",", " ").replace("\N{ARABIC COMMA}", " ").split()


def in_one_line(text: str) -> str:
    """Return a text as a browser sends it back from a field of one line."""
    return text.replace("\r", "").replace("\n", "").strip()


def in_utc(text: str) -> str:
    """Return a typed moment as the API reads it (RFC 3339); a browser may leave out seconds."""
    return f"{text}:00Z" if len(text) == TO_THE_MINUTE else f"{text}Z"


def typed_moment(moment: datetime | None) -> str:
    """Return a moment as a browser's field has it, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if moment else ""


def same(names: tuple[str, ...]) -> Choices:
    """Return choices that are named in the reader's words."""
    return tuple((name, name) for name in names)


def asset_codes(visit: Visit) -> Choices:
    """Return the assets money can be in."""
    return tuple((one.code, one.code) for one in ledger.assets(visit.session))
