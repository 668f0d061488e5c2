"""What an operator assigns becomes deposits like any other, or says why it cannot."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.add import NewAsset, add_asset
from gateway.deposits import reorg
from gateway.errors import Conflict, Refused
from tests.flow import day, strays
from tests.flow.books import CHAIN, assert_proofs_are_empty
from tests.flow.strays import (
    OTHER,
    TOKEN,
    assign,
    deposits,
    item,
    orphan_above,
    put,
    refusal,
)


@pytest.fixture
def shop(database: str, redis_url: str) -> Iterator[str]:
    yield strays.open_world()
    with db.transaction() as session:
        assert_proofs_are_empty(session)


# Assign: what becomes deposits --------------------------------------------------------------------
def test_an_unknown_token_is_refused_with_the_command_that_lists_it(shop: str) -> None:
    made = put("unknown_token", strays.given(shop))
    assert made is not None
    refused = refusal(assign, made)
    assert (refused.code, refused.status) == ("asset_not_listed", 409)
    assert f"mizan chain asset {CHAIN} CODE=0x7070" in refused.detail
    assert item(made).status == "open"
    assert deposits() == []


def test_each_transfer_of_a_token_that_is_listed_now_becomes_a_deposit(shop: str) -> None:
    address = strays.given(shop)
    made = put("unknown_token", address, name="a", block=4, units=1_000_000)
    put("unknown_token", address, name="b", block=5, units=2_500_000)
    put("unknown_token", address, name="gone", block=6, units=7)
    orphan_above(5)
    strays.list_token()
    assert made is not None
    assert assign(made).status == "assigned"
    found = deposits()
    assert [(int(one.amount), one.asset, one.status) for one in found] == [
        (1_000_000, "TOK", "confirming"),
        (2_500_000, "TOK", "confirming"),
    ]
    assert {one.account_id for one in found} == {shop}
    assert assign(made).status == "assigned"
    assert len(deposits()) == 2
    assert strays.decisions(made) == [("assigned", strays.OPERATOR)]


def test_what_is_adopted_is_credited_by_the_next_block(shop: str) -> None:
    from gateway.deposits import credit, store
    from gateway.deposits.pending import Pending

    made = put("unknown_token", strays.given(shop), block=4, units=1_000_000)
    token = strays.list_token()
    assert made is not None
    assign(made)
    with db.transaction() as session:
        heights = store.heights(session, CHAIN)
        cursor = store.cursor_of(session, CHAIN, 1)
    place = (cursor.number, cursor.hash)
    pending = Pending(CHAIN, cursor.index_epoch)
    credit.credit_due(pending, pending.step(place, place, (), heights))
    assert strays.available(shop, token) == 1_000_000
    assert [one.status for one in deposits()] == ["credited"]


def test_a_token_with_more_decimals_than_the_books_is_not_listed(shop: str) -> None:
    new = NewAsset("USDC", "another", TOKEN, 18)
    with pytest.raises(Refused), db.transaction() as session:
        add_asset(session, CHAIN, new)


def test_one_contract_is_not_listed_under_two_names(shop: str) -> None:
    strays.list_token()
    with pytest.raises(Conflict), db.transaction() as session:
        add_asset(session, CHAIN, NewAsset("TWO", "Two", TOKEN, 6))


def test_what_came_to_an_address_of_another_chain_makes_it_ours_here(shop: str) -> None:
    address = strays.given(shop, OTHER)
    made = put("wrong_chain", address, contract=None, units=10**18)
    assert made is not None
    assign(made)
    (deposit,) = deposits()
    assert (deposit.account_id, deposit.kind, int(deposit.amount)) == (shop, "native", 10**18)
    assert deposit.address == strays.given(shop, CHAIN), "the salt is the same on both chains"


def test_an_address_of_another_factory_cannot_be_reached(shop: str) -> None:
    with db.transaction() as session:
        session.execute(
            text("update chain set vault_factory = :other where id = :chain"),
            {"other": b"\x55" * 20, "chain": OTHER},
        )
    made = put("wrong_chain", strays.given(shop, OTHER))
    assert made is not None
    assert refusal(assign, made).code == "out_of_reach"


def test_an_invoice_is_paid_by_what_is_adopted(shop: str) -> None:
    from gateway.invoices import service as invoices
    from tests import asking

    with db.transaction() as session:
        from gateway.accounts import service as accounts

        merchant = accounts.get(session, shop)
        invoice = asking.asked(session, merchant, amount="5", assets=(("USDC", CHAIN),)).invoice.id
        address = session.execute(
            text("select address from address where invoice_id = :id"), {"id": invoice}
        ).scalar_one()
    made = put("set_aside", bytes(address), contract=b"\x01" * 20, units=5 * 10**6)
    assert made is not None
    assert item(made).invoice_id == invoice
    assign(made)
    with db.transaction() as session:
        assert invoices.get(session, invoice).stored.status == "processing"


def test_adopting_goes_to_the_owner_of_the_address_alone(shop: str) -> None:
    made = put("wrong_chain", strays.given(shop, OTHER))
    assert made is not None
    assert refusal(assign, made, account=day.open_shop("tea")).code == "other_owner"
    assert deposits() == []


def test_trying_again_says_why_it_fails(shop: str) -> None:
    nothing = put("set_aside", strays.given(shop), units=0)
    nobodys = put("set_aside", bytes([1] * 20), name="nobodys")
    gone = put("set_aside", strays.given(shop), name="gone", block=5, block_hash=day.tx("no block"))
    unknown = put("set_aside", strays.given(shop), name="no sender", sender=None)
    assert nothing
    assert nobodys
    assert gone
    assert unknown
    assert refusal(assign, nothing).code == "no_amount"
    assert refusal(assign, nobodys).status == 422
    assert refusal(assign, nobodys, account=shop).code == "out_of_reach"
    assert refusal(assign, gone).code == "block_gone"
    assert refusal(assign, unknown).code == "no_transaction"
    assert deposits() == []


def test_what_is_a_deposit_already_is_adopted_once(shop: str) -> None:
    address = strays.given(shop, OTHER)
    first = put("wrong_chain", address, units=9)
    second = put("set_aside", address, units=9)
    assert first
    assert second
    assign(first)
    assign(second)
    assert len(deposits()) == 1
    with db.transaction() as session:
        named = session.execute(text("select distinct deposit_id from inbox_arrival")).scalars()
        assert list(named) == [deposits()[0].id]


def test_a_deposit_that_was_adopted_is_taken_back_like_any_other(shop: str) -> None:
    made = put("wrong_chain", strays.given(shop, OTHER), units=9, block=8)
    assert made is not None
    assign(made)
    head = (strays.HEAD, day.tx(f"block {strays.HEAD}"))
    reorg.roll_back(CHAIN, head, (7, day.tx("block 7")))
    assert [one.status for one in deposits()] == ["orphaned"]
    assert item(made).status == "assigned"


def test_what_fails_again_on_another_branch_is_open_again(shop: str) -> None:
    made = put("set_aside", strays.given(shop), units=9, block=8)
    assert made is not None
    assign(made)
    orphan_above(7)
    assert put("set_aside", strays.given(shop), units=9, block=9) == made
    assert item(made).status == "open"


def test_a_token_that_is_no_longer_listed_opens_a_new_item(shop: str) -> None:
    address = strays.given(shop)
    made = put("unknown_token", address, name="a")
    strays.list_token()
    assert made is not None
    assign(made)
    again = put("unknown_token", address, name="b")
    assert again not in (made, None)
    assert (item(made).status, item(again).status) == ("assigned", "open")
