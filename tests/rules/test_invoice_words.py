"""The payer's words: both languages say the same things."""

import string

import pytest

from gateway.checkout.words import LANGUAGES, choose, words


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_key_and_placeholder(language: str) -> None:
    ours, english = words(language).texts, words("en").texts
    assert ours.keys() == english.keys()
    assert {key: places(text) for key, text in ours.items()} == {
        key: places(text) for key, text in english.items()
    }
    assert all(text.strip() for text in ours.values())


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "ar", "ar"),
        (None, "AR-eg,en;q=0.9", "ar"),
        (None, "fr,en;q=0.5,ar;q=0.8", "ar"),
        (None, "fr-FR, de;q=0.7", "en"),
        (None, "ar;q=0, en;q=0.1", "en"),
        (None, "ar;q=x", "en"),
        (None, ",;=;q=,", "en"),
        ("ar", "en", "ar"),
        ("xx", "ar", "ar"),
    ],
)
def test_the_language_is_asked_for_or_the_best_match(
    asked: str | None, accepted: str, language: str
) -> None:
    assert choose(asked, accepted).language == language


def test_what_is_filled_in_is_escaped_and_keeps_its_direction() -> None:
    text = words("ar")("only", asset="<b>", network="Base")
    assert "<bdi>&lt;b&gt;</bdi>" in text
    assert words("ar").direction == "rtl"
