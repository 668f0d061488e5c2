"""Worthless events by the thousand, which cost a stranger next to nothing: the chain goes on."""

import time
from collections.abc import Iterator

import pytest

from gateway import db
from gateway.chain.add import NewAsset, add_asset
from gateway.deposits.junk import LOOKED_AT_MAX
from gateway.deposits.rescan import rescan
from gateway.errors import Conflict
from gateway.inbox.rules import ARRIVALS_KEPT_MAX
from tests.chain.endpoints import CHAIN, FACTORY, Reader, open_reader, rows
from tests.chain.test_strays import elsewhere
from tests.flow.strays import assign
from tests.sim.scripted import Pay, World

MANY = 8_000
SECONDS_MAX = 20.0
"""Far above what it takes, far below what kills the watcher's task."""


@pytest.fixture
def reader(database: str, redis_url: str) -> Iterator[Reader]:
    with World() as world:
        yield open_reader(world, world.view())


def items() -> list[tuple[str, int, int, int]]:
    """The inbox: kind, arrivals, those without a row of their own, units."""
    found = rows("select kind, arrivals, beyond, units from inbox_item order by id")
    return [(row.kind, row.arrivals, row.beyond, int(row.units)) for row in found]


def kept() -> int:
    return int(rows("select count(*) as n from inbox_arrival")[0].n)


def followed(reader: Reader) -> float:
    """Follow to the head; returns the seconds that took."""
    began = time.monotonic()
    reader.follow()
    assert reader.at == reader.world.head.number
    return time.monotonic() - began


def test_thousands_of_events_of_one_transaction_are_one_item_and_hold_nobody_up(
    reader: Reader,
) -> None:
    junk = reader.world.token(9)
    events = [Pay(reader.address, 1, token=junk) for _ in range(MANY)]
    reader.world.mine(reader.world.tx(*events), reader.pay(5))
    assert followed(reader) < SECONDS_MAX
    reader.world.mine(reader.pay(7))
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited"), (7, "credited")]
    assert items() == [("unknown_token", MANY, MANY - ARRIVALS_KEPT_MAX, MANY)]
    assert kept() == ARRIVALS_KEPT_MAX
    assert reader.alarms() == []


def test_what_is_only_summed_is_not_counted_again_when_its_block_is_read_again(
    reader: Reader,
) -> None:
    junk = reader.world.token(9)
    more = ARRIVALS_KEPT_MAX + 20
    reader.world.mine(reader.world.tx(*(Pay(reader.address, 2, token=junk) for _ in range(more))))
    reader.world.mine(Pay(reader.address, 3, token=junk))
    reader.follow()
    told = [("unknown_token", more + 1, 21, 2 * more + 3)]
    assert items() == told
    assert rescan(CHAIN, reader.pool, from_block=1, to_block=2) == 0
    assert items() == told


@pytest.mark.parametrize("above", [0, 20], ids=["block by block", "in a range"])
def test_of_more_contracts_than_anybody_reads_some_are_kept_and_an_operator_is_called(
    reader: Reader, above: int
) -> None:
    there = elsewhere(reader.account, FACTORY, invoice="inv_there")
    for block in range(2):
        made = [reader.world.token(1_000 * (block + 1) + place) for place in range(900)]
        junk = [Pay(reader.address, 1, token=one) for one in made]
        junk += [Pay(there, 1, token=one) for one in made]
        reader.world.mine(reader.pay(5), reader.world.tx(*junk), reader.pay(7))
    reader.world.empty(above)
    assert followed(reader) < SECONDS_MAX
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited"), (7, "credited")] * 2
    assert len(items()) == LOOKED_AT_MAX * (1 if above else 2)
    assert reader.alarms() == [f"strays_left_out {CHAIN}"]


def test_an_item_of_more_transfers_than_are_kept_is_assigned_once_all_were_read_again(
    reader: Reader,
) -> None:
    token, more = reader.world.token(9), ARRIVALS_KEPT_MAX + 5
    reader.world.mine(reader.world.tx(*(Pay(reader.address, 2, token=token) for _ in range(more))))
    reader.world.mine(Pay(reader.address, 3, token=token))
    reader.follow()
    with db.transaction() as session:
        add_asset(session, CHAIN, NewAsset("TOK", "Token", token, 6))
    (item,) = rows("select id from inbox_item")
    with pytest.raises(Conflict) as refused:
        assign(item.id)
    assert (refused.value.code, reader.deposits()) == ("rescan_first", [])
    assert f"mizan rescan {CHAIN} 1" in refused.value.detail
    assert rescan(CHAIN, reader.pool, from_block=1, to_block=2) == more + 1
    assert assign(item.id).status == "assigned"
    reader.world.empty(3)
    reader.follow()
    assert sorted(reader.deposits()) == [(2, "credited")] * more + [(3, "credited")]
