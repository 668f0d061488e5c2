"""What a careful payer looks at: the code, amounts to copy, links, deadlines, one way to pay."""

import re
from collections.abc import Callable

import pytest
import segno
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gateway import db
from tests import asking
from tests.page import screens
from tests.page.sound import sound
from tests.page.test_pay_page import head_age, in_state, shop_of

LANGUAGES = ("en", "ar")
EXPLORER = text("update chain set explorer_url = :url")
CLOSE = {"en": "You may close this page", "ar": "يمكنك إغلاق هذه الصفحة"}
SEEN = {"en": "Confirmations: 1 of 3", "ar": "التأكيدات: 1 من 3"}
RETURN = {
    "en": "Ask @falafel-corner to return what is too much",
    "ar": "اطلب من @falafel-corner إرجاع الزيادة",
}


@pytest.mark.parametrize("asset", ["USDC", "ETH"])
def test_the_code_is_the_plain_address_and_nothing_else(
    payer: Callable[..., Page], asset: str
) -> None:
    page = payer(f"{in_state('open')}?option={asset}")
    place = str(page.locator("#address").get_attribute("data-address"))
    assert re.fullmatch("0x[0-9a-fA-F]{40}", place)
    drawn = segno.make(place, error="m", micro=False).svg_inline(border=4, omitsize=True)
    modules = re.search(r'stroke="#000" d="([^"]+)"', drawn) or re.search(r'd="([^"]+)"', drawn)
    assert modules is not None
    assert page.locator("#qr svg path").last.get_attribute("d") == modules[1]


def test_the_amount_is_copied_as_a_wallet_takes_it(payer: Callable[..., Page]) -> None:
    page = payer(
        f"{in_state('open')}?option=ETH",
        permissions=["clipboard-read", "clipboard-write"],
        locale="en",
    )
    page.locator("#copy-amount").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "0.00625"


def test_a_phone_pays_native_coin_by_a_link_of_its_own(payer: Callable[..., Page]) -> None:
    page = payer(f"{in_state('open')}?option=ETH", has_touch=True, is_mobile=True)
    place = page.locator("#address").get_attribute("data-address")
    link = f"ethereum:{place}@31337?value=6250000000000000"
    expect(page.locator("#deep-link")).to_have_attribute("href", link)
    expect(page.locator("#deep-link")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_rate_and_deadline_stand_there_without_a_script(
    payer: Callable[..., Page], language: str
) -> None:
    path = in_state("open")
    page = payer(f"{path}?option=ETH", locale=language, java_script_enabled=False)
    page.locator("#details summary").click()
    shown = page.locator("#details")
    expect(shown).to_contain_text("1 ETH = 2000 USD")
    expect(shown.locator("#deadline time")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d .* UTC$"))
    with db.transaction() as session:
        same = asking.asked(session, shop_of(session), "3", currency="USDC")
    page.goto(f"/pay/{same.invoice.id}")
    page.locator("#details summary").click()
    expect(shown.locator("#deadline time")).to_be_visible()
    expect(shown).not_to_contain_text("1 USDC =")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_only_way_to_pay_is_named_with_its_network(
    payer: Callable[..., Page], language: str
) -> None:
    with db.transaction() as session:
        one = asking.asked(session, shop_of(session), assets=[("USDC", asking.CHAIN)])
    page = payer(f"/pay/{one.invoice.id}", locale=language)
    told = {"en": "USDC on Mizan Devnet", "ar": "USDC على Mizan Devnet"}
    expect(page.locator("#only-option")).to_have_text(told[language])
    expect(page.locator(".choices")).to_have_count(0)
    sound(page, "one way to pay")


def test_the_chosen_way_to_pay_is_marked_by_more_than_colour(payer: Callable[..., Page]) -> None:
    page = payer(f"{in_state('open')}?option=ETH", locale="en")
    mark = "(one) => getComputedStyle(one.querySelector('strong'), '::before').content"
    chosen = page.locator("[data-asset=ETH]").evaluate(mark)
    assert "✓" in chosen
    assert "✓" not in page.locator("[data-asset=USDC]").evaluate(mark)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_payer_reads_how_far_it_is_and_may_leave(
    payer: Callable[..., Page], language: str
) -> None:
    page = payer(screens.one_block_deep(), locale=language)
    expect(page.locator("#progress")).to_contain_text(SEEN[language])
    expect(page.locator("#banner")).to_contain_text(CLOSE[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_paid_too_much_reads_what_to_do(payer: Callable[..., Page], language: str) -> None:
    page = payer(in_state("over"), locale=language)
    expect(page.locator("#banner p")).to_contain_text(RETURN[language])


@pytest.mark.parametrize("path", ["", "/receipt"])
def test_a_transaction_can_be_looked_up_by_whoever_reads_or_prints(
    payer: Callable[..., Page], path: str
) -> None:
    paid = in_state("paid")
    with db.transaction() as session:
        session.execute(EXPLORER, {"url": "https://scan.example/tx/{tx}"})
    try:
        page = payer(f"{paid}{path}", locale="ar")
        link = page.locator("[data-payment] a")
        hash_ = page.locator("[data-payment] code.hash").inner_text().replace("\n", "")
        expect(link).to_have_attribute("href", f"https://scan.example/tx/{hash_}")
        sound(page, "explorer")
    finally:
        with db.transaction() as session:
            session.execute(EXPLORER, {"url": None})


def test_the_receipt_is_printed_by_its_button_and_names_the_zone(
    payer: Callable[..., Page],
) -> None:
    page = payer("/checkout/none", locale="en", timezone_id="Asia/Riyadh")
    page.context.add_init_script("window.print = () => { document.title = 'printed' }")
    page.goto(f"{in_state('paid')}/receipt")
    expect(page.locator("time").first).to_contain_text("GMT+3")
    page.locator("#print").click()
    assert page.title() == "printed"


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_network_closed_beside_an_open_one_is_accessible(
    payer: Callable[..., Page], language: str
) -> None:
    path = screens.on_two_networks()
    head_age("1 hour")
    try:
        page = payer(path, locale=language)
        expect(page.locator("#address")).to_be_visible()
        expect(page.locator("[data-paused]")).to_have_count(1)
        sound(page, "one of two is closed")
        page.locator("[data-paused]").click()
        expect(page.locator("#address")).to_have_count(0)
        sound(page, "the closed one")
    finally:
        head_age("-1 hour")
