"""The operators' words: the same in every language, and one for every reason to hold something."""

import re
from importlib.resources import files

import pytest

from gateway.checkout.words import LANGUAGES
from gateway.console.pages import words
from gateway.deposits import blocked
from gateway.policy import rules

PLACE = re.compile(r"{(\w+)}")
HELD = re.compile(r'Hold\("(\w+)"\)')
CODE = [one.read_text("utf-8") for one in (files("gateway.policy")).iterdir() if one.is_file()]


def test_every_language_says_the_same_things() -> None:
    english = words("en").texts
    for language in LANGUAGES:
        texts = words(language).texts
        assert texts.keys() == english.keys()
        for key, told in texts.items():
            assert told.strip(), key
            assert set(PLACE.findall(told)) == set(PLACE.findall(english[key])), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_word_for_every_reason(language: str) -> None:
    found = {reason for source in CODE for reason in HELD.findall(source)}
    assert len(found) >= 4, "the rules are where they were"
    found |= {rules.FAILED, blocked.LISTED_SENDER, blocked.DENIED_TOKEN, blocked.FROZEN}
    assert {f"reason_{one}" for one in found} - words(language).texts.keys() == set()
