"""What becomes of coin the probe found: explained, given away, swept, or gone with its block."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.pool import Pool
from gateway.deposits.follow import Follower
from gateway.deposits.native import Transactions
from gateway.deposits.rescan import rescan
from gateway.inbox.decide import Doors, assign
from gateway.ledger.chart import Chart
from tests.chain.money_in import CHAIN, CONFIRMATIONS, ETH, ETHER, Till, hexed, number, open_till
from tests.chain.money_out import open_desk
from tests.chain.probing import assert_sound, items, later, probed, put_there, unattributed
from tests.conftest import TestNode

TREASURY = bytes([0xE1] * 20)


def closed(*_: Any) -> Any:
    """A decision about what is in the books asks no other room."""
    raise AssertionError("nothing is to be adopted or transferred")


CLOSED = Doors(adopt=closed, transfer=closed)


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


def unseen(till: Till, to: bytes, units: int) -> None:
    """Pay by an internal transfer, which the driver at work does not see."""
    till.follower = Follower(CHAIN, Pool.of(till.node), Transactions())
    till.do(till.mock("EthForwarder"), "forward(address)", to, value=units)
    till.mine(CONFIRMATIONS)


def read_again(till: Till) -> int:
    head = till.node.head().number
    return rescan(CHAIN, Pool.of(till.node), from_block=1, to_block=head)


def test_the_probe_finds_what_a_weak_driver_misses_and_a_rescan_explains_it(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    unseen(till, to, 7)
    put_there(till, to, 10)
    till.mine(CONFIRMATIONS)
    assert till.deposits() == []
    assert probed(till) == 1
    assert unattributed() == 10
    assert read_again(till) == 1
    till.mine()
    assert (till.available(account, ETH), unattributed(), till.unswept()) == (7, 3, 10)
    assert items() == [("unattributed", "open", 3)]
    assert_sound()
    later(till)
    assert probed(till) == 0


def test_what_is_wholly_explained_leaves_no_question(till: Till) -> None:
    unseen(till, till.address(till.account()), 7)
    assert probed(till) == 1
    assert read_again(till) == 1
    assert items() == [("unattributed", "dismissed", 0)]
    till.mine()
    assert (unattributed(), till.unswept()) == (0, 7)
    assert_sound()


def test_a_rescan_does_not_credit_what_was_given_away(till: Till) -> None:
    account = till.account()
    unseen(till, till.address(account), 7)
    assert probed(till) == 1
    with db.transaction() as session:
        item_id = session.execute(text("select id from inbox_item")).scalar_one()
        assign(session, item_id, account_id=None, by="key", reason=None, doors=CLOSED)
    assert till.available(account, ETH) == 7
    assert read_again(till) == 0
    assert number("select count(*) from alarm where kind = 'already_assigned'") == 1
    assert (till.deposits(), till.unswept()) == ([], 7)
    assert till.available(account, ETH) == 7
    assert_sound()


def test_what_was_found_leaves_the_books_with_its_block(till: Till) -> None:
    to = till.address(till.account())
    till.mine(2)
    state = till.anvil.call("evm_snapshot")
    put_there(till, to, 9)
    till.mine(CONFIRMATIONS + 1)
    assert probed(till) == 1
    till.anvil.call("evm_revert", state)
    till.anvil.send(to=hexed(bytes([9] * 20)), value=1)
    till.mine(CONFIRMATIONS + 3)
    assert (unattributed(), till.unswept()) == (0, 0)
    assert [one[1] for one in items()] == ["orphaned"]
    assert_sound()
    later(till)
    assert probed(till) == 0


def test_a_sweep_takes_it_along_and_books_it_once(
    till: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_desk(till, tmp_path, monkeypatch)
    desk.own(till.deployed.vault_factory, "setDestination(address,bool)", TREASURY, True)
    with db.transaction() as session:
        session.execute(
            text("update chain set treasury = :to, sweep_worth_gas = 0"), {"to": TREASURY}
        )
    before = unattributed()
    put_there(till, till.address(till.account()), 9 * ETHER)
    till.mine(CONFIRMATIONS)
    assert probed(till) == 1
    for _ in range(6):
        desk.round()
        till.follow()
    assert desk.holds(TREASURY, ETH) == 9 * ETHER
    assert desk.house(Chart.TREASURY, ETH) == 9 * ETHER
    assert (unattributed() - before, till.unswept()) == (9 * ETHER, 0)
    assert number("select coalesce(sum(surplus), 0) from sweep_item") == 0
    later(till)
    assert probed(till) == 0
    assert_sound()


def test_coin_that_is_on_its_way_out_is_left_for_the_next_round(
    till: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep will tell it as surplus: found and surplus would be the same coin twice."""
    desk = open_desk(till, tmp_path, monkeypatch)
    with db.transaction() as session:
        session.execute(text("update chain set sweep_worth_gas = 0"))
    to = till.address(till.account())
    till.pay_eth(to, ETHER)
    till.mine(CONFIRMATIONS)
    put_there(till, to, 3 * ETHER)
    desk.sweep()
    desk.sign()
    till.mine(CONFIRMATIONS)
    assert probed(till) == 0
    for _ in range(6):
        desk.round()
        till.follow()
    assert number("select coalesce(sum(surplus), 0) from sweep_item") == 2 * ETHER
    later(till)
    assert probed(till) == 0
    assert_sound()
