"""The chain changes its mind under a deposit; each ending is the one the ledger must have."""

import pytest
from sqlalchemy import text

from gateway import bell, db
from gateway.accounts import service as accounts
from gateway.deposits.follow import Step
from gateway.ledger import service as ledger
from gateway.ledger.chart import Movement
from gateway.money import Money
from tests.chain.money_in import (
    CHAIN,
    DOLLAR,
    ETH,
    ETHER,
    USDC,
    Till,
    ledger_is_sound,
    number,
    open_till,
)
from tests.conftest import TestNode


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


@pytest.fixture
def account(till: Till) -> str:
    return till.account()


def status_of(account: str) -> str:
    with db.transaction() as session:
        return accounts.get(session, account).status


def spend(account: str, units: int) -> str:
    """Send money on to another account; returns who has it."""
    with db.transaction() as session:
        other = accounts.open_account(session, handle=f"other{units}", kind="person").id
        ledger.post(
            session,
            key=f"spend {account} {units}",
            debit=ledger.owned(session, account, USDC),
            credit=ledger.owned(session, other, USDC),
            money=Money(units, USDC),
            movement=Movement.TRANSFER,
            ref="tr_test",
        )
    return other


def test_a_confirming_deposit_whose_transaction_is_dropped_is_orphaned(
    till: Till, account: str
) -> None:
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    till.anvil.reorg(2)
    till.mine(8)
    assert till.only().status == "orphaned"
    assert till.available(account) == 0
    assert till.events() == ["deposit.detected", "deposit.orphaned"]
    assert number("select count(*) from sighting where not canonical") == 1
    assert number("select count(*) from block where not canonical") == 2
    assert status_of(account) == "active"


def test_a_confirming_deposit_that_is_mined_again_is_the_same_one(till: Till, account: str) -> None:
    tx = till.pay_usdc(till.address(account), DOLLAR)
    till.mine()
    before, raw = till.only(), till.raw(tx)
    till.anvil.reorg(1)
    till.pay_eth(till.address(till.account("first")), 7, sender=9)
    till.mine()
    assert till.only_of(account).status == "orphaned"
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine()
    after = till.only_of(account)
    assert (after.id, after.status, after.epoch) == (before.id, "confirming", 1)
    assert after.block_number == before.block_number + 2
    assert after.block_hash != before.block_hash
    till.mine(2)
    assert till.only_of(account).status == "credited"
    assert till.available(account) == DOLLAR
    assert number("select count(*) from sighting where deposit_id = :id", id=after.id) == 2


def test_mined_again_with_another_log_index_it_is_still_the_same(till: Till, account: str) -> None:
    tx = till.pay_usdc(till.address(account), DOLLAR)
    till.mine()
    raw, index = till.raw(tx), till.only().log_index
    till.anvil.reorg(1)
    # another log comes first now: more gas price, so it is mined before
    till.do(till.usdc, "mint(address,uint256)", bytes([6] * 20), 1, sender=7, price=10**12)
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine(3)
    again = till.only()
    assert (again.status, index, again.log_index) == ("credited", 0, 1)
    assert till.available(account) == DOLLAR


def test_a_confirming_deposit_that_is_spent_elsewhere_is_orphaned(till: Till, account: str) -> None:
    first, other = till.address(account), till.address(till.account("bilal"))
    till.pay_eth(first, ETHER)
    till.mine(2)
    till.anvil.reorg(2)
    till.pay_eth(other, ETHER)
    till.mine(3)
    assert [one.status for one in till.deposits()] == ["orphaned", "credited"]
    assert till.available(account, ETH) == 0
    assert ledger_is_sound()


def test_a_reorganisation_that_leaves_a_deposit_alone_changes_nothing(
    till: Till, account: str
) -> None:
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    till.anvil.reorg(1)
    till.mine()
    till.mine()
    assert till.events() == ["deposit.detected", "deposit.credited"]
    assert till.available(account) == DOLLAR


def test_a_credited_deposit_that_is_unspent_is_taken_back(till: Till, account: str) -> None:
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(4)
    assert till.available(account) == DOLLAR
    till.anvil.reorg(4)
    till.mine()
    assert till.only().status == "reversed"
    assert (till.available(account), till.owed(account), till.unswept()) == (0, 0, 0)
    assert status_of(account) == "frozen"
    assert till.events()[-1] == "deposit.reversed"
    assert ledger_is_sound()


def test_a_credited_deposit_that_is_spent_leaves_a_debt_that_the_next_credit_repays(
    till: Till, account: str
) -> None:
    ours = till.address(account)
    till.pay_usdc(ours, 10 * DOLLAR)
    till.mine(4)
    other = spend(account, 7 * DOLLAR)
    till.anvil.reorg(4)
    till.mine()
    assert till.only().status == "reversed"
    assert (till.available(account), till.owed(account)) == (0, 7 * DOLLAR)
    assert till.available(other) == 7 * DOLLAR
    assert till.unswept() == 0
    till.pay_usdc(ours, 9 * DOLLAR)
    till.mine(3)
    assert (till.available(account), till.owed(account)) == (2 * DOLLAR, 0)
    assert status_of(account) == "frozen"
    assert ledger_is_sound()


@pytest.mark.parametrize("spent", [0, 4 * DOLLAR])
def test_a_credited_deposit_that_is_mined_again_is_credited_once_more(
    till: Till, account: str, spent: int
) -> None:
    tx = till.pay_usdc(till.address(account), 10 * DOLLAR)
    till.mine(4)
    if spent:
        spend(account, spent)
    raw = till.raw(tx)
    till.anvil.reorg(4)
    till.mine()
    assert till.only().status == "reversed"
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine()
    again = till.only()
    assert (again.status, again.epoch, again.credited_at) == ("confirming", 2, None)
    till.mine(6)
    assert till.only().status == "credited"
    assert (till.available(account), till.owed(account)) == (10 * DOLLAR - spent, 0)
    assert till.unswept() == 10 * DOLLAR
    assert till.events()[-2:] == ["deposit.detected", "deposit.credited"]
    assert ledger_is_sound()


def test_back_and_forth_between_two_branches_credits_once(till: Till, account: str) -> None:
    till.mine()
    snapshot = till.anvil.call("evm_snapshot")
    tx = till.pay_usdc(till.address(account), DOLLAR)
    till.mine(4)
    raw = till.raw(tx)
    blocks = number("select count(*) from block where canonical")
    for _ in range(2):
        till.anvil.call("evm_revert", snapshot)
        snapshot = till.anvil.call("evm_snapshot")
        till.mine(5)
        assert till.only().status == "reversed"
        assert till.available(account) == 0
        till.anvil.call("evm_revert", snapshot)
        snapshot = till.anvil.call("evm_snapshot")
        till.anvil.call("eth_sendRawTransaction", raw)
        till.mine(6)
        assert till.only().status == "credited"
    assert till.available(account) == till.unswept() == DOLLAR
    assert number("select count(*) from block where canonical") >= blocks
    assert ledger_is_sound()


def test_blocks_lost_by_the_node_and_made_anew_are_a_reorganisation(
    till: Till, account: str
) -> None:
    till.mine(3)
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    top = till.follower.cursor()[0]
    till.anvil.call("anvil_rollback", 4)
    till.anvil.call("evm_increaseTime", 100)
    till.mine()
    assert till.follower.cursor()[0] == top - 3
    assert till.only().status == "orphaned"
    till.mine(6)
    assert till.follower.cursor()[0] == top + 3


def test_a_reorganisation_of_the_first_block_goes_back_to_its_parent(
    till: Till, account: str
) -> None:
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine()
    assert till.only().block_number == till.follower.start_block
    till.anvil.reorg(1)
    till.mine(3)
    assert till.only().status == "orphaned"
    assert till.follower.cursor()[0] == till.follower.start_block + 3


def test_a_node_that_began_anew_is_another_chain(till: Till, account: str) -> None:
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(4)
    place = till.follower.cursor()
    till.anvil.call("anvil_rollback", till.anvil.head() - 1)
    till.anvil.call("evm_increaseTime", 100)
    for blocks in (1, place[0] - 2, 5):
        till.anvil.mine(blocks)
        assert till.follower.step() is Step.HALTED
    assert till.follower.cursor() == place
    assert till.available(account) == DOLLAR


def test_what_stands_in_no_block_of_ours_is_not_credited(till: Till, account: str) -> None:
    """The compare-and-set looks at the block itself, whatever the status says."""
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine()
    with db.transaction() as session:
        session.execute(text("update sighting set canonical = false"))
    till.mine(4)
    assert till.only().status == "confirming"
    assert till.available(account) == 0


def test_two_deposits_of_one_account_are_taken_back_together(till: Till, account: str) -> None:
    ours = till.address(account)
    till.pay_usdc(ours, 3 * DOLLAR)
    till.mine()
    till.pay_usdc(ours, 5 * DOLLAR)
    till.mine(4)
    spend(account, 6 * DOLLAR)
    till.anvil.reorg(5)
    till.mine()
    assert [one.status for one in till.deposits()] == ["reversed", "reversed"]
    assert (till.available(account), till.owed(account)) == (0, 6 * DOLLAR)
    assert till.unswept() == 0
    assert ledger_is_sound()


def test_the_reorganised_index_is_the_one_postgres_would_build(till: Till, account: str) -> None:
    till.mine(2)
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine()
    till.anvil.reorg(1)
    till.pay_usdc(till.address(account), 2 * DOLLAR)
    till.mine(2)
    kept = bell.live().zrange(f"conf:{CHAIN}:blocks", 0, -1, withscores=True)
    till.follower.pending.rebuild(till.follower.cursor())
    assert kept == bell.live().zrange(f"conf:{CHAIN}:blocks", 0, -1, withscores=True)
    assert len(kept) == 1
