"""Tokens that do not do what they say: nothing is credited that did not arrive."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from typer import BadParameter

from gateway import db
from gateway.chain.add import NewAsset, add_asset
from gateway.chain.address import show_address
from gateway.chain.payable import payable
from gateway.deposits.distrust import AMOUNT_DIFFERS, distrust
from gateway.deposits.payment import SET_ASIDE
from gateway.errors import Conflict
from gateway.money import Asset
from gateway.operators.chains import list_asset
from tests.chain.endpoints import PAYOUT, TREASURY, open_reader, rows
from tests.chain.money_in import CHAIN, DOLLAR, Till, ledger_is_sound, open_till
from tests.chain.odd_views import OddView
from tests.conftest import TestNode
from tests.flow.strays import assign
from tests.sim.scripted import Pay, World
from workers.audit import audit

TOK, SHIFT = Asset("TOK", 18), Asset("TOK", 6)
HALF = 5 * 10**17
BALANCE_OF = "0x70a08231"


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def listed(till: Till, mock: str, decimals: int = 18) -> bytes:
    """Deploy a token of the tests, list it as TOK, and give the payer plenty of it."""
    token = till.mock(mock)
    with db.transaction() as session:
        add_asset(session, CHAIN, NewAsset("TOK", "Token", token, decimals))
    payer = bytes.fromhex(till.anvil.accounts()[8][2:])
    till.do(token, "mint(address,uint256)", payer, 10**24)
    till.mine()
    return token


def pay(till: Till, token: bytes, to: bytes, units: int) -> None:
    till.do(token, "transfer(address,uint256)", to, units)


def trust_again(token: bytes) -> None:
    """List the token once more, as the command line does."""
    list_asset(CHAIN, f"TOK={show_address(token)}", ledger_decimals=None, minimum_deposit=None)


def taking(world: World, units: int) -> OddView:
    """An endpoint that tells so many units less than there are, wherever there are any."""

    def change(method: str, parameters: list[Any], result: Any) -> Any:
        asked = method == "eth_call" and parameters[0]["data"].startswith(BALANCE_OF)
        return f"0x{max(int(result, 16) - units, 0):064x}" if asked else result

    return OddView(world, change)


def items() -> list[tuple[str, str, int]]:
    """The inbox: kind, status, units."""
    found = rows("select kind, status, units from inbox_item order by id")
    return [(row.kind, row.status, int(row.units)) for row in found]


def alarms() -> list[str]:
    return [row.kind for row in rows("select kind from alarm order by kind")]


# Less arrives -------------------------------------------------------------------------------------
def test_a_token_that_keeps_a_fee_is_set_aside_with_what_arrived(till: Till) -> None:
    token = listed(till, "FeeToken")
    account = till.account()
    ours = till.address(account)
    pay(till, token, ours, 1_000)
    till.pay_usdc(ours, DOLLAR)
    till.mine(3)
    assert till.available(account) == DOLLAR
    assert [one.asset for one in till.deposits()] == ["USDC"]
    assert items() == [(SET_ASIDE, "open", 990)]
    assert alarms() == ["amount_differs", "payment_set_aside"]


def test_such_a_token_is_not_trusted_until_it_is_listed_again(till: Till) -> None:
    token = listed(till, "FeeToken")
    account = till.account()
    ours = till.address(account)
    for _ in range(2):
        pay(till, token, ours, 1_000)
        till.mine(3)
    assert items() == [(SET_ASIDE, "open", 990)] * 2
    first, second = rows("select id from inbox_item order by id")
    with pytest.raises(Conflict) as refused:
        assign(first.id)
    assert refused.value.code == "asset_distrusted"
    trust_again(token)
    for item in (first, second):
        assign(item.id)
    till.mine(3)
    assert till.available(account, TOK) == 1_980
    assert till.node.token_balance(token, ours) == 1_980
    assert ledger_is_sound()


def test_a_token_that_rebases_is_credited_what_came_and_set_aside_when_less_did(
    till: Till,
) -> None:
    token = listed(till, "RebasingToken")
    account = till.account()
    ours = till.address(account)
    pay(till, token, ours, 1_000)
    till.mine(3)
    assert till.available(account, TOK) == 1_000
    till.do(token, "rebase(uint256)", HALF)
    till.mine()
    pay(till, token, ours, 100)
    till.mine(3)
    assert till.available(account, TOK) == 1_100
    pay(till, token, ours, 100)
    till.do(token, "rebase(uint256)", HALF // 10)
    till.mine(3)
    assert till.available(account, TOK) == 1_100
    assert items() == [(SET_ASIDE, "open", 0)]
    assert alarms() == ["amount_differs", "payment_set_aside"]


def test_payments_and_sweeps_of_one_block_are_held_together_against_what_is_there(
    world: World,
) -> None:
    reader = open_reader(world, world.view())
    world.mine(reader.pay(50))
    sweep = Pay(TREASURY, 50, token=reader.token, sender=reader.address)
    back = Pay(reader.address, 9, token=reader.token, sender=PAYOUT)
    world.mine(reader.pay(3), sweep, back, world.tx(*reader.pay(4).pays, *reader.pay(4).pays))
    world.empty(3)
    reader.follow()
    assert reader.deposits() == [(units, "credited") for units in (50, 3, 4, 4)]
    assert reader.alarms() == []


def test_of_several_payments_in_a_block_each_has_its_part_of_what_arrived(world: World) -> None:
    reader = open_reader(world, taking(world, 30))
    world.mine(reader.pay(100), reader.pay(50))
    reader.follow()
    assert items() == [(SET_ASIDE, "open", 80), (SET_ASIDE, "open", 40)]


@pytest.mark.parametrize("above", [0, 20], ids=["live", "final"])
def test_a_node_without_the_state_is_believed_what_it_told(world: World, above: int) -> None:
    """As everywhere, then: the audit holds the books against the balance of today."""
    reader = open_reader(world, world.view(refuse=("eth_call",)))
    world.mine(reader.pay(5))
    world.empty(above)
    reader.follow()
    assert reader.deposits() == [(5, "credited" if above else "confirming")]


def test_one_endpoint_alone_takes_nothing_away(world: World) -> None:
    reader = open_reader(world, taking(world, 1), world.view(), world.view())
    world.mine(reader.pay(5))
    world.empty(3)
    reader.wait(3)
    assert reader.deposits() == [(5, "credited")]
    assert reader.alarms() == [f"endpoint_benched {CHAIN} {reader.nodes[0].name}"]


def test_what_a_third_party_moves_by_allowance_is_the_owners_payment(till: Till) -> None:
    """Whoever signed the transaction: the event names who paid whom."""
    account = till.account()
    ours, multi = till.address(account), till.mock("MultiTransfer")
    payer = bytes.fromhex(till.anvil.accounts()[8][2:])
    till.do(till.usdc, "approve(address,uint256)", multi, 10 * DOLLAR)
    till.mine()
    signature = "transferFromMany(address,address,address,uint256,uint256)"
    till.do(multi, signature, till.usdc, payer, ours, 2 * DOLLAR, 3, sender=7)
    till.mine(3)
    told = [(one.from_address, one.position, int(one.amount)) for one in till.deposits()]
    assert told == [(payer, str(place), 2 * DOLLAR) for place in range(3)]
    assert till.available(account) == 6 * DOLLAR


# Other decimals -----------------------------------------------------------------------------------
def test_a_payment_in_other_decimals_than_were_listed_is_set_aside(till: Till) -> None:
    token = listed(till, "ChangingDecimalsToken", 6)
    account = till.account()
    ours = till.address(account)
    pay(till, token, ours, 10**6)
    till.mine()
    till.do(token, "setDecimals(uint8)", 18)
    pay(till, token, ours, 10**18)
    till.mine(3)
    assert till.available(account, SHIFT) == 10**6
    assert items() == [(SET_ASIDE, "open", 10**18)]
    assert alarms() == ["decimals_changed", "payment_set_aside"]
    with pytest.raises(BadParameter, match="decimals"):
        trust_again(token)
    till.do(token, "setDecimals(uint8)", 6)
    till.mine()
    trust_again(token)
    pay(till, token, ours, 7)
    till.mine(3)
    assert till.available(account, SHIFT) == 10**6 + 7


def test_the_audit_reads_every_tokens_decimals_again(till: Till) -> None:
    token = listed(till, "ChangingDecimalsToken", 6)
    ours = till.address(till.account())
    audit()
    assert alarms() == []
    till.do(token, "setDecimals(uint8)", 7)
    till.mine()
    audit()
    assert alarms() == ["decimals_changed"]
    assert "7 decimals, listed with 6" in rows("select detail from alarm")[0].detail
    audit()
    till.anvil.call("anvil_setCode", "0x" + token.hex(), "0x")
    audit()
    assert alarms() == ["decimals_changed"]
    with db.transaction() as session:
        assert {one.asset.code for one in payable(session)} == {"ETH", "USDC"}
    assert till.deposits() == []
    assert ours


def test_a_worker_may_doubt_a_token_and_the_api_may_not(world: World) -> None:
    reader = open_reader(world, world.view())

    def doubt(role: str) -> None:
        with db.transaction() as session:
            session.execute(text(f"set local role {role}"))
            distrust(session, CHAIN, reader.token, AMOUNT_DIFFERS, "less came")

    with pytest.raises(ProgrammingError):
        doubt("mizan_api")
    doubt("mizan_worker")
    assert reader.alarms() == [f"amount_differs {CHAIN} USDC"]
