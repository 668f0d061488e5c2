"""Shapes that many routes share: metadata, amounts as strings, times in UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

Metadata = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=40)],
        Annotated[str, Field(max_length=500)],
    ],
    Field(max_length=50, description="Your own strings, kept and given back."),
]


def storable(text: str) -> str:
    """Refuse what Postgres cannot store in text: NUL and lone surrogates."""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("the text may not contain NUL or lone surrogates")
    return text


Text = Annotated[str, AfterValidator(storable)]
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


Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]


class Body(BaseModel):
    """What a client sends: unknown fields are refused, so that a typing mistake is heard."""

    model_config = ConfigDict(extra="forbid")
