"""Events that are no ERC-20 Transfer, or of no transaction: never credited, never in silence."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway import db
from gateway.chain.add import NewAsset, add_asset
from gateway.deposits.payment import SET_ASIDE
from gateway.deposits.rescan import rescan
from tests.chain.endpoints import CHAIN, open_reader, rows
from tests.chain.money_in import DOLLAR, Till, open_till
from tests.chain.odd_views import OddView
from tests.conftest import TestNode
from tests.flow.strays import assign
from tests.sim.scripted import Pay, Tx, World


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def items() -> list[tuple[str, str, int]]:
    """The inbox: kind, status, units."""
    found = rows("select kind, status, units from inbox_item order by id")
    return [(row.kind, row.status, int(row.units)) for row in found]


def alarms() -> list[str]:
    return [row.kind for row in rows("select kind from alarm order by kind")]


def list_it(token: bytes) -> None:
    with db.transaction() as session:
        add_asset(session, CHAIN, NewAsset("TOK", "Token", token, 18))


# Other topics -------------------------------------------------------------------------------------
def test_a_listed_token_that_indexes_nothing_is_set_aside_and_told(till: Till) -> None:
    token = till.mock("NonIndexedToken")
    list_it(token)
    account = till.account()
    ours, payer = till.address(account), bytes.fromhex(till.anvil.accounts()[8][2:])
    till.do(token, "mint(address,uint256)", payer, 1_000)
    till.mine()
    assert (items(), alarms()) == ([], ["token_odd_event"])
    till.do(token, "transfer(address,uint256)", ours, 7)
    till.pay_usdc(ours, DOLLAR)
    till.mine(3)
    assert till.available(account) == DOLLAR
    assert items() == [(SET_ASIDE, "open", 7)]
    assert alarms() == ["payment_set_aside", "token_odd_event"]
    (item,) = rows("select id from inbox_item")
    assert assign(item.id).status == "assigned"
    till.mine(3)
    assert sorted((one.asset, int(one.amount)) for one in till.deposits()) == [
        ("TOK", 7),
        ("USDC", DOLLAR),
    ]


def test_the_same_events_of_other_contracts_are_nothing(till: Till) -> None:
    token, nft = till.mock("NonIndexedToken"), till.mock("NftToken")
    ours = till.address(till.account())
    till.do(token, "mint(address,uint256)", ours, 1_000)
    till.do(nft, "mint(address,uint256)", ours, 1)
    till.mine()
    assert (items(), alarms()) == ([], [])


# No transaction -----------------------------------------------------------------------------------
def nameless(world: World, tx: Tx, by_block: bool) -> OddView:
    """An endpoint on which a transaction's events are the network's own."""

    def change(method: str, parameters: list[Any], result: Any) -> Any:
        del parameters
        if method != "eth_getLogs":
            return result
        return [
            log
            if log["transactionHash"] != "0x" + tx.hash.hex()
            else log | {"transactionHash": log["blockHash"] if by_block else "0x" + "00" * 32}
            for log in result
        ]

    return OddView(world, change)


@pytest.mark.parametrize("above", [0, 20], ids=["live", "final"])
@pytest.mark.parametrize("by_block", [True, False], ids=["the block's hash", "zero"])
def test_what_the_network_itself_paid_is_set_aside_and_the_chain_goes_on(
    world: World, by_block: bool, above: int
) -> None:
    tx = world.tx()
    reader = open_reader(world, nameless(world, tx, by_block))
    paid = [Pay(reader.address, units, token=reader.token) for units in (3, 4)]
    unknown = Pay(reader.address, 5, token=world.token(9))
    world.mine(tx.doing(*paid, unknown), reader.pay(7))
    world.empty(above)
    world.empty(3)
    reader.follow()
    assert (reader.deposits(), reader.failures) == ([(7, "credited")], [])
    told = [(SET_ASIDE, "open", 3), (SET_ASIDE, "open", 4), ("unknown_token", "open", 5)]
    assert items() == told
    (first, *_) = rows("select a.tx_hash, a.position from inbox_arrival a order by a.position")
    assert (first.tx_hash, first.position) == (None, "log0")
    assert rescan(CHAIN, reader.pool, from_block=1, to_block=1) == 0
    assert items() == told
    assert alarms() == ["payment_set_aside"]
