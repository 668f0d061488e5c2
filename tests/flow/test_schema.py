"""The tables as migrated and the tables as mapped are one; migrating again changes nothing."""

import importlib
import pkgutil
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.types import TypeEngine

import gateway
from gateway import db
from gateway.local.stack import Stack
from gateway.migrations import migrate
from tests.conftest import administrator, database_url


def mapped() -> None:
    """Import every store, so that every table is known."""
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if module.name.endswith(".store"):
            importlib.import_module(module.name)


def family(kind: TypeEngine[object]) -> str:
    """Return what Python makes of a column: several SQL types may be one Python type."""
    try:
        return kind.python_type.__name__
    except NotImplementedError:
        return type(kind).__name__


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_the_mapped_columns_fit_their_tables(database: str) -> None:
    mapped()
    engine = create_engine(db.driver(database))
    facts = inspect(engine)
    differing = []
    for table in db.Base.metadata.tables.values():
        found = {column["name"]: column for column in facts.get_columns(table.name, table.schema)}
        ours = {column.name: column for column in table.columns}
        for name in ours.keys() - found.keys():
            differing.append(f"{table.name}.{name} is in no table")
        for name in found.keys() - ours.keys():
            if not found[name]["nullable"] and found[name]["default"] is None:
                differing.append(f"{table.name}.{name} cannot be left unmapped")
        for name in found.keys() & ours.keys():
            if bool(found[name]["nullable"]) != bool(ours[name].nullable):
                differing.append(f"{table.name}.{name} may be null on one side only")
            kinds = family(found[name]["type"]), family(ours[name].type)
            if kinds[0] not in (kinds[1], "NullType"):
                differing.append(f"{table.name}.{name}: {kinds[0]} and {kinds[1]}")
    engine.dispose()
    assert differing == []


FIRST = """
    insert into ledger.asset (code, name, decimals) values ('USDC', 'USD Coin', 6);
    insert into account (id, handle, kind) values ('acct_1', 'amira', 'person');
    insert into chain (id, chain_id, name, confirmations, block_seconds, start_block,
        vault_factory, payout_vault, treasury)
    select 'eip155:1', 1, 'One', 12, 12, 1, b, b, b
    from (select decode(repeat('01', 20), 'hex') as b) place;
    insert into chain_asset (chain, asset, decimals) values ('eip155:1', 'USDC', 6);
    insert into address (chain, address, salt, account_id)
    values ('eip155:1', decode(repeat('02', 20), 'hex'), decode(repeat('02', 32), 'hex'), 'acct_1');
    insert into watch_cursor (chain, number, hash, block_time)
    values ('eip155:1', 7, decode(repeat('03', 32), 'hex'), now());
    insert into deposit (id, chain, tx_hash, kind, position, account_id, address, from_address,
        asset, amount, block_number, block_hash, block_time, status)
    select 'dep_' || n, 'eip155:1', decode(repeat('0' || n, 32), 'hex'), 'erc20', '0', 'acct_1',
        decode(repeat('02', 20), 'hex'), decode(repeat('04', 20), 'hex'), 'USDC', n, 6,
        decode(repeat('03', 32), 'hex'), now(), case n when 1 then 'credited' else 'confirming' end
    from generate_series(1, 2) n;
    insert into withdrawal (id, account_id, chain, asset, to_address, amount, fee, status,
        requested_by)
    values ('wd_1', 'acct_1', 'eip155:1', 'USDC', decode(repeat('05', 20), 'hex'), 1, 0,
        'approved', 'key_1');
    insert into invoice (id, account_id, request_hash, currency, amount, status, paid_state, late,
        amount_paid, amount_credited, expires_at)
    values ('inv_1', 'acct_1', '', 'USD', 1, 'paid', 'exact', true, 1, 1,
        now() - interval '9 days');
    insert into invoice_payment (deposit_id, invoice_id, chain, asset, amount, status, tx_hash,
        seen_at, details)
    values ('dep_1', 'inv_1', 'eip155:1', 'USDC', 10000, 'credited',
        decode(repeat('01', 32), 'hex'), now(), '{}');
"""


def test_a_database_of_the_first_version_is_brought_up_with_its_rows(servers: Stack) -> None:
    name = f"old_{uuid4().hex}"
    url = database_url(servers, name)
    with administrator(servers) as connection:
        connection.execute(f"create database {name}")
    migrate(url, "0001")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FIRST)
    migrate(url)
    with psycopg.connect(url) as connection:
        rules = connection.execute("select finality, required from deposit order by id").fetchall()
        open_ = connection.execute("select units from unswept").fetchall()
        late = connection.execute(
            "select under_tolerance::int, over_tolerance::int, late_percent, late_hours, late_else,"
            " late_action from invoice"
        ).fetchone()
        waits = connection.execute("select not_before, failure_detail from withdrawal").fetchone()
    assert rules == [("blocks", 12)] * 2
    # what settled however late it came still does
    assert late == (0, 0, None, None, "credit", None)
    assert [int(units) for (units,) in open_] == [1]
    assert waits == (None, None)
    with administrator(servers) as connection:
        connection.execute(f"drop database {name} with (force)")


def test_migrating_again_changes_nothing(database: str) -> None:
    migrate(database)
