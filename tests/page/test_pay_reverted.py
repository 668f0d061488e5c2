"""A page that shows paid stays open: when what paid it leaves the chain, the page says so."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gateway import db
from tests.page.sound import sound
from tests.page.test_pay_page import add_payment, in_state


@pytest.mark.parametrize("opened_when_paid", [False, True])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_reorganisation_is_seen_on_a_page_that_shows_paid(
    payer: Callable[..., Page], language: str, *, opened_when_paid: bool
) -> None:
    path = in_state("open")
    if opened_when_paid:
        add_payment(path, "12.5")
    page = payer(path, locale=language)
    panel = page.locator("#panel")
    expect(page.locator("#invoice")).to_have_attribute("data-live", "on")
    add_payment(path, "12.5")
    expect(panel).to_have_attribute("data-state", "paid")
    add_payment(path, "12.5", "reversed")
    expect(panel).to_have_attribute("data-state", "open")
    expect(page.locator("#reverted")).to_be_visible()
    expect(page.locator("#address")).to_be_visible()
    sound(page, "reverted while open")


def test_a_page_paid_long_ago_opens_no_stream(payer: Callable[..., Page]) -> None:
    path = in_state("paid")
    with db.transaction() as session:
        session.execute(
            text("update invoice set paid_at = now() - interval '1 day' where id = :id"),
            {"id": path.rpartition("/")[2]},
        )
    asked: list[str] = []
    page = payer("/checkout/none")
    page.on("request", lambda one: asked.append(one.url))
    page.goto(path)
    expect(page.locator("#panel[data-final]")).to_be_attached()
    page.wait_for_load_state("networkidle")
    assert any(path in url for url in asked)
    assert not any("/events" in url for url in asked)
