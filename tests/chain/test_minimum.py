"""The least that is credited, changed while payments wait below it."""

import pytest

from gateway import bell, db
from gateway.chain.address import show_address
from gateway.deposits import service
from gateway.operators.chains import list_asset
from gateway.settings import settings
from tests.chain.money_in import CHAIN, DOLLAR, Till, open_till
from tests.conftest import TestNode

CENT = DOLLAR // 100


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil, minimum=DOLLAR)


def set_minimum(till: Till, amount: str) -> None:
    where = f"USDC={show_address(till.usdc)}"
    list_asset(CHAIN, where, ledger_decimals=None, minimum_deposit=amount)


def credited_through() -> int:
    with db.transaction() as session:
        through = service.credited_through(session, CHAIN)
    assert through is not None
    return through[0]


def test_a_lower_minimum_credits_what_waited_below_the_one_before(till: Till) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), 50 * CENT)
    till.mine(5)
    assert till.only().status == "confirming"
    set_minimum(till, "0.10")
    till.mine()
    assert till.only().status == "credited"
    assert till.available(account) == 50 * CENT
    assert credited_through() == till.anvil.head() - 2


def test_a_lower_minimum_set_without_redis_credits_in_the_next_slice(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), 50 * CENT)
    till.mine(5)
    with monkeypatch.context() as away:
        away.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
        settings.cache_clear()
        bell.live.cache_clear()
        set_minimum(till, "0.10")
    settings.cache_clear()
    bell.live.cache_clear()
    till.restarted()
    till.mine()
    assert till.available(account) == 50 * CENT


def test_a_higher_minimum_holds_back_what_is_not_credited_yet(till: Till) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), 2 * DOLLAR)
    till.mine()
    set_minimum(till, "5")
    till.mine(4)
    assert till.only().status == "confirming"
    till.pay_usdc(till.address(account), 3 * DOLLAR)
    till.mine(3)
    assert till.available(account) == 5 * DOLLAR
