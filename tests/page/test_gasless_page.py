"""The payer's page with a wallet that signs: nothing is sent by it, and the invoice is paid."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from playwright.sync_api import Browser, Page, Route, expect

from tests.chain.signed_payments import PAYER, Shop, open_shop, serving, workers_at_work
from tests.conftest import TestNode
from tests.page.sound import sound

WALLET = """
const ask = (method, params) => window.walletAnswers(method, JSON.stringify(params ?? []))
  .then((answer) => { if (answer.code) throw answer; return answer.result })
const provider = { request: ({ method, params }) => ask(method, params) }
const info = { uuid: 'u-1', name: 'Fox', icon: 'data:image/svg+xml,<svg/>', rdns: 'test.fox' }
const announce = () => dispatchEvent(
  new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }))
addEventListener('eip6963:requestProvider', announce)
"""
PAGE_BYTES_MAX = 30_000
DECLINED = {"code": 4001, "message": "User rejected the request."}


class Wallet:
    """A wallet that signs typed data for the payer's key, and sends nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, text: str) -> dict[str, Any]:
        self.asked.append(method)
        if method in self.answers:
            return self.answers[method]
        values = json.loads(text)
        if method == "eth_requestAccounts":
            return {"result": [PAYER.address.lower()]}
        if method == "eth_chainId":
            return {"result": "0x7a69"}
        if method == "eth_signTypedData_v4":
            message = encode_typed_data(full_message=json.loads(values[1]))
            return {"result": "0x" + bytes(PAYER.sign_message(message).signature).hex()}
        return {"result": None}


@pytest.fixture
def shop(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(anvil, tmp_path, monkeypatch)


@pytest.fixture
def wallet() -> Wallet:
    return Wallet()


@pytest.fixture
def visit(
    shop: Shop, browser: Browser, wallet: Wallet, tmp_path: Path
) -> Iterator[Callable[..., Page]]:
    """Open an invoice's page with the wallet in the browser; a complaint fails the test."""
    complaints: list[str] = []
    with serving(tmp_path) as site:
        contexts = []

        def open_page(invoice: str, lang: str = "en", **options: Any) -> Page:
            context = browser.new_context(base_url=site, **options)
            contexts.append(context)
            context.add_init_script(WALLET)
            page = context.new_page()
            page.expose_function("walletAnswers", wallet.answer)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(f"/pay/{invoice}?lang={lang}")
            return page

        yield open_page
        for context in contexts:
            context.close()
    assert complaints == []


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_a_signature_pays_and_the_page_says_so(
    shop: Shop, wallet: Wallet, visit: Callable[..., Page], lang: str
) -> None:
    invoice = shop.invoice(title="Tea")
    page = visit(invoice, lang)
    sound(page, page.url)
    page.locator("#gasless-u-1").click()
    expect(page.locator("#signed-payment")).to_be_visible()
    expect(page.locator("#address")).to_have_count(0)  # nothing to pay twice
    sound(page, page.url)
    with workers_at_work(shop):
        expect(page.locator("#panel")).to_have_attribute("data-state", "paid", timeout=15_000)
    sound(page, page.url)
    assert "eth_sendTransaction" not in wallet.asked
    assert shop.desk.holds(shop.place(invoice)) == 12_500_000


def test_with_all_it_needs_the_page_stays_small(shop: Shop, visit: Callable[..., Page]) -> None:
    page = visit(shop.invoice(title="Tea"))
    sizes: list[int] = []
    page.on("response", lambda one: sizes.append(0 if "/events" in one.url else len(one.body())))
    page.reload()
    expect(page.locator("#gasless-u-1")).to_be_visible()
    assert 0 < sum(sizes) < PAGE_BYTES_MAX, sizes


def test_declined_means_that_nothing_was_sent(
    shop: Shop, wallet: Wallet, visit: Callable[..., Page]
) -> None:
    invoice = shop.invoice()
    wallet.answers["eth_signTypedData_v4"] = DECLINED
    page = visit(invoice)
    page.locator("#gasless-u-1").click()
    expect(page.locator("#gasless-note")).to_have_text(re.compile("declined in Fox"))
    sound(page, page.url)
    assert shop.rows() == []
    wallet.answers.clear()
    page.locator("#gasless-u-1").click()
    expect(page.locator("#signed-payment")).to_be_visible()
    assert len(shop.rows()) == 1


def test_a_wallet_on_another_network_and_a_refused_signature_say_what_to_do(
    shop: Shop, wallet: Wallet, visit: Callable[..., Page]
) -> None:
    page = visit(shop.invoice())
    wallet.answers["eth_chainId"] = {"result": "0x1"}
    page.locator("#gasless-u-1").click()
    expect(page.locator("#gasless-note")).to_have_text(re.compile("not on Test"))
    wallet.answers = {"eth_signTypedData_v4": {"result": "0x" + "11" * 65}}
    page.locator("#gasless-u-1").click()
    expect(page.locator("#gasless-note")).to_have_text(re.compile("could not be taken"))
    assert shop.rows() == []


@pytest.mark.parametrize("lost", ["answer", "gateway", "unsent"])
def test_where_nobody_can_know_the_page_does_not_say_that_nothing_was_paid(
    shop: Shop, wallet: Wallet, visit: Callable[..., Page], lost: str
) -> None:
    page = visit(shop.invoice())
    page.route("**/events*", lambda route: route.abort())  # else it tells before the note is read

    def lose(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        if lost != "unsent":
            route.fetch()  # the gateway has queued it
        return route.abort() if lost != "gateway" else route.fulfill(status=502, body="away")

    page.route("**/authorization*", lose)
    page.reload()
    page.locator("#gasless-u-1").click()
    note = page.locator("#gasless-note")
    expect(note).to_have_text(re.compile("may be on its way"))
    expect(note).not_to_contain_text("Nothing was paid")
    assert len(shop.rows()) == (lost != "unsent")
    sound(page, page.url)
    page.locator("#gasless-u-1").click()
    expect(note).to_have_text(re.compile("may be on its way"))
    assert len(shop.rows()) == (lost != "unsent"), "what is signed anew is not sent beside it"


def test_pressed_twice_it_is_signed_once(
    shop: Shop, wallet: Wallet, visit: Callable[..., Page]
) -> None:
    page = visit(shop.invoice())
    page.locator("#gasless-u-1").dblclick()
    expect(page.locator("#signed-payment")).to_be_visible()
    assert wallet.asked.count("eth_signTypedData_v4") == 1
    assert len(shop.rows()) == 1


def test_without_a_script_the_page_asks_as_ever(shop: Shop, visit: Callable[..., Page]) -> None:
    page = visit(shop.invoice(), java_script_enabled=False)
    expect(page.locator("#address")).to_be_visible()
    expect(page.locator("#gasless button")).to_have_count(0)
