"""What cannot be credited is in the inbox once, and leaves it with its block."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gateway import db
from gateway.inbox import rules
from gateway.inbox.shapes import shape
from tests.flow import day, strays
from tests.flow.books import assert_proofs_are_empty
from tests.flow.strays import (
    OTHER,
    assign,
    dismiss,
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


# Put ----------------------------------------------------------------------------------------------
def test_the_same_transfer_is_one_item_however_often_it_is_put(shop: str) -> None:
    address = strays.given(shop, OTHER)
    made = put("wrong_chain", address)
    assert put("wrong_chain", address) is None
    found = item(made)
    assert (found.account_id, found.status, found.arrivals) == (shop, "open", 1)
    assert strays.told() == ["opened"]


def test_transfers_that_differ_in_their_place_are_items_of_their_own(shop: str) -> None:
    address = strays.given(shop, OTHER)
    made = {
        put("wrong_chain", address, position="0"),
        put("wrong_chain", address, position="1"),
        put("wrong_chain", address, position="0", contract=b"\x01" * 20),
        put("wrong_chain", address, name="another"),
        put("set_aside", address),
    }
    assert len(made) == 5
    assert None not in made


def test_an_unknown_token_is_one_item_for_each_address(shop: str) -> None:
    address = strays.given(shop)
    made = {put("unknown_token", address, name=f"tx {n}", units=n) for n in range(1, 6)}
    other = put("unknown_token", strays.given(day.open_shop("tea")), name="tx 9")
    assert len(made) == 1
    assert other not in made
    found = item(made.pop())
    assert (found.arrivals, int(found.units), found.beyond) == (5, 15, 0)
    assert strays.told() == ["opened", "opened"]


def test_spam_is_counted_beyond_what_is_kept_and_no_sum_is_too_great(shop: str) -> None:
    address, each = strays.given(shop), 2**256 - 1
    sent = rules.ARRIVALS_KEPT_MAX + 7
    with db.transaction() as session:
        for number in range(sent):
            made = strays.put_in(session, "unknown_token", address, name=f"tx {number}", units=each)
    found = item(made)
    assert (found.arrivals, found.beyond, int(found.units)) == (sent, 7, sent * each)
    with db.transaction() as session:
        rows = session.execute(text("select count(*) from inbox_arrival")).scalar_one()
    assert rows == rules.ARRIVALS_KEPT_MAX


def test_several_senders_are_no_sender(shop: str) -> None:
    address = strays.given(shop)
    made = put("unknown_token", address, name="a")
    assert item(made).sender == strays.PAYER
    put("unknown_token", address, name="b", sender=bytes([7] * 20))
    assert item(made).sender is None
    put("unknown_token", address, name="c", sender=bytes([7] * 20))
    assert item(made).sender is None


def test_a_reason_that_no_column_takes_is_kept_as_far_as_it_can_be(shop: str) -> None:
    made = put("set_aside", strays.given(shop), detail="a\x00b\ud800" + "x" * 9_999)
    assert item(made).detail.startswith("ab?xxx")
    assert len(item(made).detail) == rules.DETAIL_CHARACTERS_MAX


# Reorganisations ----------------------------------------------------------------------------------
def test_a_block_that_leaves_takes_its_items_along_and_brings_them_back(shop: str) -> None:
    address = strays.given(shop, OTHER)
    made = put("wrong_chain", address, block=5)
    below = put("wrong_chain", address, block=4, name="below")
    assert orphan_above(4) == 1
    assert (item(made).status, item(below).status) == ("orphaned", "open")
    assert refusal(assign, made).code == "wrong_state"
    assert put("wrong_chain", address, block=6) == made
    assert item(made).status == "open"
    with db.transaction() as session:
        block = session.execute(
            text("select block_number from inbox_arrival where item_id = :id"), {"id": made}
        ).scalar_one()
    assert block == 6
    assert strays.told() == ["opened", "opened", "orphaned", "opened"]


def test_an_item_with_transfers_left_stays_open_without_those_that_are_gone(shop: str) -> None:
    address = strays.given(shop)
    made = put("unknown_token", address, name="a", block=4, units=1)
    put("unknown_token", address, name="b", block=5, units=10)
    assert orphan_above(4) == 0
    assert (item(made).status, item(made).arrivals, int(item(made).units)) == ("open", 1, 1)
    put("unknown_token", address, name="b", block=6, units=20)
    assert (item(made).arrivals, int(item(made).units)) == (2, 21)


def test_two_branches_that_alternate_count_a_transfer_once(shop: str) -> None:
    address = strays.given(shop)
    made = put("unknown_token", address, block=5, units=3)
    for block in (5, 6, 5, 6):
        orphan_above(4)
        assert put("unknown_token", address, block=block, units=3) == made
    assert (item(made).arrivals, int(item(made).units), item(made).status) == (1, 3, "open")


def test_a_transfer_that_moves_to_another_block_counts_as_it_is_there(shop: str) -> None:
    address = strays.given(shop)
    made = put("unknown_token", address, block=5, units=3)
    assert put("unknown_token", address, block=6, units=8) == made
    assert (item(made).arrivals, int(item(made).units)) == (1, 8)


def test_what_was_decided_stays_decided_when_its_block_leaves(shop: str) -> None:
    made = put("unknown_token", strays.given(shop))
    assert made is not None
    dismiss(made)
    orphan_above(4)
    assert item(made).status == "dismissed"
    assert item(made).arrivals == 0


def test_amounts_are_shown_as_soon_as_the_token_is_listed(shop: str) -> None:
    made = put("unknown_token", strays.given(shop), units=2_500_000)
    with db.transaction() as session:
        before = shape(session, item(made))
    strays.list_token()
    with db.transaction() as session:
        after = shape(session, item(made))
    assert (before.asset, before.amount, before.units) == (None, None, "2500000")
    assert (after.asset, after.amount) == ("TOK", "2.50")
