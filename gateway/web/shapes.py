"""Shapes that many routes share: metadata, amounts as strings, times in UTC."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
)

RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def storable(text: str) -> str:
    """Refuse what Postgres cannot store in text: NUL and lone surrogates."""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("the text may not contain NUL or lone surrogates")
    return text


Text = Annotated[str, AfterValidator(storable)]
Metadata = Annotated[
    dict[
        Annotated[Text, Field(min_length=1, max_length=40)],
        Annotated[Text, Field(max_length=500)],
    ],
    Field(max_length=50, description="Your own strings, kept and given back."),
]
Amount = Annotated[
    str,
    Field(
        max_length=100,
        pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$",
        description='A plain positive decimal in the asset\'s unit, such as "12.50".',
        examples=["12.50"],
    ),
]
Address = Annotated[
    str,
    Field(
        pattern=r"^0x[0-9a-fA-F]{40}$",
        description="Lower case, or mixed case with its EIP-55 checksum.",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(storable)]


def rfc3339(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def in_rfc3339(text: object) -> object:
    """Refuse what is no RFC 3339 time: the parser would take a bare number for Unix seconds."""
    if isinstance(text, int | float) or (isinstance(text, str) and not RFC3339.fullmatch(text)):
        raise ValueError("an RFC 3339 time with its zone, such as 2026-01-31T00:00:00Z")
    return text


Moment = Annotated[AwareDatetime, BeforeValidator(in_rfc3339)]
Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]


class Body(BaseModel):
    """What a client sends: unknown fields are refused, so that a typing mistake is heard.

    Strict: the parser would take 0 for false and "300" for 300, and the document says otherwise.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


def example(**fields: JsonValue) -> ConfigDict:
    """Return what shows a body of these fields in the document."""
    return ConfigDict(json_schema_extra={"examples": [fields]})
