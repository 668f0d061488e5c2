"""Native coin on its way into the books: what is credited, what is not, and by which driver."""

import pytest
import typer

from gateway import db
from gateway.chain import store as chains
from gateway.chain.evm import at_url
from gateway.chain.pool import Pool
from gateway.deposits.follow import Follower
from gateway.deposits.native import Transactions
from gateway.deposits.native.trace_block import TraceBlock
from gateway.deposits.native.transfer_logs import SYSTEM_ADDRESS
from gateway.deposits.rescan import rescan
from gateway.operators.chains import keep_driver
from tests.chain import native_moves
from tests.chain.money_in import (
    CHAIN,
    CONFIRMATIONS,
    ETH,
    ETHER,
    Till,
    hexed,
    ledger_is_sound,
    number,
    open_till,
)
from tests.conftest import TestNode
from tests.sim.scripted import Pay, World

TRACES = ("debug_traceBlockByHash", "debug_traceBlockByNumber", "debug_traceTransaction")


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


def driver_in_row() -> str | None:
    with db.transaction() as session:
        return chains.chain(session, CHAIN).native_driver


def test_an_internal_transfer_is_credited(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    forwarder = till.mock("EthForwarder")
    till.do(forwarder, "forward(address)", to, value=2 * ETHER)
    till.mine(CONFIRMATIONS)
    deposit = till.only()
    assert (deposit.kind, deposit.position) == ("native", "0.0")
    assert deposit.from_address == forwarder
    assert till.available(account, ETH) == 2 * ETHER
    assert till.unswept() == 2 * ETHER
    assert ledger_is_sound()


def test_several_in_one_transaction_are_told_apart(till: Till) -> None:
    account = till.account()
    forwarder = till.mock("EthForwarder")
    till.do(forwarder, "forwardMany(address,uint256)", till.address(account), 3, value=3 * ETHER)
    till.mine(CONFIRMATIONS)
    assert [one.position for one in till.deposits()] == ["0.0", "0.1", "0.2"]
    assert till.available(account, ETH) == 3 * ETHER


def test_a_payment_of_a_reverted_frame_is_none(till: Till) -> None:
    account = till.account()
    mock = till.mock("RevertedFrame")
    till.do(mock, "pretend(address)", till.address(account), value=ETHER)
    paid = till.pay_eth(till.address(account), 1)
    till.mine(CONFIRMATIONS)
    assert hexed(till.only().tx_hash) == paid


def test_a_selfdestruct_is_credited_also_within_one_transaction(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    till.do(till.mock("SelfdestructSender"), "destroy(address)", to, value=ETHER)
    till.mine()
    till.do(till.mock("SelfdestructBurst"), "burst(address)", to, value=ETHER)
    till.mine(CONFIRMATIONS)
    assert [one.position for one in till.deposits()] == ["0.0", "0.1.0"]
    assert till.available(account, ETH) == 2 * ETHER


def test_our_own_movements_are_no_deposits(till: Till) -> None:
    account, other = till.account(), till.account("basma")
    to = till.address(account)
    own = till.deployed.payout_vault
    till.anvil.call("anvil_impersonateAccount", hexed(own))
    till.anvil.call("anvil_setBalance", hexed(own), hex(9 * ETHER))
    fields = {"from": hexed(own), "to": hexed(to), "value": hex(ETHER)}
    till.anvil.call("eth_sendTransaction", fields)
    till.anvil.call("anvil_impersonateAccount", hexed(to))
    till.anvil.call("anvil_setBalance", hexed(to), hex(9 * ETHER))
    for target in (till.address(other), to):
        fields = {"from": hexed(to), "to": hexed(target), "value": hex(ETHER)}
        till.anvil.call("eth_sendTransaction", fields)
    paid = till.pay_eth(to, 5)
    till.mine(CONFIRMATIONS)
    assert hexed(till.only().tx_hash) == paid
    assert till.available(account, ETH) == 5


def test_the_same_transaction_mined_again_may_move_another_amount(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    giver = native_moves.contract(till.anvil, native_moves.GIVE_ALL)
    sender = till.mock("SelfdestructSender")
    till.mine()
    till.do(sender, "destroy(address)", giver, value=3 * ETHER, price=2 * 10**10)
    tx = native_moves.pay_through(till.anvil, giver, to, ETHER, sender=7, gasPrice=hex(10**10))
    raw = till.raw(tx)
    till.mine(CONFIRMATIONS)
    assert till.available(account, ETH) == 4 * ETHER
    till.anvil.reorg(CONFIRMATIONS)
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine(CONFIRMATIONS)
    deposit = till.only()
    assert (deposit.status, int(deposit.amount), deposit.epoch) == ("credited", ETHER, 2)
    assert till.available(account, ETH) == ETHER
    assert till.unswept() == ETHER
    assert ledger_is_sound()


def test_a_rescan_by_another_driver_adds_what_was_missed_and_nothing_twice(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    till.follower = Follower(CHAIN, Pool.of(till.node), Transactions())
    till.pay_eth(to, 5)
    till.do(till.mock("EthForwarder"), "forward(address)", to, value=7)
    block = till.mine(CONFIRMATIONS) and till.node.head().number
    assert till.available(account, ETH) == 5
    first = till.only().block_number
    assert rescan(CHAIN, Pool.of(till.node), from_block=first, to_block=block) == 1
    assert rescan(CHAIN, Pool.of(till.node), from_block=first, to_block=block) == 0
    till.mine()
    assert till.available(account, ETH) == 12
    assert till.unswept() == 12


def test_an_internal_transfer_whose_block_is_gone_is_orphaned_and_comes_back(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    raw = till.raw(till.do(till.mock("EthForwarder"), "forward(address)", to, value=7))
    till.mine()
    till.anvil.reorg(1)
    till.mine()
    assert [one.status for one in till.deposits()] == ["orphaned"]
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine(CONFIRMATIONS)
    assert (till.only().status, till.only().position) == ("credited", "0.0")
    assert till.available(account, ETH) == 7


def test_an_operator_may_say_how_coin_is_found(till: Till) -> None:
    with db.transaction() as session:
        chain = chains.chain(session, CHAIN)
        keep_driver(session, chain, None)
        assert chain.native_driver == "trace_block"
        keep_driver(session, chain, "trace_each")
        keep_driver(session, chain, None)
        with pytest.raises(typer.BadParameter, match="transfer_logs"):
            keep_driver(session, chain, "by_magic")
    assert driver_in_row() == "trace_each"
    account = till.account()
    till.do(till.mock("EthForwarder"), "forward(address)", till.address(account), value=7)
    till.mine(CONFIRMATIONS)
    assert till.available(account, ETH) == 7


def test_anvil_is_read_by_trace_block_and_the_slow_ways_are_not_tried(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    exchange = till.node.endpoint.exchange

    def heard(body: bytes) -> bytes:
        asked.append(body)
        return exchange(body)

    monkeypatch.setattr(till.node.endpoint, "exchange", heard)
    till.pay_eth(till.address(till.account()), 5)
    till.mine()
    assert driver_in_row() == "trace_block"
    bodies = b"".join(asked)
    assert b"trace_block" in bodies
    assert not [method for method in TRACES if method.encode() in bodies]


def test_what_the_row_says_is_not_asked_again(till: Till) -> None:
    with db.transaction() as session:
        chains.chain(session, CHAIN).native_driver = "transactions"
    account = till.account()
    till.do(till.mock("EthForwarder"), "forward(address)", till.address(account), value=7)
    till.pay_eth(till.address(account), 5)
    till.mine(CONFIRMATIONS)
    assert till.available(account, ETH) == 5
    assert driver_in_row() == "transactions"


def test_coin_told_by_events_is_counted_once(till: Till) -> None:
    """EIP-7708: the same movement is a trace and an event, and only one of them counts."""
    system = bytes.fromhex(SYSTEM_ADDRESS[2:])
    account = till.account()
    to = till.address(account)

    def sent(units: int, path: str) -> tuple[Pay, Pay]:
        return Pay(to, units, path=path), Pay(to, units, token=system)

    with World(chain_id=31337) as world:
        start = till.node.head().number
        world.empty(start - 1)
        world.mine(world.tx(*sent(3, "0")))
        view = world.view(traces=True)
        till.node = at_url(view.url, 31337)
        with db.transaction() as session:
            chains.chain(session, CHAIN).start_block = start + 1
        till.restarted()
        world.mine(world.tx(*sent(5, "0"), *sent(7, "0.1")), world.tx(*sent(11, "0.0")))
        world.empty(CONFIRMATIONS)
        till.follow()
        assert driver_in_row() == "transfer_logs"
        assert "trace_block" not in view.calls
        found = [(one.position, int(one.amount)) for one in till.deposits()]
        assert found == [("0", 5), ("0.event1", 7), ("0", 11)]
        assert till.available(account, ETH) == 23
        head = world.head.number
        assert not rescan(
            CHAIN, Pool.of(till.node), from_block=start + 1, to_block=head, driver=TraceBlock()
        ), "told by another driver, under other positions"
        assert len(till.deposits()) == 3
        assert number("select count(*) from inbox_item") == 0


def test_events_that_began_after_the_first_block_choose_no_driver(till: Till) -> None:
    """Reading by events would miss all that moved before them."""
    system = bytes.fromhex(SYSTEM_ADDRESS[2:])
    account = till.account()
    to = till.address(account)
    with World(chain_id=31337) as world:
        start = till.node.head().number
        world.empty(start)
        view = world.view(traces=True)
        till.node = at_url(view.url, 31337)
        till.restarted()
        world.mine(world.tx(Pay(to, 2, path="0.0")))
        world.mine(world.tx(Pay(to, 5), Pay(to, 5, token=system)))
        world.empty(CONFIRMATIONS)
        till.follow()
        assert driver_in_row() == "trace_block"
        assert till.available(account, ETH) == 7
        assert number("select count(*) from inbox_item") == 0
