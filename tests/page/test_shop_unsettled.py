"""The merchant decides about money that settles nothing, on its invoice's page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.invoices import service as invoices
from tests import asking
from tests.flow import day, strays
from tests.flow.books import CHAIN, ETH, fund
from tests.flow.lateness import expire
from tests.flow.outgoing import DOLLAR
from tests.page.shop_visits import Visit
from tests.page.shop_world import SOMEBODY, Shop

WEI = 5 * 10**15


def wrong_asset(shop: Shop) -> tuple[str, str]:
    """An invoice of 10 USD in USDC that got ether; returns it and the deposit."""
    with db.transaction() as session:
        merchant = accounts.get(session, shop.account)
        facts = asking.asked(session, merchant, "10", assets=(("USDC", CHAIN),))
        fund(session, shop.account, 10**18, asset=ETH, key=f"ether {facts.invoice.id}")
    deposit = day.deposit(shop.account, WEI, invoice=facts.invoice.id, asset="ETH")
    with db.transaction() as session:
        asking.pay(session, facts, "0.005", asset="ETH", deposit=deposit)
    address = bytes(facts.options[0].address)
    strays.put("wrong_asset", address, asset="ETH", units=WEI, deposit_id=deposit, name=deposit)
    return facts.invoice.id, deposit


def too_late(shop: Shop) -> tuple[str, str]:
    """An invoice whose terms send back what comes late, paid late; returns it and the deposit."""
    with db.transaction() as session:
        merchant = accounts.get(session, shop.account)
        facts = asking.asked(session, merchant, "10", terms={"late_hours": 0, "late": "refund"})
        expire(session, facts)
    deposit = day.deposit(shop.account, 10 * DOLLAR, invoice=facts.invoice.id)
    with db.transaction() as session:
        asking.pay(session, facts, "10", deposit=deposit)
    return facts.invoice.id, deposit


def readable(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], one["nodes"][0]["html"]) for one in found]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"it scrolls sideways by {wide}"


def sent(deposit: str) -> list[tuple[str, int]]:
    """Return what goes back of a payment: asset and units."""
    query = text(
        "select w.asset, w.amount from withdrawal w join refund r on r.id = w.refund_id"
        " where r.deposit_id = :deposit"
    )
    with db.transaction() as session:
        return [
            (row.asset, int(row.amount)) for row in session.execute(query, {"deposit": deposit})
        ]


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_money_that_settles_nothing_is_named_accepted_or_sent_back(
    own: Shop, visit: Visit, language: str, theme: str
) -> None:
    accepted, _ = wrong_asset(own)
    returned, deposit = wrong_asset(own)
    late, late_deposit = too_late(own)
    page = visit(
        own.key, locale=language, color_scheme=theme, java_script_enabled=True, bypass_csp=True
    )
    page.set_viewport_size({"width": 360, "height": 740})

    let_settle(page, accepted)
    send_back(page, returned)
    assert sent(deposit) == [("ETH", WEI)]
    send_back_first(page, late)
    assert sent(late_deposit) == [("USDC", 10 * DOLLAR)]
    with db.transaction() as session:
        assert invoices.get(session, late).invoice.status == "expired"


def let_settle(page: Page, invoice: str) -> None:
    """Accept what came in the wrong asset."""
    page.goto(f"/shop/invoices/{invoice}")
    expect(page.locator(".unsettled")).to_have_count(1)
    readable(page)
    page.locator("form[action*=accept_payment] button").click()
    expect(page.locator(".head .is-paid")).to_be_visible()
    expect(page.locator(".unsettled, .decide")).to_have_count(0)


def send_back(page: Page, invoice: str) -> None:
    """Send back what came in the wrong asset, at the second try to an address that can be."""
    page.goto(f"/shop/invoices/{invoice}")
    place = page.locator(".decide input[name=to_address]")
    place.fill("0x" + "00" * 20)
    page.locator("form[action*=send_back] button").click()
    expect(page.locator("#problem")).to_be_visible()
    readable(page)
    page.fill("#to_address", SOMEBODY)
    page.click("#send")
    page.wait_for_url(f"**/shop/invoices/{invoice}")
    expect(page.locator(".back-under-way")).to_be_visible()
    expect(page.locator(".decide")).to_have_count(0)


def send_back_first(page: Page, invoice: str) -> None:
    """Send back what came too late for terms that say so."""
    page.goto(f"/shop/invoices/{invoice}")
    expect(page.locator("#late-action")).to_be_visible()
    expect(page.locator("#back-first, .decide form[action*=send_back] .main")).to_have_count(2)
    expect(page.locator("#accept.main, form[action*=accept_payment] .main")).to_have_count(0)
    first = page.locator("#live a, #live button").first
    expect(first).to_have_attribute("id", "back-first")
    readable(page)
    page.locator(".decide input[name=to_address]").fill(SOMEBODY)
    page.locator("form[action*=send_back] button").click()
    expect(page.locator(".back-under-way")).to_be_visible()
    expect(page.locator("#late-action")).to_have_count(0)
