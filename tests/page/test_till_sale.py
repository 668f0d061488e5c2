"""A sale as the customer sees it at the till: it is light, and nothing on it leads away."""

import re
from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gateway import db
from gateway.invoices import service
from gateway.invoices.store import Invoice
from tests import asking
from tests.page import screens
from tests.page.sound import sound
from tests.page.test_link_page import link
from tests.page.test_pay_page import PAGE_BYTES_MAX, end
from tests.page.test_pay_screens import weight

LANGUAGES = ("en", "ar")


def sale(page: Page) -> str:
    """Sell something at a new till; returns the path of the sale."""
    page.goto(f"/pos/{link('fixed')}")
    page.locator("#charge").click()
    page.wait_for_url("**/pos/link_*/inv_*")
    return re.sub(r"^http://[^/]+", "", page.url)


def ended(path: str) -> None:
    """Let a sale's time be over."""
    with db.transaction() as session:
        end(session, service.get(session, screens.id_of(path)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sale_is_light_in_all_that_it_loads(
    payer: Callable[..., Page], site: str, language: str
) -> None:
    with db.transaction() as session:
        screens.take_signatures(session)
    page = payer("/checkout/none", locale=language)
    path = sale(page)
    with db.transaction() as session:
        asking.pay(session, service.get(session, screens.id_of(path)), "5", deposit="dep_part")
    with httpx2.Client(base_url=site) as http:
        size, _ = weight(http, f"{path}?lang={language}")
    print(f"sale, {language}: {size} bytes")
    assert size < PAGE_BYTES_MAX


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_for_a_phone_is_loaded_when_it_is_asked_for(
    payer: Callable[..., Page], language: str
) -> None:
    page = payer("/checkout/none", locale=language)
    drawn: list[str] = []
    page.on("response", lambda one: drawn.append(one.url) if "phone.svg" in one.url else None)
    path = sale(page)
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on")
    assert drawn == []
    page.locator("#phone summary").click()
    page.locator("#phone img").evaluate("image => image.decode()")
    assert len(drawn) == 1
    sound(page, "phone")
    other = link("fixed")
    id_ = screens.id_of(path)
    assert page.request.get(f"/pos/{other}/{id_}/phone.svg").status == 404


@pytest.mark.parametrize("javascript", [True, False])
def test_what_is_pressed_on_a_sale_comes_back_to_the_till(
    payer: Callable[..., Page], javascript: bool
) -> None:
    page = payer("/checkout/none", locale="en", java_script_enabled=javascript)
    path = sale(page)
    ended(path)
    page.goto(path)
    page.locator("#new-quote").click()
    page.wait_for_url(f"**{path}**")
    expect(page.locator("#panel")).to_have_attribute("data-state", "open")
    expect(page.locator("#next-sale")).to_be_visible()
    page.locator("#test-expire").click()
    page.wait_for_url(f"**{path}**")
    expect(page.locator("#panel")).to_have_attribute("data-state", "expired")
    with db.transaction() as session:
        session.execute(
            text("update invoice set created_at = now() - interval '9 days' where id = :id"),
            {"id": screens.id_of(path)},
        )
    page.goto(path)
    page.locator("#start-again").click()
    page.wait_for_url("**/pos/link_*")
    expect(page.locator("#charge")).to_be_visible()


def test_what_an_open_sale_is_told_keeps_it_at_the_till(payer: Callable[..., Page]) -> None:
    page = payer("/checkout/none", locale="en")
    path = sale(page)
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on")
    ended(path)
    expect(page.locator("#panel")).to_have_attribute("data-state", "expired")
    page.locator("#new-quote").click()
    page.wait_for_url(f"**{path}**")
    expect(page.locator("#next-sale")).to_be_visible()


def test_a_test_payment_that_fails_leads_back_to_the_sale(payer: Callable[..., Page]) -> None:
    page = payer("/checkout/none", locale="en")
    path = sale(page)
    page.locator("#test-pay").click()  # no node is there
    expect(page.locator("#notice")).to_have_attribute("data-state", "try_later")
    page.locator("#notice a").click()
    page.wait_for_url(f"**{path}**")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_paid_sale_is_accessible(payer: Callable[..., Page], language: str) -> None:
    page = payer("/checkout/none", locale=language)
    path = sale(page)
    with db.transaction() as session:
        invoice = session.get_one(Invoice, screens.id_of(path))
        asking.pay(session, service.get(session, invoice.id), "12.5", deposit=f"dep_{path[-20:]}")
    expect(page.locator("#panel")).to_have_attribute("data-state", "paid")
    sound(page, "paid sale")
    page.reload()
    expect(page.locator("#phone")).to_have_count(0)
    sound(page, "paid sale, loaded")
