"""How deep the chain may change its mind: down to what the node called final, and no block more."""

from typing import Any

import pytest

from gateway.chain.evm import Evm
from gateway.chain.port import Header, NodeAway
from gateway.deposits import heads, rules
from gateway.deposits.follow import Step
from tests.chain.money_in import DOLLAR, Till, ledger_is_sound, number
from tests.chain.tagging import FINAL_BELOW, Behind, Wordless, read_by


@pytest.fixture
def till(tagged: Till) -> Till:
    return tagged


@pytest.fixture
def account(till: Till) -> str:
    return till.account()


def recorded(column: str) -> int:
    return number(f"select coalesce({column}, -1) from watch_cursor")


def outlast(till: Till) -> Step:
    """Step until a lower head has lasted long enough; returns what the follower did then."""
    clock = till.follower.pool.clock
    begun = clock()
    while (step := till.follower.step()) is Step.IDLE:
        assert clock() - begun < 2 * till.follower.heads.lower_seconds
    return step


def unchanged(till: Till) -> tuple[Any, ...]:
    """Return everything a change that is too deep must leave alone."""
    deposits = [(one.id, one.status, one.block_hash, one.epoch) for one in till.deposits()]
    blocks = number("select count(*) from block where canonical")
    entries = number("select count(*) from ledger.entry")
    return till.follower.cursor(), deposits, blocks, entries


def halted(till: Till) -> bool:
    return number("select count(*) from watch_cursor where halted_since is not null") == 1


def test_a_branch_from_the_final_block_itself_is_followed(till: Till, account: str) -> None:
    till.mine()
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(FINAL_BELOW)
    top, final = till.follower.cursor()[0], recorded("finalized")
    assert final == top - FINAL_BELOW == till.only().block_number - 1
    till.anvil.reorg(FINAL_BELOW)
    till.mine()
    assert till.only().status == "reversed"
    assert till.available(account) == 0
    assert till.follower.cursor()[0] == top + 1
    assert number("select count(*) from block where not canonical") == FINAL_BELOW
    assert number("select min(number) from block where not canonical") == final + 1
    assert ledger_is_sound()


def test_one_block_deeper_nothing_changes_and_an_operator_is_called(
    till: Till, account: str
) -> None:
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(FINAL_BELOW)
    till.pay_usdc(till.address(account), 2 * DOLLAR)
    till.mine(1)
    assert recorded("finalized") == till.deposits()[0].block_number
    before = unchanged(till)
    till.anvil.reorg(FINAL_BELOW + 1)
    till.anvil.mine(4)
    for _ in range(3):
        assert till.follower.step() is Step.HALTED
    till.follower.resume()
    assert unchanged(till) == before
    assert till.available(account) == DOLLAR
    assert till.events().count("alarm.deep_reorg") == 1
    assert halted(till)


def test_what_was_final_once_stays_so_whatever_the_node_calls_final_later(
    till: Till, account: str
) -> None:
    """The height recorded with our blocks counts, not the one the other branch has by then."""
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(FINAL_BELOW + 1)
    before = unchanged(till)
    till.anvil.reorg(FINAL_BELOW + 2)
    till.anvil.mine(40)
    assert till.follower.step() is Step.HALTED
    assert unchanged(till) == before


def test_a_branch_that_grew_final_while_nobody_looked_is_followed(till: Till, account: str) -> None:
    """Our block was not final when we read it, so it may go, however old the branch is by now."""
    till.mine()
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(FINAL_BELOW - 2)
    till.anvil.reorg(FINAL_BELOW - 2)
    till.mine(40)
    assert till.only().status == "reversed"
    assert till.follower.cursor()[0] == till.anvil.head()


@pytest.mark.parametrize(("deeper", "ending"), [(0, Step.MOVED), (1, Step.HALTED)])
def test_where_the_node_tells_nothing_final_256_blocks_may_go(
    till: Till, account: str, deeper: int, ending: Step
) -> None:
    read_by(till, Wordless)
    till.mine()
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(rules.REORG_BLOCKS_MAX + deeper)
    assert recorded("finalized") == recorded("safe") == -1
    before = unchanged(till)
    till.anvil.reorg(rules.REORG_BLOCKS_MAX + deeper)
    till.anvil.mine()
    assert till.follower.step() is ending
    if ending is Step.HALTED:
        assert unchanged(till) == before
    else:
        assert till.only().status == "reversed"
        gone = number("select count(*) from block where not canonical")
        assert gone == rules.REORG_BLOCKS_MAX


def test_a_node_that_began_anew_is_another_chain(till: Till, account: str) -> None:
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(4)
    before = unchanged(till)
    till.anvil.call("anvil_rollback", till.anvil.head() - 1)
    till.anvil.call("evm_increaseTime", 100)
    for blocks in (1, before[0][0] - 2, 5):
        till.anvil.mine(blocks)
        assert till.follower.step() is Step.HALTED
    assert unchanged(till) == before
    assert till.available(account) == DOLLAR


def test_a_head_that_went_down_is_late_at_first_and_a_reorganisation_when_it_lasts(
    till: Till, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "LOWER_HEAD_SECONDS", 0.4)
    monkeypatch.setattr(heads, "LOWER_HEAD_BLOCK_TIMES", 0.1)
    till.restarted()
    till.mine(2)
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(4)
    (top, _), before = till.follower.cursor(), unchanged(till)
    till.anvil.call("anvil_rollback", 4)
    assert till.follower.step() is Step.IDLE
    assert unchanged(till) == before
    assert outlast(till) is Step.MOVED
    assert till.follower.cursor()[0] == top - 4
    assert till.only().status == "reversed"
    assert (till.available(account), till.unswept()) == (0, 0)
    assert till.events()[-1] == "deposit.reversed"
    till.mine(6)
    assert till.follower.cursor()[0] == top + 2
    assert ledger_is_sound()


def test_a_head_that_comes_back_in_time_was_only_late(
    till: Till, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = read_by(till, Behind)
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(3)
    before = unchanged(till)
    node.at = before[0][0] - 2
    assert till.follower.step() is Step.IDLE
    node.at = None
    assert till.follower.step() is Step.IDLE
    assert unchanged(till) == before
    till.mine()
    assert "deposit.reversed" not in till.events()


@pytest.mark.parametrize(("below_final", "ending"), [(0, Step.MOVED), (1, Step.HALTED)])
def test_a_head_below_the_final_block_halts_until_the_node_is_back(
    till: Till, account: str, monkeypatch: pytest.MonkeyPatch, below_final: int, ending: Step
) -> None:
    monkeypatch.setattr(heads, "LOWER_HEAD_SECONDS", 0.2)
    monkeypatch.setattr(heads, "LOWER_HEAD_BLOCK_TIMES", 0.1)
    node = read_by(till, Behind)
    till.mine(FINAL_BELOW)
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    before = unchanged(till)
    node.at = recorded("finalized") - below_final
    assert outlast(till) is ending
    assert halted(till) is (ending is Step.HALTED)
    if ending is Step.HALTED:
        assert unchanged(till) == before
        assert till.events().count("alarm.deep_reorg") == 1
    node.at = None
    till.mine(2)
    assert not halted(till)
    assert till.only().status == "credited"
    assert till.available(account) == DOLLAR
    assert ledger_is_sound()


def test_the_walk_down_refuses_a_branch_that_changes_while_it_is_read(
    till: Till, account: str
) -> None:
    class Changing(Evm):
        """Answers ranges from the branch that was there before."""

        old: list[Header | None]

        def headers(self, first: int, last: int) -> list[Header | None]:
            return [one for one in self.old if one and first <= one.number <= last]

    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(4)
    old = till.node.headers(1, till.anvil.head())
    till.anvil.reorg(4)
    till.anvil.mine()
    node = read_by(till, Changing)
    node.old = old
    before = unchanged(till)
    with pytest.raises(NodeAway, match="lacks the parent"):
        till.follower.step()
    assert unchanged(till) == before
    till.restarted()
    till.mine()
    assert till.only().status == "reversed"
