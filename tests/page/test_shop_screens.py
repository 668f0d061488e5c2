"""The merchant's console where it says no, and what it shows only once: readable by everybody."""

import pytest
from playwright.sync_api import expect

from tests.page.shop_visits import Visit, submit
from tests.page.shop_world import EVIL, SOMEBODY, Shop
from tests.page.sound import sound

PHONE = {"width": 360, "height": 740}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_is_refused_and_what_is_shown_once(own: Shop, visit: Visit, language: str) -> None:
    options = {"locale": language, "viewport": PHONE, "java_script_enabled": True}
    page = visit("sk_wrong", bypass_csp=True, **options)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("[role=alert]")).to_be_visible()
    sound(page, "a wrong key")
    page.goto("/shop")
    sound(page, "sign in")
    page.fill("#key", own.key)
    page.click("#sign-in button")
    page.goto("/shop/new/link")
    submit(page, title=EVIL, amount="3", success_url=EVIL)
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#success_url")).to_have_value(EVIL)
    sound(page, "a form with an error")
    page.goto(f"/shop/new/refund?of={own.paid}")
    submit(page, kind="partial", amount="1000", to="address", to_address=SOMEBODY)
    expect(page.locator("#problem")).to_be_visible()
    sound(page, "a refusal")
    page.goto("/shop/new/endpoint")
    submit(page, url="https://shop.example/more")
    expect(page.locator("#secret")).to_contain_text("whsec_")
    sound(page, "a secret")
    page.locator("#noted").click()
    page.wait_for_url("**/shop/webhooks/whe_*")
    page.goto(f"/shop/new/refund?of={own.paid}")
    submit(page, kind="partial", amount="1", to="payer")
    expect(page.locator("#secret")).to_contain_text("/refund/")
    sound(page, "a refund's page")
