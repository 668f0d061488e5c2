"""Many operators at once, a watcher beside them, and more spam than anybody reads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from gateway import db
from gateway.deposits import reorg
from gateway.errors import Conflict
from tests.flow import day, strays
from tests.flow.books import CHAIN, ETH, assert_proofs_are_empty
from tests.flow.strays import (
    OTHER,
    TOKEN,
    assign,
    deposits,
    item,
    put,
)

STORM = 8


@pytest.fixture
def shop(database: str, redis_url: str) -> Iterator[str]:
    yield strays.open_world()
    with db.transaction() as session:
        assert_proofs_are_empty(session)


# Races --------------------------------------------------------------------------------------------
def test_of_operators_who_decide_at_once_one_wins(shop: str) -> None:
    made, start = strays.unattributed(shop), Barrier(STORM)
    shops = [day.open_shop(f"shop-{number}") for number in range(STORM)]

    def decide(account: str) -> str:
        start.wait()
        try:
            assign(made, account)
        except Conflict as refused:
            return refused.code
        return "won"

    with ThreadPoolExecutor(STORM) as pool:
        outcomes = sorted(pool.map(decide, shops))
    assert outcomes == ["won"] + ["wrong_state"] * (STORM - 1)
    assert sum(strays.available(account, ETH) for account in shops) == 10**18


def test_adopting_and_a_reorganisation_come_one_after_the_other(shop: str) -> None:
    made = put("wrong_chain", strays.given(shop, OTHER), units=9, block=8)
    assert made is not None
    start, head = Barrier(2), (strays.HEAD, day.tx(f"block {strays.HEAD}"))

    def adopted() -> str:
        start.wait()
        try:
            return assign(made).status
        except Conflict as refused:
            return refused.code

    def rolled_back() -> str:
        start.wait()
        reorg.roll_back(CHAIN, head, (7, day.tx("block 7")))
        return "back"

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(adopted), pool.submit(rolled_back)
        outcome = first.result(), second.result()
    assert outcome[1] == "back"
    if outcome[0] == "assigned":
        assert [one.status for one in deposits()] == ["orphaned"]
    else:
        assert (outcome[0], item(made).status, deposits()) == ("wrong_state", "orphaned", [])


def test_the_watcher_and_an_operator_do_not_wait_for_each_other_in_a_circle(shop: str) -> None:
    address, start = strays.given(shop), Barrier(2)
    made = put("unknown_token", address, name="first", units=1)
    strays.list_token()
    assert made is not None

    def more() -> None:
        start.wait()
        for number in range(20):
            with db.transaction() as session:
                session.execute(text("select from watch_cursor for no key update"))
                strays.put_in(session, "unknown_token", address, name=f"{number}", units=1)

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(more)
        start.wait()
        assert assign(made).status == "assigned"
        writing.result()
    with db.transaction() as session:
        put_in = session.execute(text("select count(*) from inbox_arrival")).scalar_one()
        open_units = session.execute(
            text("select coalesce(sum(units), 0) from inbox_item where status = 'open'")
        ).scalar_one()
    assert put_in == 21
    assert int(open_units) + len(deposits()) == 21, "each is a deposit or waits, none is both"


# Size ---------------------------------------------------------------------------------------------
MANY = text("""
    insert into inbox_item (id, chain, kind, status, account_id, address, contract, units,
        first_block, detail, decided_by)
    select 'inb_' || lpad(n::text, 26, '0'), :chain, 'unknown_token',
        case n % 2 when 0 then 'open' else 'dismissed' end, :account,
        decode(lpad(to_hex(n), 40, '0'), 'hex'), :token, 1, 1, 'spam', 'key'
    from generate_series(1, 20000) n
""")
LISTS = (
    "status = 'open'",
    "status = 'assigned'",
    "kind = 'set_aside'",
    "kind = 'unknown_token' and status = 'open'",
    "chain = 'eip155:1337'",
    "chain = 'eip155:1337' and status = 'open'",
    "account_id = 'acct_other'",
)


@pytest.mark.parametrize("condition", LISTS)
def test_no_list_reads_what_it_does_not_show(shop: str, condition: str) -> None:
    with db.transaction() as session:
        session.execute(MANY, {"chain": CHAIN, "account": shop, "token": TOKEN})
        session.execute(text("analyze inbox_item"))
        plan = session.execute(
            text(
                "explain (analyze, format json) select * from inbox_item"
                f" where {condition} order by id desc limit 21"
            )
        ).scalar_one()
    top = plan[0]["Plan"]
    assert rows_read(top) <= 50, plan


def rows_read(node: dict[str, object]) -> int:
    """Return how many rows a plan touched: those it gave and those it threw away."""
    own = int(float(str(node.get("Actual Rows", 0)))) + int(
        float(str(node.get("Rows Removed by Filter", 0)))
    )
    below = node.get("Plans", [])
    assert isinstance(below, list)
    return max([own, *(rows_read(child) for child in below)])
