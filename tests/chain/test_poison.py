"""A payment that cannot be written, or read: set aside for a person, and the chain goes on."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from gateway import db
from gateway.chain.add import NewAsset, add_asset
from gateway.chain.pool import Pool
from gateway.chain.port import Log
from gateway.deposits import matching, rules
from gateway.deposits.payment import SET_ASIDE
from gateway.deposits.rescan import rescan
from gateway.deposits.watched import Watched
from tests.chain.endpoints import Reader, open_reader, rows
from tests.chain.money_in import CHAIN, DOLLAR, Till, created, hexed, ledger_is_sound, open_till
from tests.conftest import TestNode
from tests.sim.scripted import Pay, Tx, World

ONE_TO_ANOTHER = 18
"""How many more decimals the ledger has than the chain, of the asset that overflows."""
EVENT = bytes.fromhex(rules.TRANSFER[2:])
# topics: Transfer, sender 0x77, the call's first word; data: 64 bytes, where a Transfer has 32
ODD_TOKEN = bytes.fromhex("602a600a5f39602a5ff3" + "5f35" + "6077" + "7f") + EVENT
ODD_TOKEN += bytes.fromhex("6040" + "5f" + "a3" + "00")
BREAK = """
    create function break_it() returns trigger language plpgsql as $$
    begin raise exception 'broken' using errcode = '{code}'; end $$;
    create trigger break_it before insert on {table} for each row execute function break_it();
"""
MEND = "drop trigger break_it on {table}; drop function break_it"


@pytest.fixture
def reader(database: str, redis_url: str) -> object:
    with World() as world:
        yield open_reader(world, world.view())


def do(statement: str) -> None:
    with db.transaction() as session:
        session.execute(text(statement))


def great(reader: Reader) -> Tx:
    """A payment of a listed token that the ledger has no room for."""
    token = reader.world.token(2, decimals=0)
    with db.transaction() as session:
        add_asset(session, CHAIN, NewAsset("BIG", "Big", token, 0, ledger_decimals=ONE_TO_ANOTHER))
    return reader.pay(2**256 - 1, token)


def items() -> list[tuple[str, str, int]]:
    """The inbox: kind, status, units."""
    found = rows("select kind, status, units from inbox_item order by id")
    return [(row.kind, row.status, int(row.units)) for row in found]


def alarms() -> list[str]:
    return [row.kind for row in rows("select kind from alarm order by kind")]


def test_an_amount_beyond_the_ledger_is_set_aside_and_its_neighbours_are_credited(
    reader: Reader,
) -> None:
    poison = great(reader)
    reader.world.mine(reader.pay(5), poison, reader.pay(7))
    reader.world.empty(4)
    reader.follow()
    assert reader.at == reader.world.head.number
    assert reader.deposits() == [(5, "credited"), (7, "credited")]
    assert items() == [(SET_ASIDE, "open", 2**256 - 1)]
    (alarm,) = rows("select kind, subject, detail from alarm")
    assert alarm.kind == "payment_set_aside"
    assert alarm.subject == f"{CHAIN} 0x{poison.hash.hex()}"
    assert str(2**256 - 1) in alarm.detail
    assert ledger_is_sound()


def test_what_is_set_aside_is_told_once_however_often_it_is_read(reader: Reader) -> None:
    reader.world.mine(great(reader))
    reader.world.empty(2)
    reader.follow()
    for _ in range(2):
        assert rescan(CHAIN, reader.pool, from_block=1, to_block=3) == 0
    assert items() == [(SET_ASIDE, "open", 2**256 - 1)]
    assert alarms() == ["payment_set_aside"]


def test_what_is_set_aside_goes_with_its_block_and_comes_back(reader: Reader) -> None:
    poison = great(reader)
    reader.world.mine(poison)
    reader.follow()
    reader.world.reorg(1, [], [])
    reader.follow()
    assert items() == [(SET_ASIDE, "orphaned", 0)]
    reader.world.mine(poison)
    reader.follow()
    assert items() == [(SET_ASIDE, "open", 2**256 - 1)]


def test_a_payment_in_a_range_of_final_blocks_is_set_aside_alone(reader: Reader) -> None:
    poison = great(reader)
    reader.world.mine(reader.pay(5))
    reader.world.mine(poison)
    reader.world.mine(reader.pay(7))
    reader.world.empty(20)
    reader.follow()
    assert reader.deposits() == [(5, "credited"), (7, "credited")]
    assert items() == [(SET_ASIDE, "open", 2**256 - 1)]


def test_an_address_whose_row_is_gone_stops_nobody_else(reader: Reader) -> None:
    other = bytes([0x55]) * 20
    do(
        "insert into address (chain, address, salt, account_id, invoice_id) select chain,"
        f" '\\x{other.hex()}', salt, account_id, 'inv_gone' from address limit 1"
    )
    reader.follower.watched.refresh()
    do("delete from address where invoice_id = 'inv_gone'")
    reader.world.mine(Pay(other, 3, token=reader.token), reader.pay(5))
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited")]
    assert items() == [(SET_ASIDE, "open", 3)]
    assert alarms() == ["payment_set_aside"]


def test_a_failure_after_the_row_is_written_leaves_nothing_of_it(reader: Reader) -> None:
    do(BREAK.format(table="sighting", code="P0001"))
    reader.world.mine(reader.pay(5))
    reader.follow()
    assert reader.deposits() == []
    assert items() == [(SET_ASIDE, "open", 5)]
    do(MEND.format(table="sighting"))
    assert rescan(CHAIN, reader.pool, from_block=1, to_block=1) == 1
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited")]


def test_when_the_inbox_fails_too_the_alarm_has_the_facts(reader: Reader) -> None:
    poison = great(reader)
    do(BREAK.format(table="inbox_item", code="P0001"))
    reader.world.mine(poison, reader.pay(5))
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited")]
    (alarm,) = rows("select kind, detail from alarm")
    assert alarm.kind == "payment_set_aside"
    assert poison.hash.hex() in alarm.detail
    assert reader.address.hex() in alarm.detail


def test_a_database_that_asks_for_patience_is_no_poison(reader: Reader) -> None:
    do(BREAK.format(table="deposit", code="40001"))
    reader.world.mine(reader.pay(5))
    with pytest.raises(OperationalError):
        reader.turn()
    assert reader.at == 0
    do(MEND.format(table="deposit"))
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited")]
    assert items() == []


def test_an_event_of_a_listed_token_that_cannot_be_read_is_set_aside(
    anvil: TestNode, redis_url: str
) -> None:
    till: Till = open_till(anvil)
    token = created(anvil, {"data": hexed(ODD_TOKEN)})
    with db.transaction() as session:
        add_asset(session, CHAIN, NewAsset("ODD", "Odd", token, 6))
    account = till.account()
    ours = till.address(account)
    fields = {"from": anvil.accounts()[8], "to": hexed(token), "data": hexed(ours.rjust(32, b"\0"))}
    anvil.call("eth_sendTransaction", fields)
    till.pay_usdc(ours, DOLLAR)
    till.mine(3)
    assert till.available(account) == DOLLAR
    assert items() == [(SET_ASIDE, "open", 0)]
    assert alarms() == ["payment_set_aside"]
    assert rescan(CHAIN, Pool.of(till.node), from_block=1, to_block=anvil.head()) == 0
    assert items() == [(SET_ASIDE, "open", 0)]


def test_the_same_event_of_an_unlisted_contract_is_nothing(anvil: TestNode, redis_url: str) -> None:
    till: Till = open_till(anvil)
    token = created(anvil, {"data": hexed(ODD_TOKEN)})
    ours = till.address(till.account())
    fields = {"from": anvil.accounts()[8], "to": hexed(token), "data": hexed(ours.rjust(32, b"\0"))}
    anvil.call("eth_sendTransaction", fields)
    till.mine(3)
    assert (items(), alarms(), till.deposits()) == ([], [], [])


@pytest.mark.parametrize(
    ("topic", "data"), [("0x" + "zz" * 32, "0x" + "00" * 32), ("0x" + "11" * 32, "0x" + "zz" * 32)]
)
def test_text_that_is_no_number_is_set_aside_where_a_listed_token_said_it(
    topic: str, data: str
) -> None:
    known = Watched(CHAIN)
    listed, other = b"\x01" * 20, b"\x02" * 20
    known.addresses.add(b"\x11" * 20)
    known.listed[listed] = None  # type: ignore[assignment]
    said = [
        Log(
            address_hex=hexed(contract),
            topics_hex=(rules.TRANSFER, "0x" + "22" * 32, topic),
            data_hex=data,
            tx_hash_hex="0x" + "33" * 32,
            log_index_hex="0x0",
        )
        for contract in (listed, other)
    ]
    (found,) = matching.events_of(said, known)
    assert (found.kind, found.log.address) == (SET_ASIDE, listed)
