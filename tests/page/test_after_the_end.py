"""An invoice whose time is over, or that was taken back: the page says where the money is."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gateway import db
from tests.page import screens
from tests.page.sound import sound
from tests.page.test_pay_page import in_state

LANGUAGES = ("en", "ar")
NOTHING = {"en": "Nothing was paid", "ar": "لم يُدفع شيء"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refund_that_waits_for_its_payer_says_so(
    payer: Callable[..., Page], language: str
) -> None:
    path = in_state("over")
    screens.give_back(path, "2.50", "awaiting_address")
    page = payer(path, locale=language)
    told = {"en": "open the refund link @falafel-corner sent you", "ar": "افتح رابط الاسترداد"}
    expect(page.locator("#tell-us-where p")).to_contain_text(told[language])
    expect(page.locator("#awaiting dd")).to_have_text("2.50 USD")
    expect(page.locator("#returning")).to_have_count(0)
    sound(page, "refund waits")
    page.goto(f"{path}/receipt")
    expect(page.locator("#awaiting dd")).to_have_text("2.50 USD")
    sound(page, "receipt, refund waits")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_reverted_after_the_end_was_not_nothing(
    payer: Callable[..., Page], language: str
) -> None:
    page = payer(screens.reverted_late(), locale=language)
    expect(page.locator("#panel")).to_have_attribute("data-state", "expired")
    expect(page.locator("#reverted")).to_be_visible()
    expect(page.locator("#panel")).not_to_contain_text(NOTHING[language])
    expect(page.locator("#new-quote")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_part_that_was_reverted_after_the_end_is_told_beside_the_rest(
    payer: Callable[..., Page], language: str
) -> None:
    page = payer(screens.reverted_late(kept="5"), locale=language)
    expect(page.locator("#panel")).to_have_attribute("data-state", "expired_partial")
    expect(page.locator("#reverted")).to_be_visible()
    expect(page.locator("#new-quote")).to_be_visible()
    sound(page, "a part reverted")


@pytest.mark.parametrize("language", LANGUAGES)
def test_money_that_the_terms_send_back_is_not_offered_to_be_accepted(
    payer: Callable[..., Page], language: str
) -> None:
    page = payer(screens.too_late(otherwise="refund"), locale=language)
    told = {"en": "goes back to you", "ar": "يُعاد إليك"}
    expect(page.locator("#banner p")).to_contain_text(told[language])
    expect(page.locator("#banner p")).not_to_contain_text({"en": "accept", "ar": "قبول"}[language])
    sound(page, "goes back")
    page.goto(screens.too_late())
    expect(page.locator("#banner p")).to_contain_text({"en": "accept", "ar": "قبول"}[language])


def test_only_what_came_late_is_called_late(payer: Callable[..., Page]) -> None:
    page = payer(screens.too_late("7.50", in_time="5"), locale="en")
    expect(page.locator("#panel")).to_have_attribute("data-state", "expired_late")
    expect(page.locator("#banner p")).to_contain_text("7.50 USD arrived after the deadline")


@pytest.mark.parametrize(("hours", "counts"), [(None, True), (0, False)])
def test_nobody_is_promised_that_late_money_counts_where_it_may_not(
    payer: Callable[..., Page], hours: int | None, *, counts: bool
) -> None:
    path = in_state("open")
    with db.transaction() as session:
        session.execute(
            text("update invoice set late_hours = :hours, late_percent = null where id = :id"),
            {"hours": hours, "id": screens.id_of(path)},
        )
    page = payer(path, locale="en")
    told = "It still counts" if counts else "It is not lost"
    expect(page.locator("#already-sent")).to_contain_text(told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_signed_payment_on_its_way_is_not_nothing(
    payer: Callable[..., Page], language: str
) -> None:
    path = screens.signed_in_vain("", status="sent", state="expired")
    page = payer(path, locale=language)
    expect(page.locator("#panel")).to_have_attribute("data-state", "expired")
    expect(page.locator("#signed-payment")).to_be_visible()
    expect(page.locator("#panel")).not_to_contain_text(NOTHING[language])
    expect(page.locator("#new-quote")).to_have_count(0)
    sound(page, "sent before the end")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_sent_to_a_cancelled_invoice_is_not_lost(
    payer: Callable[..., Page], language: str
) -> None:
    path = in_state("partial")
    screens.void(path)
    page = payer(path, locale=language)
    expect(page.locator("#panel")).to_have_attribute("data-state", "void")
    told = {"en": "not lost: ask @falafel-corner to return it", "ar": "إرجاعه"}
    expect(page.locator("#banner p")).to_contain_text(told[language])
    sound(page, "void with money")
    page.goto(in_state("void"))
    expect(page.locator("#banner p")).not_to_contain_text({"en": "lost", "ar": "إرجاعه"}[language])


def test_a_new_quote_is_offered_only_where_it_is_given(payer: Callable[..., Page]) -> None:
    path = screens.of_a_link()
    page = payer(path, locale="en")
    expect(page.locator("#new-quote")).to_be_visible()
    screens.close_link(path)
    page.reload()
    expect(page.locator("#new-quote, #start-again")).to_have_count(0)
    expect(page.locator("#banner p")).to_contain_text("Ask @falafel-corner")


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_no_way_to_pay_is_left_a_payer_reads_a_page(
    payer: Callable[..., Page], language: str
) -> None:
    path = in_state("expired")
    page = payer(path, locale=language, java_script_enabled=False)
    screens.serve("USDC", "ETH", served=False)
    try:
        page.locator("#new-quote").click()
        expect(page.locator("#notice")).to_have_attribute("data-state", "no_quote")
        page.goto(path)
        expect(page.locator("#new-quote")).to_have_count(0)
    finally:
        screens.serve("USDC", "ETH", served=True)


def test_where_a_way_to_pay_is_gone_the_others_are_quoted(payer: Callable[..., Page]) -> None:
    path = in_state("expired")
    page = payer(path, locale="en", java_script_enabled=False)
    screens.serve("ETH", served=False)
    try:
        page.locator("#new-quote").click()
        expect(page.locator("#panel")).to_have_attribute("data-state", "open")
        expect(page.locator("#panel")).to_contain_text("USDC")
        expect(page.locator("#panel")).not_to_contain_text("ETH")
    finally:
        screens.serve("ETH", served=True)


def test_one_that_is_too_old_for_a_quote_starts_again_by_its_link(
    payer: Callable[..., Page],
) -> None:
    path = screens.of_a_link()
    with db.transaction() as session:
        session.execute(
            text("update invoice set created_at = now() - interval '9 days' where id = :id"),
            {"id": screens.id_of(path)},
        )
    page = payer(path, locale="en")
    page.locator("#start-again").click()
    page.wait_for_url("**/l/link_*")
    expect(page.locator("#continue")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_merchant_that_says_where_is_asked_by_a_link(
    payer: Callable[..., Page], language: str
) -> None:
    path, told = in_state("expired_partial"), "mailto:help@falafel.example"
    page = payer(path, locale=language)
    expect(page.locator("#support")).to_have_count(0)
    screens.support(path, told)
    try:
        page.reload()
        expect(page.locator("#support")).to_have_attribute("href", told)
        sound(page, "a merchant to ask")
        page.goto(in_state("open"))
        expect(page.locator("#support")).to_have_count(0)
    finally:
        screens.support(path, None)
