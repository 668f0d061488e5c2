"""A payer's whole way in a browser: the link, the invoice, `Pay (test)`, and the page follows."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, expect

from tests.whole.conftest import Whole
from tests.whole.world import Api, eventually

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]

PAID_SECONDS = 90.0
DIRECTIONS = {"en": "ltr", "ar": "rtl"}
# What the page shows, kept across its navigations: each change of the panel, without asking it.
KEEP_NOTES = """
    const note = () => {
        const panel = document.getElementById('panel')
        if (!panel) return
        const seen = document.getElementById('progress')?.dataset.seen ?? ''
        const line = `${panel.dataset.state} ${seen}`.trim()
        const notes = JSON.parse(sessionStorage.notes ?? '[]')
        if (notes.at(-1) !== line) sessionStorage.notes = JSON.stringify([...notes, line])
    }
    sessionStorage.loads = Number(sessionStorage.loads ?? 0) + 1
    document.addEventListener('DOMContentLoaded', () => {
        note()
        new MutationObserver(note).observe(document.body, { childList: true, subtree: true })
    })
"""


@pytest.fixture
def link(running: Whole) -> str:
    """The page of a payment link over 12.50 USD."""
    with Api(running.facts["base_url"], running.facts["merchant_key"]) as merchant:
        body = {"title": "Coffee and cake", "amount": "12.50", "currency": "USD"}
        return str(merchant.post("/v1/payment_links", body)["url"])


@pytest.fixture
def visit(browser: Browser, running: Whole) -> Iterator[Callable[..., Page]]:
    """Open a page as a payer; a script's error or a request to anybody else fails the test."""
    contexts = []
    wrong: list[str] = []
    ours = running.facts["base_url"]

    def opened(url: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.add_init_script(KEEP_NOTES)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: wrong.extend(foreign(asked.url, ours)))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def foreign(url: str, ours: str) -> list[str]:
    """Return the address if it is not ours."""
    return [] if url.startswith(ours) else [url]


def begin(page: Page) -> str:
    """Make the invoice by the link's form and press `Pay (test)`; returns the invoice's id."""
    page.locator("#continue").click()
    page.wait_for_url("**/pay/inv_*")
    expect(page.locator("#address")).to_have_text(re.compile("^0x[0-9a-fA-F]{40}$"))
    page.locator("#test-pay").click()
    page.wait_for_url("**/pay/inv_*")
    return re.split(r"[/?]", page.url.partition("/pay/")[2])[0]


def is_paid(page: Page, language: str, running: Whole, invoice: str) -> None:
    """The page says so in the payer's language, anybody can read it, and the API agrees."""
    html = page.locator("html")
    expect(html).to_have_attribute("lang", language)
    expect(html).to_have_attribute("dir", DIRECTIONS[language])
    assert re.search("paid" if language == "en" else "[\u0600-\u06ff]", page.title(), re.I)
    expect(page.locator("#receipt code.hash")).to_have_text(re.compile("^0x[0-9a-f]{64}$"))
    found = running.api.get(f"/v1/invoices/{invoice}")
    assert (found["status"], found["paid_state"]) == ("paid", "exact")
    (payment,) = found["payments"]
    shown = page.locator("#receipt code.hash").inner_text().replace("\n", "")
    assert payment["tx_hash"] == shown
    assert payment["confirmations"] >= payment["confirmations_required"] == 3


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_payment_is_followed_live(
    visit: Callable[..., Page], running: Whole, link: str, language: str
) -> None:
    page = visit(link, locale=language)
    invoice = begin(page)
    expect(page.locator("#panel")).to_have_attribute(
        "data-state", "paid", timeout=PAID_SECONDS * 1000
    )
    notes, loads = page.evaluate("[JSON.parse(sessionStorage.notes), Number(sessionStorage.loads)]")
    assert loads == 3, "the link, the invoice, the invoice after the button: no reload since"
    assert notes[0] == "open"
    assert notes[-1] == "paid"
    steps = [int(note.split()[1]) for note in notes if note.startswith("processing ")]
    assert steps, notes
    assert steps == sorted(set(steps))
    assert set(steps) <= {0, 1, 2, 3}
    assert {note.split()[0] for note in notes} == {"open", "processing", "paid"}
    expect(page.locator("#announce")).not_to_be_empty()
    is_paid(page, language, running, invoice)
    assert Axe().run(page).violations_count == 0, Axe().run(page).generate_report()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_payment_is_followed_without_script(
    visit: Callable[..., Page], running: Whole, link: str, language: str
) -> None:
    page = visit(link, locale=language, java_script_enabled=False)
    invoice = begin(page)
    seen = []

    def state() -> str | None:
        try:
            found = page.locator("#panel").get_attribute("data-state", timeout=5_000)
        except Error:  # the page refreshes itself while it is asked
            return None
        if found and found not in seen:
            seen.append(found)
        return found

    eventually("the page refreshes itself until it is paid", lambda: state() == "paid", 90)
    assert seen[-1] == "paid"
    assert set(seen) <= {"open", "processing", "paid"}
    is_paid(page, language, running, invoice)
    assert "refresh" not in page.content()
    reader = visit(page.url, locale=language)
    assert Axe().run(reader).violations_count == 0
