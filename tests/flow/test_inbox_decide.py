"""What is in the books is given, kept or dismissed; who decided, when and why is kept."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gateway import db
from gateway.errors import NotFound
from gateway.inbox import explain
from tests.flow import day, strays
from tests.flow.books import CHAIN, ETH, assert_proofs_are_empty
from tests.flow.strays import (
    OTHER,
    assign,
    dismiss,
    item,
    put,
    refusal,
    wrong_asset,
)


@pytest.fixture
def shop(database: str, redis_url: str) -> Iterator[str]:
    yield strays.open_world()
    with db.transaction() as session:
        assert_proofs_are_empty(session)


# Assign: what is in the books ---------------------------------------------------------------------
def test_what_nobody_is_known_to_have_paid_is_given_once(shop: str) -> None:
    made = strays.unattributed(shop)
    assert strays.owed_to_nobody() == 10**18
    assign(made)
    assign(made)
    assert (strays.available(shop, ETH), strays.owed_to_nobody()) == (10**18, 0)
    assert refusal(assign, made, account=day.open_shop("tea")).code == "wrong_state"


def test_what_was_found_may_be_somebody_elses(shop: str) -> None:
    made, tea = strays.unattributed(shop), day.open_shop("tea")
    assign(made, tea)
    assert (strays.available(shop, ETH), strays.available(tea, ETH)) == (0, 10**18)


def test_what_was_given_is_on_the_statement_and_in_the_report(shop: str) -> None:
    from gateway.ledger import statement
    from gateway.settlement import report
    from gateway.settlement import rules as ranges

    made = strays.unattributed(shop)
    assign(made)
    with db.transaction() as session:
        (line,), _ = statement.entries(session, shop, limit=5)
        found = report.report(session, owner=shop, since=ranges.BEGINNING, until=ranges.END)
    assert (line.type, line.amount, line.caused_by) == ("assignment", "1.00", made)
    (row,) = found.data
    assert (row.type, row.gross, row.id, row.chain) == ("assignment", "1.00", made, CHAIN)
    (total,) = found.totals
    assert (total.net, total.closing_balance) == ("1.00", "1.00")


def test_the_wrong_asset_is_kept_or_moved_to_another_account(shop: str) -> None:
    kept = wrong_asset(shop)
    assert assign(kept).status == "assigned"
    assert strays.available(shop) == 2 * 10**6


def test_the_wrong_asset_may_be_moved_to_another_account(shop: str) -> None:
    moved, tea = wrong_asset(shop), day.open_shop("tea")
    assign(moved, tea)
    assert (strays.available(shop), strays.available(tea)) == (0, 2 * 10**6)
    with db.transaction() as session:
        named = session.execute(text("select transfer_id from inbox_decision")).scalar_one()
        found = session.execute(text("select id, memo from transfer")).one()
    assert (found.id, found.memo) == (named, f"inbox {moved}")


def test_the_wrong_asset_is_not_moved_before_it_is_credited(shop: str) -> None:
    made, tea = wrong_asset(shop), day.open_shop("tea")
    with db.transaction() as session:
        session.execute(text("update deposit set status = 'confirming', credited_at = null"))
    assert refusal(assign, made, account=tea).code == "not_final"


# Dismiss ------------------------------------------------------------------------------------------
def test_dismissing_says_who_when_and_why_and_may_be_thought_over(shop: str) -> None:
    made = put("wrong_chain", strays.given(shop, OTHER))
    assert made is not None
    found = dismiss(made, "a test of theirs")
    assert (found.decided_by, found.reason) == (strays.OPERATOR, "a test of theirs")
    assert found.decided_at is not None
    assert dismiss(made, "a test of theirs").status == "dismissed"
    assert refusal(dismiss, made, "another").code == "wrong_state"
    assign(made, by="key_other")
    assert strays.decisions(made) == [("dismissed", strays.OPERATOR), ("assigned", "key_other")]
    assert refusal(dismiss, made).code == "wrong_state"


def test_money_that_is_owed_is_not_dismissed(shop: str) -> None:
    assert refusal(dismiss, strays.unattributed(shop)).code == "owed_to_somebody"


def test_what_was_explained_is_nobodys_to_give(shop: str) -> None:
    made = strays.unattributed(shop)
    with db.transaction() as session:
        explain.less(session, made, 4 * 10**17, "a deposit of 0.4 was found")
    assert (int(item(made).units), item(made).status) == (6 * 10**17, "open")
    with db.transaction() as session:
        explain.less(session, made, 6 * 10**17, "a deposit of 0.6 was found")
    assert (item(made).status, item(made).reason) == ("dismissed", "a deposit of 0.6 was found")
    assert refusal(assign, made).code == "nothing_left"


def test_an_item_that_is_not_there_is_not_found(shop: str) -> None:
    assert isinstance(refusal(assign, "inb_none"), NotFound)
