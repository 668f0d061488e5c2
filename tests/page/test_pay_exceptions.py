"""The payer's page when it went otherwise: late, taken back, astray; a new quote, a receipt."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import text

from docs.verify_instruction import verify
from gateway import db
from gateway.ids import new_id
from gateway.inbox.store import Item
from gateway.invoices import service
from tests import asking
from tests.page.test_pay_page import add_payment, in_state, shop_of

LANGUAGES = ("en", "ar")
SCRIPT = "<script>document.title = 'taken'</script>"


def late() -> str:
    """An invoice that was paid in full too late for its merchant's terms."""
    with db.transaction() as session:
        facts = asking.asked(session, shop_of(session), title=SCRIPT)
        session.execute(
            text(
                "update invoice set expires_at = now() - interval '2 minutes', late_hours = 0,"
                " late_percent = 0 where id = :id"
            ),
            {"id": facts.invoice.id},
        )
        session.expire_all()
        service.expire_due(session)
        asking.pay(session, facts, "12.5", deposit=new_id("dep"), asset="USDC")
        return f"/pay/{facts.invoice.id}"


def reverted() -> str:
    """An invoice whose payment the network took back."""
    path = in_state("open")
    add_payment(path, "12.5")
    add_payment(path, "12.5", "reversed")
    return path


def astray(kind: str) -> str:
    """An invoice to whose address something came that it does not ask for."""
    path = in_state("open")
    with db.transaction() as session:
        facts = service.get(session, path.rpartition("/")[2])
        asking.add_chain(session, asking.OTHER, "Othernet")
        session.add(
            Item(
                id=new_id("inb"),
                chain=asking.OTHER if kind == "wrong_chain" else asking.CHAIN,
                kind=kind,
                account_id=facts.invoice.account_id,
                invoice_id=facts.invoice.id,
                address=facts.options[0].address,
                contract=new_id("x").encode()[:20] if kind == "unknown_token" else None,
                asset=None if kind == "unknown_token" else "XYZ",
                units=5,
                first_block=1,
                detail="a test",
            )
        )
    return path


def partly() -> str:
    """An invoice with a part in ETH and a part in USDC, both final, and too much of it."""
    path = in_state("open")
    with db.transaction() as session:
        facts = service.get(session, path.rpartition("/")[2])
        asking.pay(session, facts, "0.003", asset="ETH", deposit=new_id("dep"))
        asking.pay(session, facts, "10", deposit=new_id("dep"))
    return path


CASES: dict[str, tuple[Callable[[], str], str]] = {
    "late": (late, "#panel[data-state=expired_late]"),
    "reverted": (reverted, "#reverted"),
    "asset": (lambda: astray("wrong_asset"), "#stray"),
    "chain": (lambda: astray("wrong_chain"), "#stray"),
    "token": (lambda: astray("unknown_token"), "#stray"),
    "receipt": (lambda: f"{partly()}/receipt", "#receipt[data-state=over]"),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_read_it(payer: Callable[..., Page], language: str, theme: str) -> None:
    page = payer("/checkout/none", color_scheme=theme, locale=language)
    for name, (make, shows) in CASES.items():
        page.goto(make())
        expect(page.locator(shows)).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", language)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} scrolls sideways by {wide}"


def test_a_late_payment_is_no_empty_invoice_and_a_title_runs_nothing(
    payer: Callable[..., Page],
) -> None:
    page = payer(late(), locale="en")
    expect(page.locator("#banner p")).to_contain_text("12.50 USD arrived after the deadline")
    expect(page.locator("#new-quote")).to_have_count(0)
    expect(page.locator("#purpose")).to_have_text(SCRIPT)
    assert "taken" not in page.title()


def test_money_the_network_took_back_is_due_again(payer: Callable[..., Page]) -> None:
    page = payer(reverted(), locale="en")
    expect(page.locator("#reverted p")).to_contain_text("12.50 USD is due again")
    expect(page.locator("#address")).to_be_visible()
    page = payer(reverted(), locale="ar")
    expect(page.locator("#reverted h2")).to_have_text("تراجعت الشبكة عن دفعة")


@pytest.mark.parametrize("javascript", [True, False])
def test_after_the_end_one_press_gives_a_new_quote_at_the_same_address(
    payer: Callable[..., Page], javascript: bool
) -> None:
    path = in_state("open")
    page = payer(f"{path}?option=ETH", locale="en", java_script_enabled=javascript)
    place = page.locator("#address").get_attribute("data-address")
    with db.transaction() as session:
        session.execute(
            text("update invoice set expires_at = now() - interval '1 minute' where id = :id"),
            {"id": path.rpartition("/")[2]},
        )
        service.expire_due(session)
    page.goto(f"{path}?option=ETH")
    expect(page.locator("#panel")).to_have_attribute("data-state", "expired")
    page.locator("#new-quote").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_have_attribute("data-state", "open")
    expect(page.locator("#address")).to_have_attribute("data-address", str(place))
    expect(page.locator("#asset")).to_have_text("ETH")
    again = page.request.post(f"{path}/quote", max_redirects=0)
    assert again.status == 303, "pressed twice, the second press only shows the page"


def test_a_void_and_an_unknown_invoice_have_no_new_quote(payer: Callable[..., Page]) -> None:
    page = payer(in_state("void"))
    assert page.request.post(f"{in_state('void')}/quote").status == 409
    assert page.request.post("/pay/inv_none/quote").status == 404
    assert page.request.get("/pay/inv_none/receipt").status == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_receipt_names_coin_rate_source_and_time(
    payer: Callable[..., Page], language: str
) -> None:
    path = partly()
    with db.transaction() as session:
        session.execute(text("update chain set explorer_url = 'https://scan.example/tx/{tx}'"))
    page = payer(path, locale=language, java_script_enabled=False)
    page.locator("#open-receipt").click()
    first, second = page.locator("[data-payment]").all()
    expect(first).to_contain_text("0.003 ETH")
    expect(first).to_contain_text(re.compile(r"1.*ETH.*=.*2000.*USD"))
    expect(second).to_contain_text("10.00 USDC")
    expect(second).to_contain_text("fixed")
    assert first.locator("time").count() == 2
    link = str(first.locator("a").get_attribute("href"))
    assert re.fullmatch("https://scan.example/tx/0x[0-9a-f]{64}", link)
    expect(page.locator("#whole")).to_contain_text("3.50 USD")
    page.emulate_media(media="print")
    assert not page.locator("#back").is_visible()
    with db.transaction() as session:
        session.execute(text("update chain set explorer_url = null"))


def test_there_is_no_receipt_before_a_payment(payer: Callable[..., Page]) -> None:
    path = in_state("open")
    page = payer(f"{path}/receipt")
    assert page.url.endswith(path)


def test_what_page_and_status_sign_verifies_with_the_published_key(
    payer: Callable[..., Page],
) -> None:
    path = in_state("open")
    page = payer(path, locale="en")
    keys: dict[str, Any] = page.request.get("/.well-known/mizan-keys.json").json()
    place = str(page.locator("#address").get_attribute("data-address"))
    status = page.request.get(f"{path}/status").json()
    made = status["payment_options"][0]["instruction"]
    assert verify(keys, made, place) is None
    assert verify(keys, made, "0x" + "0" * 40) is not None
    page.locator("#signed summary").click()
    expect(page.locator("#signature")).to_have_text(made["signature"])
    expect(page.locator("#signed-by")).to_have_text(made["key_id"])
    expect(page.locator("#signed-text")).to_contain_text(f'"address":"{place}"')
    soon = datetime.now(UTC) + timedelta(minutes=50)
    assert datetime.fromisoformat(made["payload"]["expires_at"]) > soon
