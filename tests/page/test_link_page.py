"""A payment link and its till in a browser: both languages and themes, with a script or without."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select

from gateway import db
from gateway.invoices import service
from gateway.invoices.store import Invoice
from gateway.links import service as links
from gateway.links.rules import Offer
from gateway.money import USD, Money
from tests import asking
from tests.page import test_pay_page

PAGE_BYTES_MAX = 30_000


def usd(amount: str) -> Money:
    return Money.parse(amount, USD)


OFFERS: dict[str, dict[str, Any]] = {
    "open": {},
    "bounded": {
        "min_amount": usd("2"),
        "max_amount": usd("500"),
        "suggested": (usd("5"), usd("10"), usd("25")),
        "expires_at": datetime(2099, 1, 1, tzinfo=UTC),
    },
    "fixed": {"amount": usd("12.5")},
    "pieces": {"amount": usd("12.5"), "max_quantity": 9},
    "inactive": {"active": False, "inactive_message": "Back on Sunday. نعود يوم الأحد."},
    "expired": {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
    "used_up": {"max_uses": 1},
    "once": {"amount": usd("3"), "max_uses": 1},
}


def link(kind: str) -> str:
    """Make a link; returns its id."""
    with db.transaction() as session:
        shop = test_pay_page.shop_of(session)
        offer = Offer(title="Tea and cake", currency=USD, **OFFERS[kind])
        made = links.create(session, account_id=shop.id, offer=offer).id
        if kind == "used_up":
            links.pay(session, link_id=made, amount="5")
        return made


def invoices(link_id: str) -> int:
    with db.transaction() as session:
        query = select(func.count()).where(Invoice.link_id == link_id)
        return session.scalar(query) or 0


def sound(page: Page, where: str) -> None:
    """Assert that axe finds nothing and that nothing scrolls sideways."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{where} scrolls sideways by {wide}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_link_and_till_is_accessible(
    payer: Callable[..., Page], language: str, theme: str
) -> None:
    phone = {"width": 360, "height": 740}
    page = payer("/checkout/none", color_scheme=theme, locale=language, viewport=phone)
    for kind in OFFERS:
        made = link(kind)
        page.goto(f"/l/{made}")
        status = kind if kind in ("inactive", "expired", "used_up") else "active"
        expect(page.locator("#link")).to_have_attribute("data-status", status)
        expect(page.locator("html")).to_have_attribute("lang", language)
        sound(page, f"link {kind}")
        if kind in ("open", "pieces", "inactive", "used_up"):
            page.goto(f"/pos/{made}")
            expect(page.locator("#till")).to_have_attribute("data-status", status)
            sound(page, f"till {kind}")
    for place, press in (("l", "#continue"), ("pos", "#charge")):
        for kind, field, typed in (("bounded", "#amount", "501"), ("pieces", "#quantity", "10")):
            page.goto(f"/{place}/{link(kind)}")
            page.locator(field).fill(typed)
            page.locator("form").last.evaluate("form => { form.noValidate = true }")
            page.locator(press).click()
            expect(page.locator("#wrong")).to_be_visible()
            sound(page, f"{place}, {kind}, wrong")
    page.goto(f"/pos/{link('fixed')}")
    page.locator("#charge").click()
    page.wait_for_url("**/pos/link_*/inv_*")
    page.locator("#phone summary").click()
    sound(page, "sale")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_link_is_paid_by_keyboard(payer: Callable[..., Page], language: str) -> None:
    page = payer(f"/l/{link('open')}", locale=language)
    page.keyboard.press("Tab")
    expect(page.locator("#amount")).to_be_focused()
    page.keyboard.type("4.20")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pay/inv_*")
    expect(page.locator("#amount")).to_have_text("4.20")
    expect(page.locator("#purpose")).to_have_text("Tea and cake")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_double_click_on_the_last_use_leads_to_its_invoice(
    payer: Callable[..., Page], javascript: bool
) -> None:
    made = link("once")
    page = payer(f"/l/{made}", locale="en", java_script_enabled=javascript)
    first: list[int] = []

    def press_before(route: Route) -> None:
        """The first press is answered, and the browser shows the answer to the second one."""
        request = route.request
        if request.method == "POST":
            kind = {"content-type": request.headers["content-type"]}
            sent = page.request.post(
                request.url, data=request.post_data, headers=kind, max_redirects=0
            )
            first.append(sent.status)
        route.continue_()

    page.route("**/l/*", press_before)
    page.locator("#continue").click()
    page.wait_for_url("**/pay/inv_*")
    assert first == [303]
    expect(page.locator("#address")).to_be_visible()
    assert invoices(made) == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_a_payer_takes_what_is_suggested_or_how_many(
    payer: Callable[..., Page], javascript: bool
) -> None:
    bounded = link("bounded")
    page = payer(f"/l/{bounded}", locale="en", java_script_enabled=javascript)
    page.locator("#amount").fill("501")
    page.locator("#continue").click()
    expect(page.locator("#wrong")).to_have_text("From 2.00 to 500.00 USD.")
    expect(page.locator("#amount")).to_have_value("501")
    assert invoices(bounded) == 0
    page.locator("#suggested button", has_text="10.00").click()
    page.wait_for_url("**/pay/inv_*")
    expect(page.locator("#price")).to_have_text("10.00 USD")
    page.goto(f"/l/{link('pieces')}")
    page.locator("#quantity").fill("3")
    page.locator("#continue").click()
    page.wait_for_url("**/pay/inv_*")
    expect(page.locator("#price")).to_have_text("37.50 USD")
    expect(page.locator("#purpose")).to_have_text("Tea and cake × 3")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_till_charges_what_its_keys_say(payer: Callable[..., Page], javascript: bool) -> None:
    made = link("open")
    page = payer(f"/pos/{made}?lang=en", locale="ar", java_script_enabled=javascript)
    before = page.url
    for key in ("1", "2", ".", "5", "9", "back", "5", "0"):
        page.locator(f'.key[value="{key}"]').click()
    expect(page.locator("#amount")).to_have_value("12.55")
    assert (page.url == before) is javascript, "with a script no key loads the page"
    assert invoices(made) == 0
    page.locator("#charge").click()
    page.wait_for_url("**/pos/link_*/inv_*")
    assert invoices(made) == 1
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#price")).to_have_text("12.55 USD")
    expect(page.locator("#qr svg")).to_be_visible()
    page.locator("#next-sale").click()
    page.wait_for_url(re.compile(rf"/pos/{made}\?lang=en$"))
    expect(page.locator("#amount")).to_have_value("")


def test_the_till_takes_a_keyboard_and_charges_once(payer: Callable[..., Page]) -> None:
    made = link("open")
    page = payer(f"/pos/{made}", locale="en")
    page.locator("#amount").focus()
    page.keyboard.type("3")
    # both presses before the answer to the first one
    page.evaluate("for (const _ of [1, 2]) document.getElementById('charge').click()")
    page.wait_for_url("**/pos/link_*/inv_*")
    assert invoices(made) == 1


def test_a_sale_follows_its_payment_live(payer: Callable[..., Page]) -> None:
    page = payer(f"/pos/{link('fixed')}", locale="en")
    page.locator("#charge").click()
    page.wait_for_url("**/pos/link_*/inv_*")
    with db.transaction() as session:
        invoice = session.get_one(Invoice, page.url.rpartition("/")[2])
        asking.pay(session, service.get(session, invoice.id), "12.5", deposit="dep_till")
    expect(page.locator("#panel")).to_have_attribute("data-state", "paid")
    expect(page.locator("#next-sale")).to_be_visible()


def test_pages_are_light_and_a_preview_reads_only_the_head(site: str) -> None:
    made = link("bounded")
    with httpx2.Client(base_url=site) as http:
        for path in (f"/l/{made}", f"/pos/{made}"):
            html = http.get(path)
            files = re.findall(r'(?:href|src)="(/checkout/[^"]+)"', html.text)
            assert files
            weight = len(html.content) + sum(len(http.get(file).content) for file in files)
            print(f"{path.split('/')[1]}: {weight} bytes")
            assert weight < PAGE_BYTES_MAX
        head = http.head(f"/l/{made}")
        assert (head.status_code, head.content) == (200, b"")
        assert http.head("/l/link_x").status_code == 404
    assert invoices(made) == 0
