"""The payer's page in a browser: every state, in both languages and both themes."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, expect
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts.store import Account
from gateway.ids import new_id
from gateway.invoices import service
from gateway.invoices.facts import Facts
from tests import asking

STATES = (
    "open",
    "partial",
    "processing",
    "paid",
    "over",
    "late",
    "expired",
    "expired_partial",
    "void",
)
PAYMENTS = {
    "partial": ("5", "credited"),
    "processing": ("12.5", "confirming"),
    "paid": ("12.5", "credited"),
    "over": ("15", "credited"),
    "late": ("12.5", "credited"),
    "expired_partial": ("5", "credited"),
}
PAGE_BYTES_MAX = 30_000


def shop_of(session: Session) -> Account:
    """Return the one merchant of these tests."""
    query = select(Account).where(Account.handle == "falafel-corner")
    return session.scalars(query).first() or asking.merchant(session)


def in_state(state: str) -> str:
    """Bring an invoice into a state; returns the path of its page."""
    with db.transaction() as session:
        shop = shop_of(session)
        facts = asking.asked(
            session,
            shop,
            title="Order 1042",
            success_url="https://shop.example/thanks",
            assets=[("USDC", asking.CHAIN), ("ETH", asking.CHAIN)],  # other tests add a network
        )
        if state == "late":
            end(session, facts)
        if state in PAYMENTS:
            amount, status = PAYMENTS[state]
            asking.pay(session, facts, amount, status, deposit=new_id("dep"))
        if state.startswith("expired"):
            end(session, facts)
        if state == "void":
            service.void(session, facts.invoice.id)
        return f"/pay/{facts.invoice.id}"


def end(session: Session, facts: Facts) -> None:
    """Let an invoice's time be over."""
    session.execute(
        text("update invoice set expires_at = now() - interval '1 minute' where id = :id"),
        {"id": facts.invoice.id},
    )
    session.expire_all()
    service.expire_due(session)


def add_payment(path: str, amount: str, status: str = "credited") -> None:
    with db.transaction() as session:
        facts: Facts = service.get(session, path.rpartition("/")[2])
        asking.pay(session, facts, amount, status, deposit=f"dep_{path}")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_state_is_accessible(payer: Callable[..., Page], language: str, theme: str) -> None:
    page = payer("/checkout/none", color_scheme=theme, locale=language)
    for state in STATES:
        page.goto(in_state(state))
        expect(page.locator("#panel")).to_have_attribute("data-state", state)
        expect(page.locator("html")).to_have_attribute("lang", language)
        direction = {"en": "ltr", "ar": "rtl"}[language]
        expect(page.locator("html")).to_have_attribute("dir", direction)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{state}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{state} scrolls sideways by {wide}"


@pytest.mark.parametrize("javascript", [True, False])
def test_address_and_amount_stand_whole_and_the_choice_changes_them(
    payer: Callable[..., Page], javascript: bool
) -> None:
    page = payer(in_state("open"), java_script_enabled=javascript, locale="en")
    expect(page.locator("#amount")).to_have_text("12.50")
    expect(page.locator("#address")).to_have_text(re.compile(r"^0x[0-9a-fA-F]{40}$"))
    assert page.locator("#qr svg").count() == 1
    assert page.locator("#copy-address").is_visible() is javascript
    page.locator("[data-asset=ETH]").click()
    expect(page.locator("#amount")).to_have_text("0.00625")
    expect(page.locator("#asset")).to_have_text("ETH")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_follows_a_payment_live(payer: Callable[..., Page], language: str) -> None:
    path = in_state("open")
    page = payer(path, locale=language)
    before = page.title()
    page.locator("#details summary").click()
    page.locator("#copy-amount").focus()
    add_payment(path, "5", "confirming")
    expect(page.locator("#panel")).to_have_attribute("data-state", "partial")
    expect(page.locator("#amount")).to_have_text("7.50")
    expect(page.locator("#copy-amount")).to_be_focused()
    assert page.locator("#details").get_attribute("open") is not None
    expect(page.locator("#announce")).not_to_be_empty()
    add_payment(path, "12.5", "confirming")
    expect(page.locator("#progress")).to_have_attribute("data-needed", "3")
    add_payment(path, "12.5")
    expect(page.locator("#panel")).to_have_attribute("data-state", "paid")
    expect(page.locator("#return")).to_have_attribute("href", "https://shop.example/thanks")
    assert page.title() != before


def head_age(age: str) -> None:
    with db.transaction() as session:
        asking.read_up_to_now(session, age=age)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_network_we_are_not_up_to_date_with_is_closed_until_we_are(
    payer: Callable[..., Page], language: str
) -> None:
    path = in_state("open")
    page = payer(path, locale=language)
    address = page.locator("#address").inner_text()
    head_age("16 seconds")
    expect(page.locator("#banner h2")).to_contain_text("Mizan Devnet")
    expect(page.locator("#banner p")).to_have_text(
        {
            "en": "Its node is not up to date. Try again later:"
            " this page takes payments again by itself.",
            "ar": "عقدة هذه الشبكة غير محدَّثة الآن. حاول لاحقًا:"
            " ستقبل هذه الصفحة الدفع من جديد من تلقاء نفسها.",
        }[language]
    )
    assert page.locator("#address, #qr, #copy-address, #test-pay").count() == 0
    assert address not in page.content()
    assert Axe().run(page).violations_count == 0
    head_age("1 second")
    expect(page.locator("#address")).to_have_text(address, timeout=20_000)
    expect(page.locator("#banner")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_another_network_is_offered_while_one_is_closed(
    payer: Callable[..., Page], language: str
) -> None:
    with db.transaction() as session:
        asking.add_chain(session, asking.OTHER, "Othernet")
        served = text("update chain set active = :yes where id = :id")
        session.execute(served, {"id": asking.OTHER, "yes": True})
        assets = [("USDC", asking.CHAIN), ("ETH", asking.OTHER)]
        path = f"/pay/{asking.asked(session, shop_of(session), assets=assets).invoice.id}"
        session.execute(served, {"id": asking.OTHER, "yes": False})
    head_age("1 hour")
    page = payer(path, locale=language)
    expect(page.locator("#asset")).to_have_text("ETH")
    expect(page.locator("[data-asset=USDC]")).to_have_attribute("data-paused", "")
    page.locator("[data-asset=USDC]").click()
    expect(page.locator("#banner h2")).to_contain_text("Mizan Devnet")
    words = {
        "en": "Choose another network or try again later",
        "ar": "اختر شبكة أخرى أو حاول لاحقًا",
    }
    expect(page.locator("#banner p")).to_contain_text(words[language])
    assert page.locator("#address, #qr").count() == 0


def test_without_script_the_page_refreshes_until_it_is_paid(payer: Callable[..., Page]) -> None:
    path = in_state("open")
    page = payer(path, java_script_enabled=False)
    assert page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]").count()
    add_payment(path, "12.5")
    page.reload()
    expect(page.locator("#panel")).to_have_attribute("data-state", "paid")
    expect(page.locator("#receipt code.hash")).to_have_text(re.compile("^0x[0-9a-f]{64}$"))
    assert "refresh" not in page.content()


def test_copying_gives_the_whole_address_and_says_so(payer: Callable[..., Page]) -> None:
    page = payer(in_state("open"), permissions=["clipboard-read", "clipboard-write"], locale="en")
    page.locator("#copy-address").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#address").inner_text().replace("\n", "")


def test_the_language_can_be_switched_and_stays(payer: Callable[..., Page]) -> None:
    page = payer(in_state("open"), locale="en")
    page.locator("#lang-ar").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.locator("[data-asset=ETH]").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("#asset")).to_have_text("ETH")


def test_the_whole_page_is_light(payer: Callable[..., Page], site: str) -> None:
    page = payer("/checkout/none")
    answers: list[Response] = []

    def keep(answer: Response) -> None:
        answers.append(answer)

    page.on("response", keep)
    page.goto(in_state("open"))
    sizes = {answer.url.partition("?")[0]: answer_size(answer) for answer in answers}
    assert {"page.css", "page.js", "wallet.js"} <= {url.rpartition("/")[2] for url in sizes}
    assert sum(sizes.values()) < PAGE_BYTES_MAX


def answer_size(answer: Response) -> int:
    """Return the length of an answer's body; the live stream has no end, so none."""
    return 0 if "/events" in answer.url else len(answer.body())


def test_a_narrow_phone_shows_it_all(payer: Callable[..., Page]) -> None:
    page = payer(in_state("partial"), viewport={"width": 320, "height": 560}, locale="ar")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_page_lives_without_redis(payer: Callable[..., Page]) -> None:
    path = in_state("open")
    page = payer(path, locale="en")
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on")
    with db.transaction() as session:
        facts = service.get(session, path.rpartition("/")[2])
        asking.pay(session, facts, "12.5", deposit=f"dep_{path}")
        session.info.clear()  # nobody publishes, as when Redis is away
    expect(page.locator("#panel")).to_have_attribute("data-state", "paid")
