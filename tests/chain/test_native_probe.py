"""The balance probe: coin that no payment explains is booked once, as owed to somebody unknown."""

import time
from threading import Event

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.evm import Evm
from gateway.deposits import balances, probe
from gateway.deposits.probe import Probe
from gateway.inbox import service as inbox
from gateway.inbox.rules import Transfer
from tests.chain.money_in import (
    CHAIN,
    CONFIRMATIONS,
    ETH,
    Till,
    number,
    open_till,
)
from tests.chain.probing import (
    SECONDS_MAX,
    assert_sound,
    items,
    later,
    probed,
    put_there,
    unattributed,
)
from tests.conftest import TestNode
from workers.watch import watch_until


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


def test_coin_without_a_transaction_is_booked_once(till: Till) -> None:
    account = till.account()
    to = till.address(account)
    till.address(till.account("basma"))
    till.pay_eth(to, 2)
    till.mine()
    put_there(till, to, 9)
    till.mine(CONFIRMATIONS)
    assert probed(till) == 1
    assert (unattributed(), till.unswept()) == (7, 9)
    assert items() == [("unattributed", "open", 7)]
    assert number("select count(*) from alarm where kind = 'unattributed'") == 1
    assert number("select count(*) from inbox_item where account_id = :id", id=account) == 1
    for _ in range(3):
        later(till)
        assert probed(till) == 0
    assert till.available(account, ETH) == 2
    assert_sound()
    put_there(till, to, 19)
    later(till)
    assert probed(till) == 1
    assert unattributed() == 17
    assert [one[2] for one in items()] == [7, 10]
    assert_sound()


def test_only_final_coin_is_looked_at(till: Till) -> None:
    to = till.address(till.account())
    till.mine(CONFIRMATIONS)
    put_there(till, to, 9)
    till.mine(CONFIRMATIONS - 2)
    assert probed(till) == 0
    till.mine()
    assert probed(till) == 0, "a round each probe_blocks"
    later(till)
    assert probed(till) == 1


def test_deposits_that_are_still_confirming_are_known(till: Till) -> None:
    with db.transaction() as session:
        session.execute(
            text(
                "insert into finality_tier (chain, asset, from_amount, rule)"
                " values (:chain, 'ETH', 0, 'finalized')"
            ),
            {"chain": CHAIN},
        )
    till.pay_eth(till.address(till.account()), 5)
    till.mine(CONFIRMATIONS)
    till.pay_eth(till.only().address, 6)
    till.mine()
    assert {one.status for one in till.deposits()} == {"confirming"}
    assert probed(till) == 0


def test_what_waits_in_the_inbox_is_known(till: Till) -> None:
    """Set aside when it came, or to an address that was given out elsewhere then."""
    to = till.address(till.account())
    put_there(till, to, 5)
    till.mine(CONFIRMATIONS)
    place = till.follower.cursor()
    with db.transaction() as session:
        transfer = Transfer(
            chain=CHAIN,
            kind="set_aside",
            address=to,
            sender=bytes(20),
            contract=None,
            units=4,
            tx_hash=bytes(32),
            position="0.1",
            block_number=place[0] - CONFIRMATIONS,
            block_hash=bytes(32),
            block_time=till.node.head().time,
        )
        inbox.put(session, transfer, detail="")
    assert probed(till) == 1
    assert unattributed() == 1


def test_all_addresses_get_their_turn(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_ADDRESSES_MAX", 2)
    for number_, handle in enumerate(("ali", "badr", "carim", "dina", "emad")):
        put_there(till, till.address(till.account(handle)), 10 + number_)
    till.mine(CONFIRMATIONS)
    first, again = probed(till), probed(till)
    assert (first, again, probed(till), probed(till)) == (2, 2, 1, 0)
    assert unattributed() == 60


def test_both_ways_of_reading_balances_agree(till: Till) -> None:
    addresses = [till.address(till.account(f"user{place}")) for place in range(5)]
    for wei, address in enumerate(addresses):
        put_there(till, address, wei)
    till.anvil.mine()
    at = till.node.head().hash
    assert balances.read_at_once(till.node, addresses, at) == [0, 1, 2, 3, 4]
    assert till.node.balances(addresses, None, at) == [0, 1, 2, 3, 4]


def test_a_node_that_cannot_tell_holds_nothing_up_and_calls_somebody(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = till.address(till.account())
    put_there(till, to, 9)
    till.mine(CONFIRMATIONS)
    ask = till.node.ask_many
    told = till.node.ask
    monkeypatch.setattr(
        till.node, "ask", lambda method, *rest: told(method.replace("eth_call", "no_call"), *rest)
    )
    monkeypatch.setattr(
        till.node, "ask_many", lambda method, *rest: ask(method.replace("eth_getB", "no_"), *rest)
    )
    probing = Probe(CHAIN)
    for _ in range(probe.FAILURES_MAX):
        assert probed(till, probing) == 0
        till.mine()
    assert number("select count(*) from alarm where kind = 'probe_failed'") == 1
    monkeypatch.undo()
    assert probed(till, Probe(CHAIN)) == 1


def test_the_watcher_probes_while_it_has_nothing_to_read(till: Till) -> None:
    to = till.address(till.account())
    till.mine()
    put_there(till, to, 9)
    till.anvil.mine(CONFIRMATIONS)
    watch_until(till.follower, time.monotonic() + 1.5)
    assert items() == [("unattributed", "open", 9)]


def test_a_slow_answer_holds_no_block_up(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    to = till.address(till.account())
    put_there(till, to, 9)
    till.mine(CONFIRMATIONS)
    told, hang_up = Event(), Event()

    def slow(node: Evm, addresses: list[bytes], block_hash: bytes) -> list[int]:
        told.set()
        assert hang_up.wait(SECONDS_MAX)
        return balances.balances(node, addresses, block_hash)

    monkeypatch.setattr(probe, "balances", slow)
    till.follower.look_closer()
    assert told.wait(SECONDS_MAX)
    till.anvil.mine(2)
    till.follow()
    till.follower.look_closer()
    assert till.follower.cursor()[0] == till.node.head().number
    assert items() == []
    hang_up.set()
    assert probed(till, till.follower.probe) == 1
