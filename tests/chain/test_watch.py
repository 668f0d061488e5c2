"""The watcher on a real node: what it finds, when it credits, what it leaves alone."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import text

from gateway import bell, db
from gateway.addresses import service as addresses
from gateway.chain import vaults
from gateway.chain.pool import Pool
from gateway.chain.port import NodeAway
from gateway.deposits import accept, credit, service, sight
from gateway.deposits.native import Transactions
from gateway.deposits.payment import Read
from gateway.deposits.rescan import rescan
from gateway.deposits.watched import watched
from gateway.settings import settings
from gateway.webhooks.alarms import open_count
from tests.chain.money_in import (
    CHAIN,
    DOLLAR,
    ETH,
    ETHER,
    Till,
    hexed,
    ledger_is_sound,
    number,
    open_till,
)
from tests.conftest import TestNode
from workers.lease import lease


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


def test_a_token_deposit_is_seen_at_once_and_credited_at_the_configured_depth(till: Till) -> None:
    account = till.account()
    tx = till.pay_usdc(till.address(account), 5 * DOLLAR)
    till.mine()
    seen = till.only()
    facts = (seen.status, seen.kind, seen.position, int(seen.amount), hexed(seen.tx_hash))
    assert facts == ("confirming", "erc20", "0", 5 * DOLLAR, tx)
    till.mine()
    assert till.only().status == "confirming"
    assert till.available(account) == 0
    till.mine()
    assert till.only().status == "credited"
    assert till.available(account) == till.unswept() == 5 * DOLLAR
    till.mine(5)
    assert till.available(account) == 5 * DOLLAR
    assert till.events() == ["deposit.detected", "deposit.credited"]
    assert ledger_is_sound()


def test_native_coin_is_found_in_the_transaction_itself(till: Till) -> None:
    account = till.account()
    till.pay_eth(till.address(account), ETHER // 2)
    till.mine()
    assert (till.only().kind, till.only().position) == ("native", "0")
    till.mine(2)
    assert till.available(account, ETH) == ETHER // 2


def test_equal_transfers_in_one_transaction_are_told_apart_by_their_position(till: Till) -> None:
    account = till.account()
    multi = till.mock("MultiTransfer")
    till.pay_usdc(multi, 10 * DOLLAR)
    till.pay_usdc(till.address(account), 1)
    till.mine()
    signature = "transferMany(address,address,uint256,uint256)"
    till.do(multi, signature, till.usdc, till.address(account), 2 * DOLLAR, 3)
    till.mine(3)
    many = [one for one in till.deposits() if int(one.amount) == 2 * DOLLAR]
    assert [one.position for one in many] == ["0", "1", "2"]
    assert till.available(account) == 6 * DOLLAR + 1


def test_what_only_looks_like_a_payment_is_left_alone(till: Till) -> None:
    account = till.account()
    ours = till.address(account)
    spoof, nft = till.mock("SpoofToken"), till.mock("NftToken")
    till.do(spoof, "pretend(address,address,uint256)", bytes([7] * 20), ours, DOLLAR)
    till.do(nft, "mint(address,uint256)", ours, 1)
    till.pay_usdc(ours, 0)
    till.pay_eth(ours, 0)
    forwarder = till.mock("RevertedFrame")
    till.do(forwarder, "pretend(address)", ours, value=ETHER)
    till.pay_usdc(bytes([9] * 20), DOLLAR)
    till.mine(4)
    assert till.deposits() == []


def test_a_reverted_transaction_pays_nothing(till: Till) -> None:
    ours = till.address(till.account())
    fields = {
        "from": till.anvil.accounts()[8],
        "to": hexed(ours),
        "value": hex(ETHER),
        "gas": hex(100_000),
    }
    # code that always reverts stands at the address for one block
    till.anvil.call("anvil_setCode", hexed(ours), "0x60006000fd")
    till.anvil.call("eth_sendTransaction", fields)
    till.mine(4)
    assert till.deposits() == []


def test_movements_of_our_own_are_no_deposits(till: Till) -> None:
    ours, other = till.address(till.account("a")), till.address(till.account("b"))
    for sender in (till.deployed.payout_vault, ours):
        till.anvil.call("anvil_impersonateAccount", hexed(sender))
        till.anvil.call("anvil_setBalance", hexed(sender), hex(ETHER))
        fields = {"from": hexed(sender), "to": hexed(other), "value": hex(ETHER // 2)}
        till.anvil.call("eth_sendTransaction", fields)
    till.mine(4)
    assert till.deposits() == []


def test_an_address_given_out_while_a_block_is_read_is_in_time(till: Till) -> None:
    """A row inserted before others, but committed after them, must not be jumped over."""
    early, late = till.account("early"), till.account("late")
    with db.new_session() as slow:
        slow.begin()
        address = addresses.allocate(slow, account_id=early, chain=CHAIN).address
        till.address(late)
        till.follower.watched.refresh()
        slow.commit()
    till.pay_usdc(address, DOLLAR)
    till.mine(3)
    assert till.available(early) == DOLLAR


def test_a_follower_that_starts_again_goes_on_where_the_last_one_died(till: Till) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    bell.live().flushall()
    till.restarted()
    till.anvil.mine(6)
    till.follow()
    assert till.available(account) == DOLLAR


def test_killed_between_the_commit_and_the_index_it_still_credits(till: Till) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    till.anvil.mine()
    cursor, block = till.follower.cursor(), till.node.head()
    known = watched(CHAIN)
    while cursor[0] < block.number - 1:
        till.follower.step()
        cursor = till.follower.cursor()
    view = till.follower.heads.view(cursor)
    found = sight.read(view, block.number, block.number, known, Transactions())
    accept.accept(known, cursor, found, view)
    till.restarted().resume()
    till.mine(2)
    assert till.available(account) == DOLLAR


def test_killed_between_the_last_block_and_its_credits_it_credits_when_it_starts(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    monkeypatch.setattr("gateway.deposits.credit.credit_due", lambda *_: 0)
    till.mine()
    assert till.available(account) == 0
    monkeypatch.undo()
    till.restarted().resume()
    assert till.available(account) == DOLLAR


@pytest.mark.parametrize("moment", ["before", "confirming", "final"])
def test_redis_emptied_at_any_moment_loses_and_doubles_nothing(till: Till, moment: str) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    for now in ("before", "confirming", "final", "after"):
        if now == moment:
            bell.live().flushall()
        till.mine()
    bell.live().flushall()
    till.mine(3)
    assert till.available(account) == DOLLAR
    assert ledger_is_sound()


def test_without_redis_postgres_says_what_is_final(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    bell.live.cache_clear()
    till.mine(3)
    assert till.available(account) == DOLLAR


def test_two_watchers_at_once_credit_once(till: Till) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    till.anvil.mine(8)
    rivals = [till.follower, till.restarted()]

    def race(follower: object) -> None:
        while till.follower.cursor()[0] < till.anvil.head():
            try:
                follower.step()  # type: ignore[attr-defined]
            except accept.CursorMoved:
                continue

    threads = [threading.Thread(target=race, args=(rival,)) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    till.follower.resume()
    assert till.available(account) == DOLLAR
    assert number("select count(*) from block where canonical") == 8
    assert ledger_is_sound()


def test_a_stale_cursor_writes_nothing(till: Till) -> None:
    till.mine()
    place, head = till.follower.cursor(), till.node.head()
    view = till.follower.heads.view(place)
    with pytest.raises(accept.CursorMoved):
        accept.accept(watched(CHAIN), (place[0] - 1, None), [Read(head)], view)


def test_small_payments_wait_until_together_they_reach_the_minimum(
    anvil: TestNode, redis_url: str
) -> None:
    till = open_till(anvil, minimum=5 * DOLLAR)
    account = till.account()
    ours = till.address(account)
    till.pay_usdc(ours, 2 * DOLLAR)
    till.mine(5)
    assert till.only().status == "confirming"
    till.pay_usdc(ours, 3 * DOLLAR)
    till.mine(3)
    assert [one.status for one in till.deposits()] == ["credited", "credited"]
    assert till.available(account) == 5 * DOLLAR


def test_a_payment_missed_is_added_by_a_rescan_once(till: Till) -> None:
    account = till.account()
    owner = vaults.vault_address(till.deployed.vault_factory, vaults.salt_of(account))
    first = till.anvil.head()
    till.pay_usdc(owner, DOLLAR)
    till.mine(5)
    assert till.deposits() == []
    till.address(account)
    last = till.anvil.head()
    added = [rescan(CHAIN, Pool.of(till.node), from_block=first, to_block=last) for _ in range(2)]
    assert added == [1, 0]
    till.mine()
    assert till.available(account) == DOLLAR
    assert rescan(CHAIN, Pool.of(till.node), from_block=first, to_block=last) == 0


def test_a_node_that_is_away_is_told_after_a_while_and_forgiven(till: Till) -> None:
    till.mine()
    till.follower.away(NodeAway("no answer"))
    with db.transaction() as session:
        assert open_count(session) == 0
        session.execute(text("update watch_cursor set away_since = now() - interval '5 minutes'"))
    till.follower.away(NodeAway("no answer"))
    till.follower.away(NodeAway("no answer"))
    with db.transaction() as session:
        assert open_count(session) == 1
    till.mine()
    assert number("select count(*) from watch_cursor where away_since is null") == 1


def test_reconciliation_is_told_the_newest_block_whose_deposits_are_credited(till: Till) -> None:
    account = till.account()
    till.mine(4)
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine()
    block = till.only().block_number
    with db.transaction() as session:
        through = service.credited_through(session, CHAIN)
        assert through is not None
        assert through[0] == block - 2
    till.mine(2)
    with db.transaction() as session:
        through = service.credited_through(session, CHAIN)
        assert through is not None
        assert through[0] == block


def test_the_lease_is_free_again_when_its_holder_is_gone(database: str) -> None:
    with lease("watch one") as mine:
        assert mine
        with lease("watch one") as also, lease("watch two") as other:
            assert (bool(also), bool(other)) == (False, True)
    ends = time.monotonic() + 5  # the server hears of a closed connection a moment later
    while time.monotonic() < ends:
        with lease("watch one") as mine:
            if mine:
                return
    raise AssertionError("the lease is not free")


def test_a_credit_that_fails_is_tried_again(till: Till) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    with db.transaction() as session:
        session.execute(
            text(
                "create function refuse() returns trigger language plpgsql as"
                " $$ begin raise exception 'broken'; end $$"
            )
        )
        session.execute(
            text(
                "create trigger refuse before update on deposit"
                " for each row when (new.status = 'credited') execute function refuse()"
            )
        )
    till.mine()
    assert till.only().status == "confirming"
    assert till.events()[-1] == "alarm.credit_failed"
    with db.transaction() as session:
        session.execute(text("drop trigger refuse on deposit"))
    till.mine()
    assert till.available(account) == DOLLAR


def test_while_the_chain_is_halted_nothing_is_credited(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    monkeypatch.setattr("gateway.deposits.credit.credit_due", lambda *_: 0)
    till.mine()
    monkeypatch.undo()
    with db.transaction() as session:
        session.execute(text("update watch_cursor set halted_since = now()"))
    till.follower.resume()
    assert till.available(account) == 0
    till.mine()
    assert till.available(account) == DOLLAR


def test_two_who_credit_one_deposit_at_once_tell_it_once(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    monkeypatch.setattr("gateway.deposits.credit.credit_due", lambda *_: 0)
    till.mine()
    monkeypatch.undo()
    both_have_looked = threading.Barrier(2)
    real = credit.enough

    def enough(*facts: Any) -> list[str]:
        found = real(*facts)
        both_have_looked.wait(10)
        return found

    monkeypatch.setattr(credit, "enough", enough)
    due = [till.only().id]
    pending = till.follower.pending
    rivals = [threading.Thread(target=credit.credit_due, args=(pending, due)) for _ in range(2)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    assert till.available(account) == DOLLAR
    assert till.events() == ["deposit.detected", "deposit.credited"]
