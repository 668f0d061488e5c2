"""A merchant hears of money in the wrong asset once, whatever the chain does."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.accounts.store import Account
from gateway.inbox.store import Item
from tests import asking
from tests.chain.money_in import CHAIN, DOLLAR, ETHER, Till, ledger_is_sound, open_till
from tests.conftest import TestNode

UNEXPECTED = "invoice.unexpected_payment"


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Iterator[Till]:
    yield open_till(anvil)
    assert ledger_is_sound()


def events() -> list[Any]:
    query = text("select account_id, object_id, data from event where type = :type order by seq")
    with db.transaction() as session:
        return list(session.execute(query, {"type": UNEXPECTED}))


def item_status(item: str) -> str:
    with db.transaction() as session:
        return session.get_one(Item, item).status


def test_it_is_told_once_to_its_merchant_and_with_what_came(till: Till) -> None:
    shop = till.account("falafel-corner")
    with db.transaction() as session:
        merchant = session.get_one(Account, shop)
        facts = asking.asked(session, merchant, "10", assets=(("USDC", CHAIN),))
    address = bytes(facts.options[0].address)
    raws = [till.raw(till.pay_usdc(address, DOLLAR)), till.raw(till.pay_eth(address, ETHER // 200))]
    till.mine()
    (told,) = events()
    with db.transaction() as session:
        item = session.query(Item).one()
    assert (told.account_id, told.object_id) == (shop, facts.invoice.id)
    assert (told.data["id"], told.data["status"]) == (facts.invoice.id, "open")
    came = told.data["unexpected_payment"]
    assert (came["id"], came["asset"], came["deposit"]) == (item.id, "ETH", item.deposit_id)
    assert came["amount"].startswith("0.005")
    assert not {"decided_by", "decisions", "reason", "account"} & came.keys()
    payments = {one["asset"]: one["unsettled"] for one in told.data["payments"]}
    assert payments == {"USDC": None, "ETH": "wrong_asset"}

    till.anvil.reorg(1)
    till.mine()
    assert item_status(item.id) == "orphaned"
    for raw in raws:
        till.anvil.call("eth_sendRawTransaction", raw)
    till.mine(4)
    assert item_status(item.id) == "open"
    assert len(events()) == 1
    till.pay_eth(address, ETHER // 100)
    till.mine()
    assert len(events()) == 2
