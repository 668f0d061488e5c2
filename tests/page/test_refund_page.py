"""The payer's page of a refund in a browser: every state, in both languages and both themes."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts.store import Account
from gateway.ids import new_id
from gateway.refunds import payer
from gateway.refunds.service import Wish
from gateway.refunds.store import Refund
from tests import asking
from tests.flow.books import USDC, fund
from tests.flow.outgoing import SOMEBODY
from tests.page import test_pay_page

STATES = (
    "ask",
    "held",
    "sending",
    "done",
    "failed",
    "rejected",
    "cancelled",
    "expired",
)
SENDER = bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa4")
PLACE = "0x000000000000000000000000000000000000bEEF"
PAGE_BYTES_MAX = 30_000
FEES = text(
    "insert into fee_level (chain, base_fee, tip) values (:chain, 1000000000, 1)"
    " on conflict do nothing"
)
ENDED = text("update refund set status = :status, ended_at = now() where id = :id")
MINED = text("update withdrawal set tx_hash = :hash where refund_id = :id")


def shop_of(session: Session) -> Account:
    """Return the one merchant of these tests, with enough to pay from."""
    found = test_pay_page.shop_of(session)
    session.execute(FEES, {"chain": asking.CHAIN})
    fund(session, found.id, 100 * 10**6, asset=USDC, key=new_id("dep"))
    return found


def promised(*, sender: bytes | None = None) -> str:
    """Promise 12.50 USDC to a payer; returns the path of the page."""
    with db.transaction() as session:
        facts = asking.asked(session, shop_of(session), title="Order 1042")
        asking.pay(session, facts, "12.5", deposit=new_id("dep"))
        wish = Wish(facts.invoice.id, "key_test")
        row, token = payer.ask_payer(session, wish, expires_in=86_400)
        row.sender = sender
        return f"/refund/{token}"


def token_of(path: str) -> str:
    return path.rpartition("/")[2]


def come_to(path: str, state: str) -> str:
    """Bring a promised refund into a state; returns the path of its page."""
    if state in ("held", "sending", "done", "failed"):
        with db.transaction() as session:
            payer.answer(session, token_of(path), SOMEBODY)
    with db.transaction() as session:
        row: Refund = payer.by_token(session, token_of(path))
        if state in ("done", "failed", "rejected", "cancelled"):
            status = "confirmed" if state == "done" else state
            session.execute(ENDED, {"status": status, "id": row.id})
        if state == "done":
            session.execute(MINED, {"hash": bytes(range(32)), "id": row.id})
        if state == "held":
            session.execute(
                text("update withdrawal set status = 'held' where refund_id = :id"), {"id": row.id}
            )
        if state == "expired":
            session.execute(
                text("update refund set expires_at = now() - interval '1 hour' where id = :id"),
                {"id": row.id},
            )
    return path


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Open the site as a payer; a script's error or a foreign request fails the test."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str | None, **options: object) -> Page:
        context: BrowserContext = browser.new_context(base_url=site, **options)  # type: ignore[arg-type]
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Content Security" in said.text else None,
        )
        foreign = re.compile(rf"^(?!{re.escape(site)})http")
        page.route(foreign, lambda route: complaints.append(route.request.url))
        if path is not None:
            page.goto(path)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert complaints == []


def fits(page: Page, state: str) -> None:
    """Assert that a page is in a state, accessible, and no wider than its window."""
    expect(page.locator("#refund")).to_have_attribute("data-state", state)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{state}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{state} scrolls sideways by {wide}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_state_is_accessible(visit: Callable[..., Page], language: str, theme: str) -> None:
    window = {"width": 360, "height": 740}
    page = visit(None, color_scheme=theme, locale=language, viewport=window)
    for state in STATES:
        page.goto(come_to(promised(), state))
        fits(page, state)
        expect(page.locator("html")).to_have_attribute("lang", language)
        direction = {"en": "ltr", "ar": "rtl"}[language]
        expect(page.locator("html")).to_have_attribute("dir", direction)
    page.goto(promised(sender=SENDER))
    fits(page, "ask")
    page.fill("#to", "nonsense")
    page.click("#continue")
    fits(page, "ask")
    expect(page.locator("#wrong")).to_be_visible()
    page.click("#use-sender")
    fits(page, "review")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_payer_names_checks_and_confirms_the_address(
    visit: Callable[..., Page], javascript: bool
) -> None:
    page = visit(promised(), java_script_enabled=javascript, locale="en")
    expect(page.locator("#sum")).to_have_text("12.50")
    expect(page.locator("#back")).to_have_count(0)
    page.fill("#to", PLACE.lower())
    page.click("#continue")
    expect(page.locator("#address")).to_have_text(PLACE)
    page.click("#change")
    expect(page.locator("#refund")).to_have_attribute("data-state", "ask")
    page.fill("#to", PLACE)
    page.click("#continue")
    page.click("#send")
    expect(page.locator("#refund")).to_have_attribute("data-state", "sending")
    expect(page.locator("#address")).to_have_text(PLACE)
    page.reload()
    expect(page.locator("#refund")).to_have_attribute("data-state", "sending")


def test_it_goes_back_to_who_signed_only_after_the_payer_said_so(
    visit: Callable[..., Page],
) -> None:
    path = promised(sender=SENDER)
    page = visit(path, locale="ar")
    shown = page.locator("#address").inner_text()
    assert shown.lower() == "0x" + SENDER.hex()
    page.click("#use-sender")
    expect(page.locator("#refund")).to_have_attribute("data-state", "review")
    with db.transaction() as session:
        assert payer.by_token(session, token_of(path)).status == "awaiting_address"
    page.click("#send")
    expect(page.locator("#refund")).to_have_attribute("data-state", "sending")
    with db.transaction() as session:
        assert payer.by_token(session, token_of(path)).to_address == SENDER


def test_the_keyboard_is_enough(visit: Callable[..., Page]) -> None:
    page = visit(promised(), locale="en")
    page.keyboard.press("Tab")
    expect(page.locator("#to")).to_be_focused()
    page.keyboard.type(PLACE)
    page.keyboard.press("Enter")
    expect(page.locator("#refund")).to_have_attribute("data-state", "review")
    page.keyboard.press("Tab")
    expect(page.locator("#send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#refund")).to_have_attribute("data-state", "sending")


def test_the_page_follows_the_refund(visit: Callable[..., Page]) -> None:
    path = come_to(promised(), "sending")
    page = visit(None, locale="en")
    page.clock.install()
    page.goto(path)
    expect(page.locator("#refund")).to_have_attribute("data-state", "sending")
    with db.transaction() as session:
        row = payer.by_token(session, token_of(path))
        session.execute(ENDED, {"status": "confirmed", "id": row.id})
    page.clock.fast_forward(11_000)
    expect(page.locator("#refund")).to_have_attribute("data-state", "done")
    expect(page.locator("#announce")).to_have_text("Your refund has been sent")


def test_all_of_a_page_is_light(visit: Callable[..., Page]) -> None:
    sizes: dict[str, int] = {}

    def measure(page: Page, path: str) -> None:
        page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
        page.goto(path)
        page.wait_for_load_state("networkidle")

    measure(visit(None), come_to(promised(), "sending"))
    assert len(sizes) == 3, sizes
    assert sum(sizes.values()) < PAGE_BYTES_MAX, sizes
