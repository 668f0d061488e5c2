"""The watcher on another client: Hardhat's node, which traces nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain import store as chains
from gateway.chain.evm import Evm, at_url
from gateway.chain.pool import Pool
from gateway.chain.rpc import Endpoint
from gateway.deposits.balances import read_at_once
from gateway.deposits.follow import Follower, Step
from gateway.deposits.native import choose
from gateway.ledger.chart import Chart
from gateway.settings import settings
from tests.chain.hardhat import HardhatNode, running_hardhat
from tests.chain.money_in import (
    CHAIN,
    CONFIRMATIONS,
    DOLLAR,
    ETH,
    ETHER,
    Till,
    hexed,
    ledger_is_sound,
    number,
    open_till,
)
from tests.chain.probing import items, later, probed, unattributed
from tests.conftest import TestNode

TAGS = (["safe", False], ["finalized", False])


class Modest(Evm):
    """The node without its word for what is final: it says so of its newest block."""

    def ask_many(self, method: str, calls: list[list[Any]], result: Any) -> list[Any]:
        if any(call in TAGS for call in calls):
            return [None for _ in calls]
        return super().ask_many(method, calls, result)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HardhatNode]:
    with running_hardhat(tmp_path_factory.mktemp("hardhat")) as node:
        yield node


@pytest.fixture
def node(
    started: HardhatNode, database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HardhatNode]:
    """The node as it was when it started; settings name it."""
    clean = started.snapshot()
    monkeypatch.setenv("CHAINS", f"{CHAIN}=http://{started.host}:{started.port}")
    settings.cache_clear()
    yield started
    started.revert(clean)


@pytest.fixture
def till(node: HardhatNode, redis_url: str) -> Till:
    return open_till(node)


def modest(till: Till) -> Till:
    """Have the chain followed without what the node says of finality."""
    till.node = Modest(Endpoint(f"http://127.0.0.1:{till.anvil.port}", 31337))
    till.restarted()
    return till


def driver_in_row() -> str | None:
    with db.transaction() as session:
        return chains.chain(session, CHAIN).native_driver


def chosen(node: Evm) -> str:
    block = choose.newest_busy(node)
    assert block is not None
    return choose.probed(node, 1, block)


def test_the_node_has_nothing_that_traces(till: Till) -> None:
    assert chosen(till.node) == "transactions"
    till.pay_eth(till.address(till.account()), 5)
    till.mine()
    assert driver_in_row() == "transactions"


def test_anvil_has_trace_block(anvil: TestNode) -> None:
    anvil.send(to=hexed(bytes([7] * 20)), value=1)
    anvil.mine()
    assert chosen(at_url(f"http://127.0.0.1:{anvil.port}", 31337)) == "trace_block"


def test_tokens_and_coin_are_seen_confirmed_and_credited(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    till.pay_usdc(to, 5 * DOLLAR)
    till.pay_eth(to, 2 * ETHER)
    till.mine()
    assert sorted(one.kind for one in till.deposits()) == ["erc20", "native"]
    assert {one.status for one in till.deposits()} == {"confirming"}
    till.mine(CONFIRMATIONS - 1)
    assert {one.status for one in till.deposits()} == {"credited"}
    assert (till.available(account), till.available(account, ETH)) == (5 * DOLLAR, 2 * ETHER)
    assert ledger_is_sound()


def test_an_internal_transfer_is_found_by_the_probe(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    till.do(till.mock("EthForwarder"), "forward(address)", to, value=7)
    till.pay_eth(to, 5)
    till.mine(CONFIRMATIONS)
    assert till.available(account, ETH) == 5
    assert probed(till) == 1
    assert items() == [("unattributed", "open", 7)]
    assert (unattributed(), till.unswept()) == (7, 12)
    later(till)
    assert probed(till) == 0
    assert ledger_is_sound()


def test_balances_are_read_in_one_call(till: Till) -> None:
    addresses = [till.address(till.account(name)) for name in ("ali", "badr")]
    till.pay_eth(addresses[1], 5)
    till.anvil.mine()
    assert read_at_once(till.node, addresses, till.node.head().hash) == [0, 5]


def test_many_blocks_are_caught_up_with(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    paid = 0
    for units in range(1, 13):
        till.pay_usdc(to, units)
        till.pay_eth(to, units)
        till.anvil.mine()
        till.anvil.mine(units)
        paid += units
    steps = till.mine(CONFIRMATIONS)
    assert (till.available(account), till.available(account, ETH)) == (paid, paid)
    assert steps < 12, "what is final is read in ranges"
    assert till.follower.cursor()[0] == till.node.head().number


@pytest.mark.parametrize("credited", [False, True])
def test_a_reorganisation_is_followed(till: Till, credited: bool) -> None:
    modest(till)
    account = till.account()
    to = till.address(account)
    till.mine()
    assert isinstance(till.anvil, HardhatNode)
    before = till.anvil.snapshot()
    till.pay_usdc(to, 5 * DOLLAR)
    till.pay_eth(to, 3)
    till.mine(CONFIRMATIONS if credited else 1)
    assert till.available(account, ETH) == (3 if credited else 0)
    till.anvil.revert(before)
    till.pay_eth(to, 4)
    till.mine(CONFIRMATIONS + 1)
    gone = "reversed" if credited else "orphaned"
    assert [one.status for one in till.deposits()] == [gone, gone, "credited"]
    assert (till.available(account), till.available(account, ETH)) == (0, 4)
    assert till.unswept() == 4
    assert ledger_is_sound()


def test_blocks_the_node_called_final_are_not_taken_back(till: Till) -> None:
    """Hardhat says so of its newest block: going back on that is nothing to follow."""
    to = till.address(till.account())
    till.mine()
    assert isinstance(till.anvil, HardhatNode)
    before = till.anvil.snapshot()
    till.pay_eth(to, 3)
    till.mine(CONFIRMATIONS)
    till.anvil.revert(before)
    till.anvil.mine(CONFIRMATIONS + 1)
    assert till.follower.step() is Step.HALTED
    with db.transaction() as session:
        assert session.execute(text("select kind from alarm")).scalars().all() == ["deep_reorg"]
    assert till.unswept() == 3


def test_another_process_goes_on_where_the_first_stopped(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    till.pay_eth(to, 3)
    till.mine()
    till.pay_eth(to, 4)
    till.anvil.mine(CONFIRMATIONS)
    till.follower = Follower(CHAIN, Pool.of(till.node))
    till.follow()
    assert till.available(account, ETH) == 7
    assert (
        number(
            "select debits_posted - credits_posted from ledger.account where code = :code",
            code=int(Chart.UNSWEPT),
        )
        == 7
    )
