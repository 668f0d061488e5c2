"""From a stray transfer on a real chain to money that is credited: listed, assigned, confirmed."""

from decimal import Decimal

import pytest
import typer
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain.add import NewAsset, add_chain
from gateway.chain.address import show_address
from gateway.chain.artifacts import creation_code
from gateway.inbox.store import Item
from gateway.operators.chains import list_asset
from tests.chain.money_in import (
    CHAIN,
    CONFIRMATIONS,
    DOLLAR,
    ETH,
    ETHER,
    PAYER,
    Till,
    created,
    hexed,
    ledger_is_sound,
    open_till,
)
from tests.conftest import TestNode
from tests.flow import strays

OTHER = "eip155:1337"


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


def items() -> list[Item]:
    with db.transaction() as session:
        return session.query(Item).order_by(Item.id).all()


def strange_token(till: Till) -> bytes:
    """Deploy a token nobody lists, of which the payer has some."""
    token = created(till.anvil, {"data": hexed(creation_code("TestUSDC"))})
    payer = bytes.fromhex(till.anvil.accounts()[PAYER][2:])
    till.do(token, "mint(address,uint256)", payer, 100 * DOLLAR)
    till.mine()
    return token


def test_a_token_that_is_listed_later_is_credited_after_all(till: Till) -> None:
    token, account = strange_token(till), till.account()
    address = till.address(account)
    for units in (3 * DOLLAR, 4 * DOLLAR):
        till.do(token, "transfer(address,uint256)", address, units)
        till.mine()
    (item,) = items()
    assert (item.kind, item.arrivals, int(item.units)) == ("unknown_token", 2, 7 * DOLLAR)
    assert strays.refusal(strays.assign, item.id).code == "asset_not_listed"
    told = list_asset(
        CHAIN, f"TOK={show_address(token)}", ledger_decimals=None, minimum_deposit="0.50"
    )
    assert "6 decimals; the least deposit is 0.50" in told
    assert "1 items in the inbox can be assigned now" in told
    strays.assign(item.id)
    assert {one.status for one in till.deposits()} == {"confirming"}
    till.mine(CONFIRMATIONS)
    from gateway.money import Asset

    assert till.available(account, Asset("TOK", 6)) == 7 * DOLLAR
    till.do(token, "transfer(address,uint256)", address, DOLLAR)
    till.mine(CONFIRMATIONS)
    assert till.available(account, Asset("TOK", 6)) == 8 * DOLLAR, "a deposit like any other now"
    assert len(items()) == 1
    assert ledger_is_sound()


def test_listing_says_what_it_refuses(till: Till) -> None:
    token, nothing = strange_token(till), show_address(bytes([9] * 20))
    for wrong in (f"TOK={nothing}", "TOK", f"USDC={show_address(token)}", "COIN=native"):
        with pytest.raises(typer.BadParameter):
            list_asset(CHAIN, wrong, ledger_decimals=None, minimum_deposit=None)
    with pytest.raises(typer.BadParameter):
        list_asset(CHAIN, f"TOK={show_address(token)}", ledger_decimals=2, minimum_deposit=None)
    with db.transaction() as session:
        codes = set(session.execute(text("select code from ledger.asset")).scalars())
    assert not {"TOK", "COIN"} & codes


def test_what_was_paid_on_the_wrong_chain_is_credited_once_it_is_assigned(till: Till) -> None:
    with db.transaction() as session:
        add_chain(
            session,
            chain_id=1337,
            name="Other",
            confirmations=3,
            block_seconds=Decimal(1),
            deployed=till.deployed,
            assets=[NewAsset("ETH", "Ether", None, 18)],
        )
        account = accounts.open_account(session, handle="amira", kind="person").id
    address = strays.given(account, OTHER)
    till.restarted()
    till.pay_eth(address, ETHER)
    till.pay_usdc(address, 5 * DOLLAR)
    till.mine()
    assert till.deposits() == []
    assert [item.kind for item in items()] == ["wrong_chain", "wrong_chain"]
    assert {item.account_id for item in items()} == {account}
    for item in items():
        strays.assign(item.id)
    till.mine(CONFIRMATIONS)
    assert (till.available(account, ETH), till.available(account)) == (ETHER, 5 * DOLLAR)
    assert till.address(account) == address
    assert ledger_is_sound()


def test_a_stray_that_leaves_the_chain_is_an_orphan_until_it_is_mined_again(till: Till) -> None:
    token, account = strange_token(till), till.account()
    address = till.address(account)
    raw = till.raw(till.do(token, "transfer(address,uint256)", address, DOLLAR))
    till.mine()
    till.anvil.reorg(1)
    till.mine()
    (item,) = items()
    assert (item.status, item.arrivals) == ("orphaned", 0)
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine()
    (item,) = items()
    assert (item.status, item.arrivals, int(item.units)) == ("open", 1, DOLLAR)


def test_an_adopted_deposit_that_leaves_the_chain_comes_back_as_a_deposit(till: Till) -> None:
    token, account = strange_token(till), till.account()
    raw = till.raw(till.do(token, "transfer(address,uint256)", till.address(account), DOLLAR))
    till.mine()
    list_asset(CHAIN, f"TOK={show_address(token)}", ledger_decimals=None, minimum_deposit=None)
    strays.assign(items()[0].id)
    till.anvil.reorg(1)
    till.mine()
    assert till.only().status == "orphaned"
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine()
    assert till.only().status == "confirming"
    assert [item.status for item in items()] == ["assigned"]
