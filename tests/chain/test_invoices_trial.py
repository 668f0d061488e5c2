"""The test payment of the development page, against a node."""

import pytest
from eth_abi.abi import encode

from gateway import db
from gateway.chain import evm
from gateway.chain.store import chain_asset
from gateway.checkout import trial
from gateway.errors import NotFound
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.settings import settings
from tests import asking
from tests.conftest import TestNode

PLACE = bytes.fromhex("00000000000000000000000000000000000a11ce")


@pytest.fixture
def chain_rows(anvil: TestNode) -> None:
    evm.node.cache_clear()
    with db.transaction() as session:
        asking.add_chain(session)


def pay(asset: str, amount: str) -> str:
    with db.transaction() as session:
        money = Money.parse(amount, ledger.asset(session, asset))
        return trial.pay(chain_asset(session, asking.CHAIN, asset), to=PLACE, amount=money)


def test_native_coin_arrives(anvil: TestNode, chain_rows: None) -> None:
    pay("ETH", "0.00625")
    anvil.mine()
    assert evm.node(asking.CHAIN).balance(PLACE) == 6_250_000_000_000_000


def test_a_token_is_transferred_by_its_contract(anvil: TestNode, chain_rows: None) -> None:
    sent = pay("USDC", "12.50")
    anvil.mine()
    found = anvil.call("eth_getTransactionByHash", sent)
    assert isinstance(found, dict)
    assert found["to"] == "0x" + asking.USDC_CONTRACT.hex()
    encoded = encode(["address", "uint256"], ["0x" + PLACE.hex(), 12_500_000])
    assert found["input"] == "0xa9059cbb" + encoded.hex()


def test_production_pays_nothing(chain_rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    production = settings().model_copy(update={"environment": "production"})
    monkeypatch.setattr("gateway.checkout.trial.settings", lambda: production)
    with pytest.raises(NotFound):
        pay("ETH", "1")
