"""Paying from the wallets of a browser: two that are injected, and really send to a node."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import asking
from tests.conftest import TestNode, running_anvil
from tests.page.sound import sound
from tests.page.test_pay_page import in_state

CHAIN_ID = "0x7a69"
INJECTED = """
for (const [uuid, name] of [['fox', 'Fox <img src=x onerror=alert(1)>'], ['hare', 'Hare']]) {
  const request = async ({ method, params }) => {
    const answer = await window.wallet(uuid, method, params ?? [])
    if (answer.error) throw Object.assign(new Error('no'), answer.error)
    return answer.result
  }
  const icon = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>'
  const info = { uuid, name, icon, rdns: 'test.' + uuid }
  const detail = Object.freeze({ info, provider: { request } })
  const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
  addEventListener('eip6963:requestProvider', announce)
}
"""


class Wallets:
    """Two wallets with an account each; they know no network but another one at first."""

    def __init__(self, node: TestNode) -> None:
        self.node = node
        self.asked: list[str] = []
        self.sent: list[str] = []
        self.known = {"0x1"}
        self.chain = "0x1"
        self.switches = True
        self.refuses: dict[str, int] = {}

    def request(self, wallet: str, method: str, params: list[Any]) -> dict[str, Any]:
        """Answer as a wallet does; what it sends, the node gets."""
        self.asked.append(method)
        if method in self.refuses:
            return {"error": {"code": self.refuses[method], "message": "no"}}
        if method == "wallet_switchEthereumChain" and params[0]["chainId"] not in self.known:
            return {"error": {"code": 4902, "message": "unknown"}}
        return {"result": self.answer(wallet, method, params)}

    def answer(self, wallet: str, method: str, params: list[Any]) -> Any:
        """Do what is asked."""
        if method == "eth_requestAccounts":
            return [self.node.accounts()[5 if wallet == "fox" else 6]]
        if method == "wallet_addEthereumChain":
            self.known.add(params[0]["chainId"])
            self.chain = params[0]["chainId"]
        if method == "wallet_switchEthereumChain" and self.switches:
            self.chain = params[0]["chainId"]
        if method == "eth_chainId":
            return self.chain
        if method == "eth_sendTransaction":
            self.sent.append(str(self.node.call("eth_sendTransaction", params[0])))
            return self.sent[-1]
        return None


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node that mines when told."""
    home: Path = tmp_path_factory.mktemp("wallets")
    with running_anvil(home) as running:
        yield running


@pytest.fixture
def wallets(node: TestNode) -> Wallets:
    return Wallets(node)


def opened(payer: Callable[..., Page], wallets: Wallets, path: str, locale: str = "en") -> Page:
    """Open a page in a browser that has the wallets."""
    page = payer("/checkout/none", locale=locale)
    page.context.expose_function("wallet", wallets.request)
    page.context.add_init_script(INJECTED)
    page.goto(path)
    return page


def seen(wallets: Wallets, hash_: str) -> dict[str, Any]:
    found = wallets.node.call("eth_getTransactionByHash", hash_)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_wallet_adds_the_network_and_sends_what_is_asked(
    payer: Callable[..., Page], wallets: Wallets, language: str
) -> None:
    page = opened(payer, wallets, f"{in_state('open')}?option=ETH", language)
    place = page.locator("#address").get_attribute("data-address")
    expect(page.locator("#wallets button")).to_have_count(2)
    assert page.locator("#wallets button img[onerror]").count() == 0
    sound(page, page.url)
    page.locator("#wallet-hare").click()
    expect(page.locator("#wallet-note")).to_have_class("only sent")
    expect(page.locator("#announce")).to_contain_text("Hare")
    (sent,) = wallets.sent
    transaction = seen(wallets, sent)
    assert transaction["from"] == wallets.node.accounts()[6].lower()
    assert transaction["to"] == str(place).lower()
    assert int(transaction["value"], 16) == 6_250_000_000_000_000
    assert wallets.asked.index("wallet_addEthereumChain") < wallets.asked.index("eth_chainId")
    wallets.node.mine()
    assert int(str(wallets.node.call("eth_getBalance", place, "latest")), 16) == 6_250 * 10**12
    sound(page, page.url)


def test_a_token_is_sent_by_its_contracts_transfer(
    payer: Callable[..., Page], wallets: Wallets
) -> None:
    wallets.known.add(CHAIN_ID)
    page = opened(payer, wallets, f"{in_state('partial')}?option=USDC")
    place = str(page.locator("#address").get_attribute("data-address"))
    page.locator("#wallet-fox").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#wallet-note")).to_have_class("only sent")
    transaction = seen(wallets, wallets.sent[0])
    assert transaction["to"] == "0x" + asking.USDC_CONTRACT.hex()
    assert int(transaction["value"], 16) == 0
    words = [place[2:].lower().rjust(64, "0"), f"{7_500_000:064x}"]
    assert transaction["input"] == "0xa9059cbb" + "".join(words)


def test_pressing_twice_sends_once_and_a_reload_does_not_offer_it_again(
    payer: Callable[..., Page], wallets: Wallets
) -> None:
    wallets.known.add(CHAIN_ID)
    page = opened(payer, wallets, f"{in_state('open')}?option=ETH")
    page.evaluate("""
        const press = () => document.querySelectorAll('#wallets button').forEach((b) => b.click())
        press(); press()
    """)
    expect(page.locator("#wallet-note")).to_have_class("only sent")
    page.reload()
    expect(page.locator("#wallet-note")).to_have_class("only sent")
    expect(page.locator("#wallet-fox")).to_have_count(0)
    assert len(wallets.sent) == 1
    page.locator("#wallet-again").click()
    expect(page.locator("#wallet-fox")).to_be_enabled()


NO_STORAGE = """
Object.defineProperty(window, 'sessionStorage', {
  get() { throw new DOMException('blocked', 'SecurityError') } })
"""
FULL_STORAGE = """
Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }
"""


@pytest.mark.parametrize("storage", [NO_STORAGE, FULL_STORAGE], ids=["none", "full"])
def test_a_browser_without_storage_pays_all_the_same_and_once(
    payer: Callable[..., Page], wallets: Wallets, storage: str
) -> None:
    wallets.known.add(CHAIN_ID)
    page = payer("/checkout/none", locale="en")
    page.context.add_init_script(storage)
    page.context.expose_function("wallet", wallets.request)
    page.context.add_init_script(INJECTED)
    page.goto(f"{in_state('open')}?option=ETH")
    page.locator("#wallet-hare").click()
    expect(page.locator("#wallet-note")).to_have_class("only sent")
    expect(page.locator("#wallet-hare")).to_have_count(0)
    assert len(wallets.sent) == 1
    page.locator("#wallet-again").click()
    expect(page.locator("#wallet-hare")).to_be_enabled()


@pytest.mark.parametrize(
    ("method", "code", "told"),
    [
        ("eth_requestAccounts", 4001, "declined"),
        ("eth_sendTransaction", 4001, "declined"),
        ("eth_sendTransaction", -32000, "failed"),
        ("wallet_addEthereumChain", 4001, "declined"),
    ],
)
def test_what_a_wallet_refuses_is_told_and_can_be_tried_again(
    payer: Callable[..., Page], wallets: Wallets, method: str, code: int, told: str
) -> None:
    wallets.refuses[method] = code
    page = opened(payer, wallets, f"{in_state('open')}?option=ETH")
    page.locator("#wallet-hare").click()
    expect(page.locator("#wallet-note")).to_have_class(f"only {told}")
    sound(page, f"{method}, {told}")
    assert wallets.sent == []
    wallets.refuses.clear()
    page.locator("#wallet-hare").click()
    expect(page.locator("#wallet-note")).to_have_class("only sent")
    assert len(wallets.sent) == 1


def test_a_wallet_that_only_says_it_has_switched_sends_nothing(
    payer: Callable[..., Page], wallets: Wallets
) -> None:
    wallets.known.add(CHAIN_ID)
    wallets.switches = False
    page = opened(payer, wallets, f"{in_state('open')}?option=ETH")
    page.locator("#wallet-fox").click()
    expect(page.locator("#wallet-note")).to_have_class("only network")
    sound(page, "wrong network")
    assert wallets.sent == []


def test_a_phone_gets_a_link_and_the_code_stays_a_plain_address(
    payer: Callable[..., Page],
) -> None:
    page = payer(f"{in_state('open')}?option=USDC", locale="en", has_touch=True, is_mobile=True)
    place = page.locator("#address").get_attribute("data-address")
    link = str(page.locator("#deep-link").get_attribute("href"))
    assert link.lower().startswith(f"ethereum:0x{asking.USDC_CONTRACT.hex()}@31337/transfer?")
    assert link.endswith(f"address={place}&uint256=12500000")
    assert page.locator("#deep-link").is_visible()
