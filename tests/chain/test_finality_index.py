"""The index of pending deposits: what it forgets, Postgres knows."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from gateway import bell, db
from gateway.deposits import credit, pending
from gateway.deposits.follow import Follower, Step
from gateway.deposits.rescan import rescan
from gateway.deposits.rules import Rule
from gateway.settings import settings
from tests.chain.money_in import CHAIN, CONFIRMATIONS, DOLLAR, Till
from tests.chain.tagging import FINAL_BELOW, standing, tier


@pytest.fixture
def till(tagged: Till) -> Till:
    return tagged


@pytest.fixture
def account(till: Till) -> str:
    return till.account()


def test_what_one_call_does_not_hold_is_credited_at_the_same_head(
    till: Till, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (pending, credit):
        monkeypatch.setattr(module, "DUE_PER_HEAD_MAX", 2)
    tier(0, Rule("finalized"))
    ours = till.address(account)
    for units in range(1, 8):
        till.pay_usdc(ours, units)
    till.mine(FINAL_BELOW)
    assert standing(till) == ["confirming"] * 7
    till.mine()
    assert standing(till) == ["credited"] * 7
    assert till.available(account) == sum(range(1, 8))


@pytest.mark.parametrize("rule", [Rule("blocks", 3), Rule("safe"), Rule("finalized")])
@pytest.mark.parametrize("moment", range(6))
def test_redis_may_be_emptied_at_any_moment(
    till: Till, account: str, rule: Rule, moment: int
) -> None:
    tier(0, rule)
    tx = till.pay_usdc(till.address(account), DOLLAR)
    moments: list[Callable[[], object]] = [
        till.mine,
        till.mine,
        lambda: till.anvil.reorg(2),
        lambda: (till.follower.step(), till.anvil.call("eth_sendRawTransaction", raw)),
        till.mine,
        lambda: till.mine(FINAL_BELOW),
    ]
    raw = till.raw(tx)
    for place, act in enumerate(moments):
        if place == moment:
            bell.live().flushall()
        act()
    assert standing(till) == ["credited"]
    assert till.available(account) == till.unswept() == DOLLAR
    assert sum(bell.live().zcard(f"conf:{CHAIN}:{one}") for one in pending.SETS) == 0


def test_without_redis_each_rule_is_asked_of_postgres(
    till: Till, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier(DOLLAR, Rule("safe"))
    tier(2 * DOLLAR, Rule("finalized"))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    bell.live.cache_clear()
    for units in (1, DOLLAR, 2 * DOLLAR):
        till.pay_usdc(till.address(account), units)
    credited = []
    for _ in range(FINAL_BELOW + 1):
        till.mine()
        credited.append(standing(till).count("credited"))
    assert credited == [0, 0, 1, 1, 2, 2, 2, 2, 3]


def test_what_is_added_while_redis_is_away_is_in_the_index_of_the_next_slice(
    till: Till, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.mine(2)
    first = till.follower.cursor()[0]
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine()
    with db.transaction() as session:  # as if it had been missed
        for table in ("sighting", "deposit"):
            session.execute(text(f"delete from {table}"))
    till.follower.pending.rebuild(till.follower.cursor())
    monkeypatch.setattr(pending.Pending, "distrust", lambda _: None)
    assert rescan(CHAIN, till.follower.pool, from_block=first, to_block=first + 1) == 1
    till.restarted().resume()
    till.mine(CONFIRMATIONS)
    assert standing(till) == ["credited"]


def test_a_follower_of_a_process_that_died_goes_on_with_the_same_index(
    till: Till, account: str
) -> None:
    tier(0, Rule("finalized"))
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2)
    kept = bell.live().zrange(f"conf:{CHAIN}:finalized", 0, -1, withscores=True)
    other = Follower(CHAIN, till.follower.pool)
    other.resume()
    assert bell.live().zrange(f"conf:{CHAIN}:finalized", 0, -1, withscores=True) == kept
    (deposit,) = till.deposits()
    assert bell.live().zscore(f"conf:{CHAIN}:finalized", deposit.id) == deposit.block_number
    assert other.step() is Step.IDLE
