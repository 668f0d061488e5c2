"""A page that is open for long: it comes back from an outage, and gains what it lacked at first."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.page import screens
from tests.page.test_pay_page import add_payment, head_age, in_state
from tests.page.test_pay_wallets import INJECTED


def test_an_outage_of_the_stream_is_outlived(payer: Callable[..., Page]) -> None:
    path = in_state("open")
    page = payer("/checkout/none", locale="en")
    refused: list[str] = []

    def away_once(route: Route) -> None:
        if refused:
            return route.continue_()
        refused.append(route.request.url)
        return route.fulfill(status=503, body="away")

    page.route("**/events*", away_once)
    page.goto(path)
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on", timeout=15_000)
    add_payment(path, "12.5")
    expect(page.locator("#panel")).to_have_attribute("data-state", "paid")
    assert len(refused) == 1


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_first_event_draws_nothing_anew(payer: Callable[..., Page], language: str) -> None:
    """What a payer has selected to copy stays selected."""
    page = payer(in_state("open"), locale=language)
    page.evaluate("document.getElementById('panel').dataset.mine = 'yes'")
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on")
    expect(page.locator("#panel")).to_have_attribute("data-mine", "yes")


def with_a_wallet(payer: Callable[..., Page], path: str) -> Page:
    """Open a page in a browser that has wallets which answer nothing."""
    page = payer("/checkout/none", locale="en")
    page.context.add_init_script(INJECTED)
    page.goto(path)
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on")
    return page


def test_a_page_opened_as_paid_offers_wallets_after_a_revert(payer: Callable[..., Page]) -> None:
    path = in_state("open")
    add_payment(path, "12.5")
    page = with_a_wallet(payer, path)
    expect(page.locator("#panel")).to_have_attribute("data-state", "paid")
    add_payment(path, "12.5", "reversed")
    expect(page.locator("#wallet-fox")).to_be_visible()


def test_a_page_opened_while_paused_offers_signing_afterwards(payer: Callable[..., Page]) -> None:
    path = screens.signable()
    head_age("1 hour")
    page = with_a_wallet(payer, path)
    expect(page.locator("#address")).to_have_count(0)
    head_age("-1 hour")
    expect(page.locator("#gasless-fox")).to_be_visible(timeout=20_000)
