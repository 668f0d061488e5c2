"""Styles that hold in both directions of writing, and the headers that keep foreign script out."""

import re
from importlib.resources import files

import pytest

from gateway.checkout import pages

STYLES = {
    f"{room}/{one.name}": one.read_text("utf-8")
    for room in ("checkout", "shop", "console")
    for one in (files(f"gateway.{room}") / "static").iterdir()
    if one.name.endswith(".css")
}
PHYSICAL = re.compile(
    r"(?:margin|padding|border|inset)-(?:left|right)\b|\bfloat\s*:|(?:^|[;{\s])(?:left|right)\s*:"
)
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def test_the_styles_are_found() -> None:
    assert {"checkout/page.css", "shop/shop.css", "console/console.css"} <= STYLES.keys()


@pytest.mark.parametrize("name", STYLES)
def test_no_style_names_a_side_of_the_screen(name: str) -> None:
    assert PHYSICAL.findall(STYLES[name]) == []


@pytest.mark.parametrize(
    "bad",
    ["a { margin-left: 1px; }", "a { float: left; }", "a { left: 0; }", "a{color:red;right:1px}"],
)
def test_a_side_would_be_found(bad: str) -> None:
    assert PHYSICAL.search(bad)


def test_pages_and_their_files_allow_nothing_that_is_not_ours() -> None:
    """Whoever loosens it has to change it here as well."""
    found = pages.static_file("page.js")
    assert found is not None
    assert found.headers["content-security-policy"] == CSP
    assert pages.HEADERS["Content-Security-Policy"] == CSP
