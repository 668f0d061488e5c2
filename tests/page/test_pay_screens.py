"""The rarer screens of the payer's pages: readable by everybody, and they say what is true."""

import re
from collections.abc import Callable
from functools import partial

import httpx2
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gateway import db
from tests.page import screens
from tests.page.sound import sound
from tests.page.test_pay_page import PAGE_BYTES_MAX, STATES, add_payment, head_age, in_state

LANGUAGES = ("en", "ar")
SIGNED = "#signed-payment"
SCREENS: dict[str, tuple[Callable[[], str], str]] = {
    "safe": (lambda: screens.waits_for("safe"), "#progress[data-finality=safe]"),
    "finalized": (lambda: screens.waits_for("finalized"), "#progress[data-finality=finalized]"),
    "ends soon": (lambda: screens.ending(10), "#left:not([hidden])"),
    "ends very soon": (lambda: screens.ending(3), "#left.near:not([hidden])"),
    "minimum": (screens.with_a_minimum, "#at-least"),
    "signed": (screens.signed_in_vain, SIGNED),
    "signed, reverted": (screens.reverted, SIGNED),
    "signed, less due": (lambda: screens.signed_in_vain("invoice_asks_less"), SIGNED),
    "signed, called off": (screens.called_off, SIGNED),
    "signed, not needed": (
        lambda: screens.signed_in_vain("invoice_paid", state="paid"),
        SIGNED,
    ),
    "returned": (screens.returned, "#returned"),
    "parts": (screens.in_many_parts, "#older"),
    "receipt, paid": (lambda: screens.receipt("paid"), "#receipt[data-state=paid]"),
    "receipt, late": (lambda: screens.receipt("late"), "#receipt[data-state=late]"),
    "receipt, part": (lambda: screens.receipt("partial"), "#receipt[data-state=partial]"),
    "receipt, seen": (lambda: screens.receipt("processing"), "#receipt[data-state=processing]"),
    "receipt, over": (
        lambda: screens.receipt("expired_partial"),
        "#receipt[data-state=expired_partial]",
    ),
    "receipt, reverted": (screens.not_final, "#receipt[data-state=open]"),
    "receipt, returned": (lambda: f"{screens.returned()}/receipt", "#returning"),
    "no page": (lambda: "/pay/inv_none", "#notice[data-state=gone]"),
    "no link": (lambda: "/l/link_none", "#notice[data-state=gone]"),
}
POST = """path => {
  const form = document.createElement('form')
  form.method = 'post'
  form.action = path
  document.body.append(form)
  form.submit()
}"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_read_every_screen(payer: Callable[..., Page], language: str) -> None:
    phone = {"width": 360, "height": 740}
    page = payer("/checkout/none", locale=language, viewport=phone)
    for name, (make, shows) in SCREENS.items():
        page.goto(make())
        expect(page.locator(shows)).to_be_attached()
        expect(page.locator("html")).to_have_attribute("lang", language)
        sound(page, name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_says_what_did_not_work(payer: Callable[..., Page], language: str) -> None:
    path = in_state("open")
    page = payer(path, locale=language)
    head_age("1 hour")
    page.evaluate(POST, f"{path}/test")
    expect(page.locator("#notice")).to_have_attribute("data-state", "try_later")
    sound(page, "try later")
    page.locator("#notice a").click()
    page.wait_for_url(f"**{path}")
    expect(page.locator("#banner h2")).to_contain_text("Mizan Devnet")
    sound(page, "paused")
    head_age("-1 hour")
    page.evaluate(POST, f"{in_state('void')}/quote")
    expect(page.locator("#notice")).to_have_attribute("data-state", "no_quote")
    sound(page, "no quote")


def test_what_went_back_is_told_and_nobody_is_sent_to_ask_for_it(
    payer: Callable[..., Page],
) -> None:
    path = screens.returned()
    page = payer(path, locale="en")
    expect(page.locator("#returned dd")).to_have_text("4.00 USD")
    expect(page.locator("#returning dd")).to_have_text("2.50 USD")
    expect(page.locator("#banner p")).not_to_contain_text("Ask")
    page.goto(f"{path}/receipt")
    expect(page.locator("#returned dt")).to_have_text("Returned to you")
    page.goto(in_state("paid"))
    expect(page.locator("#returned, #returning")).to_have_count(0)


def test_an_open_page_hears_of_what_goes_back(payer: Callable[..., Page]) -> None:
    path = in_state("expired_partial")
    page = payer(path, locale="en")
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on")
    screens.give_back(path, "5", "pending")
    expect(page.locator("#returning dd")).to_have_text("5.00 USD")


def test_of_many_payments_the_newest_are_shown_and_all_on_the_receipt(
    payer: Callable[..., Page],
) -> None:
    page = payer(screens.in_many_parts(13), locale="en")
    shown = page.locator("[data-payment]")
    expect(shown).to_have_count(6)
    expect(shown.first).to_contain_text("0.13 USDC")
    expect(shown.last).to_contain_text("0.08 USDC")
    expect(page.locator("#older")).to_have_text("And 7 more on the receipt")
    page.locator("#open-receipt").click()
    expect(shown).to_have_count(13)
    expect(shown.first).to_contain_text("0.01 USDC")
    page.goto(screens.in_many_parts(6))
    expect(shown).to_have_count(6)
    expect(page.locator("#older")).to_have_count(0)


def test_what_a_payer_opened_stays_open(payer: Callable[..., Page]) -> None:
    path = in_state("open")
    page = payer(path, locale="en")
    page.locator("#signed summary").click()
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on")
    add_payment(path, "5", "confirming")
    expect(page.locator("#panel")).to_have_attribute("data-state", "partial")
    expect(page.locator("#signature")).to_be_visible()
    assert page.locator("#details").get_attribute("open") is None, "it was closed and stays so"


def weight(http: httpx2.Client, path: str) -> tuple[int, int]:
    """Return the bytes of a page with its files, and how many files those are."""
    html = http.get(path)
    files = set(re.findall(r'(?:href|src)="(/checkout/[^"]+)"', html.text))
    return len(html.content) + sum(len(http.get(one).content) for one in files), len(files)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_light(site: str, language: str) -> None:
    with db.transaction() as session:
        screens.take_signatures(session)
        session.execute(text("update chain set explorer_url = 'https://scan.example/tx/{tx}'"))
    makes: dict[str, Callable[[], str]] = {state: partial(in_state, state) for state in STATES}
    makes |= {name: make for name, (make, _) in SCREENS.items()}
    with httpx2.Client(base_url=site) as http:
        found = {name: weight(http, f"{make()}?lang={language}") for name, make in makes.items()}
    with db.transaction() as session:
        session.execute(text("update chain set explorer_url = null"))
    assert found["open"][1] == 4, "the page with its style, and all three scripts"
    print(sorted(found.items(), key=lambda one: -one[1][0])[:3])
    assert max(size for size, _ in found.values()) < PAGE_BYTES_MAX, found
