"""`Pay (test)` pressed twice, and by sixteen at once, pays once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from gateway import db
from gateway.app import app
from gateway.chain import evm
from gateway.chain.address import show_address
from gateway.ids import new_id
from gateway.invoices import service
from tests import asking
from tests.conftest import TestNode

WHOLE = 6_250_000_000_000_000


@pytest.fixture
def http(anvil: TestNode) -> Iterator[TestClient]:
    evm.node.cache_clear()
    with db.transaction() as session:
        asking.add_chain(session)
    yield TestClient(app)
    evm.node.cache_clear()


def opened() -> tuple[str, str]:
    """Open an invoice; returns its id and the address of its ETH."""
    with db.transaction() as session:
        facts = asking.asked(session, asking.merchant(session, new_id("m").lower()[-12:]))
        return facts.invoice.id, show_address(facts.options[0].address)


def held(anvil: TestNode, place: str) -> int:
    anvil.mine()
    return int(str(anvil.call("eth_getBalance", place, "latest")), 16)


def press(http: TestClient, invoice: str) -> int:
    answer = http.post(f"/pay/{invoice}/test?option=ETH", follow_redirects=False)
    return answer.status_code


def test_pressed_again_it_pays_once_until_something_arrived(
    http: TestClient, anvil: TestNode
) -> None:
    invoice, place = opened()
    assert [press(http, invoice), press(http, invoice)] == [303, 303]
    assert held(anvil, place) == WHOLE
    with db.transaction() as session:
        asking.pay(session, service.get(session, invoice), "0.00425", asset="ETH")
    assert press(http, invoice) == 303
    assert held(anvil, place) == WHOLE + 2_000_000_000_000_000


def test_pressed_by_sixteen_at_once_it_pays_once(http: TestClient, anvil: TestNode) -> None:
    invoice, place = opened()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: press(http, invoice), range(16)))
    assert set(answers) == {303}
    assert held(anvil, place) == WHOLE


def test_what_was_not_sent_can_be_pressed_again(http: TestClient, anvil: TestNode) -> None:
    invoice, place = opened()
    payer = anvil.accounts()[4]
    had = anvil.call("eth_getBalance", payer, "latest")
    anvil.call("anvil_setBalance", payer, "0x0")
    assert press(http, invoice) == 424
    anvil.call("anvil_setBalance", payer, had)
    assert press(http, invoice) == 303
    assert held(anvil, place) == WHOLE
