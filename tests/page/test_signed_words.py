"""What the payer's page says of a signed payment that was not made: what was taken, what to do."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.page import screens
from tests.page.test_pay_page import in_state

NOTHING_TAKEN = {"en": "nothing was taken from you", "ar": "لم يُخصَم منك شيء"}
TRY_AGAIN = {"en": "You may try again", "ar": "يمكنك المحاولة مرة أخرى"}
PAY_THE_REST = {"en": "Pay the rest", "ar": "ادفع الباقي"}
NOT_SENT = {"en": "it was not sent", "ar": "لم نرسلها"}
LANGUAGES = ("en", "ar")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reverted_payment_took_nothing_and_may_be_tried_again(
    payer: Callable[..., Page], language: str
) -> None:
    page = payer(screens.reverted(), locale=language)
    told = page.locator("#signed-payment")
    expect(told).to_contain_text(NOTHING_TAKEN[language])
    expect(told).to_contain_text(TRY_AGAIN[language])
    expect(page.locator("#address")).to_be_visible()
    expect(page.locator("#gasless")).to_have_count(0)  # another signature is not taken yet


@pytest.mark.parametrize("language", LANGUAGES)
def test_less_is_due_and_the_rest_is_asked_for(payer: Callable[..., Page], language: str) -> None:
    page = payer(screens.signed_in_vain("invoice_asks_less"), locale=language)
    expect(page.locator("#signed-payment")).to_contain_text(PAY_THE_REST[language])
    expect(page.locator("#address")).to_be_visible()
    expect(page.locator("#gasless")).to_have_count(1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_while_it_is_called_off_nothing_is_to_be_paid(
    payer: Callable[..., Page], language: str
) -> None:
    page = payer(screens.called_off(), locale=language)
    expect(page.locator("#signed-payment")).to_be_visible()
    expect(page.locator("#address")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_paid_invoice_says_that_the_signed_payment_was_not_sent(
    payer: Callable[..., Page], language: str
) -> None:
    page = payer(screens.signed_in_vain("invoice_paid", state="paid"), locale=language)
    expect(page.locator("#signed-payment")).to_contain_text(NOT_SENT[language])
    page.goto(in_state("paid"))
    expect(page.locator("#signed-payment")).to_have_count(0)
