"""Visits of the merchant's console: signed in, watched for what a page must not do."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.page.shop_world import Shop, build

Form = dict[str, str | float | bool]
Visit = Callable[..., Page]
made_once: list[tuple[str, Shop]] = []


@pytest.fixture
def shop(site: str) -> Shop:
    """One merchant for the tests that change nothing, made once for each server."""
    if not made_once or made_once[0][0] != site:
        made_once[:] = [(site, build())]
    return made_once[0][1]


@pytest.fixture
def own(site: str) -> Shop:
    """A merchant for one test."""
    return build()


@pytest.fixture
def visit(site: str, browser: Browser) -> Iterator[Visit]:
    """Open the console signed in; foreign requests and what the CSP forbids fail the test."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def sign_in(key: str, path: str = "", **options: Any) -> Page:
        options = {"java_script_enabled": False, "locale": "en", **options}
        context = browser.new_context(base_url=site, **options)
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda one: complaints.append(one.text) if "CSP" in one.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        foreign = re.compile(rf"^(?!{re.escape(site)})http")
        page.route(foreign, lambda route: complaints.append(route.request.url))
        page.goto("/shop")
        page.fill("#key", key)
        page.click("#sign-in button")
        if path:
            page.goto(f"/shop{path}")
        return page

    yield sign_in
    for context in opened:
        context.close()
    assert complaints == []


def submit(page: Page, **fields: str) -> None:
    """Fill a form and send it."""
    for name, value in fields.items():
        place = page.locator(f"#{name}")
        if place.evaluate("one => one.tagName") == "SELECT":
            place.select_option(value)
        else:
            place.fill(value)
    page.click("#send")
