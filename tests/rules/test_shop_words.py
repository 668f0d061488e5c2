"""The console's words: the same keys and places in every language, and one for all it names."""

import re
from importlib.resources import files
from typing import Any, get_args

import pytest

from gateway.checkout.words import LANGUAGES
from gateway.links.rules import Status as LinkStatus
from gateway.shop.actions import ACTIONS
from gateway.shop.forms import FORMS
from gateway.shop.listings import LISTINGS, TABS
from gateway.shop.pages import words

PLACE = re.compile(r"{(\w+)}")
TEMPLATES = [one.read_text("utf-8") for one in (files("gateway.shop") / "templates").iterdir()]
LITERAL = re.compile(r"words(?:\.plain)?\('(\w+)'(?!\s*~)[,)]")


def test_every_language_says_the_same_things() -> None:
    english = words("en").texts
    for language in LANGUAGES:
        texts = words(language).texts
        assert texts.keys() == english.keys()
        for key, told in texts.items():
            assert told.strip(), key
            assert set(PLACE.findall(told)) == set(PLACE.findall(english[key])), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_word_for_everything_a_page_names(language: str) -> None:
    known = words(language).texts
    needed = {f"list_{name}" for name in LISTINGS}
    for listing in LISTINGS.values():
        needed |= {f"col_{column.key}" for column in listing.columns}
        needed |= {f"col_{name}" for name in listing.filters}
        needed |= {f"status_{name}" for name in listing.status}
    needed |= {f"status_{name}" for name in get_args(LinkStatus)}
    for name in FORMS:
        needed |= {f"form_{name}", f"about_{name}", f"submit_{name}"}
    needed |= {key for source in TEMPLATES for key in LITERAL.findall(source)}
    assert needed - known.keys() == set()


def nothing(*_: Any) -> tuple[()]:
    return ()


@pytest.mark.parametrize("name", FORMS)
def test_every_question_has_its_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in ("networks", "asset_codes", "book", "get_invoice", "unsettled"):
        monkeypatch.setattr(f"gateway.shop.forms.{source}", nothing)
    monkeypatch.setattr("gateway.shop.selling.asset_codes", nothing)
    visit: Any = type("Visit", (), {"session": None, "principal": None})
    known = words("en").texts
    hints = FORMS[name].hints or name
    for field in FORMS[name].fields(visit, ""):
        assert f"field_{field.name}" in known
        assert not field.hint or f"hint_{hints}_{field.name}" in known
        if field.worded:
            assert {f"choice_{field.name}_{value}" for value, _ in field.choices} <= known.keys()


def test_every_list_and_every_change_needs_a_scope() -> None:
    from gateway.scopes import ACCOUNT_SCOPES

    asked: list[Any] = [*LISTINGS.values(), *FORMS.values(), *ACTIONS.values()]
    assert {one.scope for one in asked} <= ACCOUNT_SCOPES
    changes: list[Any] = [*FORMS.values(), *ACTIONS.values()]
    assert {one.scope.partition(":")[2] for one in changes} == {"write"}
    assert set(TABS) < set(LISTINGS)


def test_a_page_shows_only_what_an_endpoint_tells_of_its_health() -> None:
    from gateway.webhooks.shapes import EndpointHealth

    shown = {name for source in TEMPLATES for name in re.findall(r"health\.(\w+)", source)}
    assert "breaker" in shown
    assert shown <= EndpointHealth.model_fields.keys()
