"""Every word a payer reads, from locale/<language>/*.json: flat keys, `{name}` is filled in."""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from markupsafe import Markup, escape

LANGUAGES = ("en", "ar")
DEFAULT = "en"
RIGHT_TO_LEFT = frozenset({"ar"})
HEADER_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: str
    texts: dict[str, str]

    @property
    def direction(self) -> str:
        """Which way the language is written."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def __call__(self, key: str, **values: object) -> Markup:
        """Return a text for HTML; what is filled in keeps its own direction, an amount and its unit
        side by side keep one.
        """
        filled = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in values.items()}
        return escape(self.texts[key]).format(**filled).replace("</bdi> <bdi>", " ")

    def plain(self, key: str, **values: object) -> str:
        """Return a text for a title or an attribute."""
        return self.texts[key].format(**values)


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Words:
    """Return the words of a language we speak."""
    texts: dict[str, str] = {}
    for source in (files("gateway.checkout") / "locale" / language).iterdir():
        texts |= json.loads(source.read_text("utf-8"))
    return Words(language, texts)


def choose(asked: str | None, accepted: str) -> Words:
    """Return the words of ?lang=, else of the best match of Accept-Language (RFC 9110, 12.5.4)."""
    if asked in LANGUAGES:
        return words(asked)
    ranked = sorted(weighted(accepted[:HEADER_LENGTH_MAX]), key=lambda pair: -pair[0])
    return words(next((language for weight, language in ranked if weight > 0), DEFAULT))


def weighted(accepted: str) -> list[tuple[float, str]]:
    """Return the languages of the header that we speak, with their weights."""
    found = []
    for item in accepted.lower().split(","):
        tag, _, parameters = item.partition(";")
        language = tag.strip().partition("-")[0]
        if language in LANGUAGES:
            found.append((quality(parameters), language))
    return found


def quality(parameters: str) -> float:
    """Return the weight of an entry: 1 unless it says otherwise, 0 for what cannot be read."""
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    digits = value.strip()
    return float(digits) if digits.replace(".", "", 1).isdecimal() and digits.isascii() else 0.0
