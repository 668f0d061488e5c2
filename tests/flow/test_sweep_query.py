"""What the sweeper asks every few seconds costs what is open, not what ever came."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.sending import unswept
from tests.flow.books import CHAIN
from tests.flow.day import open_chain, open_shop, read_to

SWEPT, OPEN = 40_000, 4_000
MANY = """
    insert into address (chain, address, salt, account_id, invoice_id)
        select :chain, substr(sha256(i::text::bytea), 1, 20), sha256(i::text::bytea), :account,
            'inv_' || i
        from generate_series(1, :swept + :open) i;
    insert into deposit (id, chain, tx_hash, kind, position, account_id, address, from_address,
            asset, amount, block_number, block_hash, block_time, log_index, status, credited_at,
            finality, required)
        select 'dep_' || i, :chain, sha256(i::text::bytea), 'erc20', '0', :account,
            substr(sha256(i::text::bytea), 1, 20), substr(sha256('x'), 1, 20), 'USDC',
            1000 + i % 977, i / 100 + 1, sha256('block'), now(), 0, 'credited', now(), 'blocks', 3
        from generate_series(1, :swept + :open) i;
    insert into signer (id, chain, address, role)
        values ('sig_1', :chain, substr(sha256('s'), 1, 20), 'sweep');
    insert into intent (id, chain, kind, asset, signer_id, amount, payload, gas, tip, cap, status)
        select 'int_' || i, :chain, 'sweep', 'USDC', 'sig_1', 1, '{}', 1, 1, 1, 'done'
        from generate_series(0, :swept / 100) i;
    insert into sweep_item (intent_id, asset, salt, chain, address, expected, swept, surplus)
        select 'int_' || (i / 100), 'USDC', sha256(i::text::bytea), :chain,
            substr(sha256(i::text::bytea), 1, 20), 1000 + i % 977, 1000 + i % 977, 0
        from generate_series(1, :swept) i;
    insert into unswept (chain, asset, address, units, since)
        select :chain, 'USDC', address, amount, now() from deposit
        where substr(id, 5)::int > :swept;
"""


@pytest.fixture
def crowded(database: str) -> str:
    """Many vaults, nearly all of them swept; without triggers, which would take minutes."""
    fill(SWEPT, OPEN)
    return database


def fill(swept: int, opened: int) -> None:
    open_chain()
    read_to(9, datetime.now(UTC))
    account = open_shop()
    facts = {"chain": CHAIN, "account": account, "swept": swept, "open": opened}
    with db.transaction() as session:
        session.execute(text("set local session_replication_role = replica"))
        for statement in MANY.split(";\n"):
            if statement.strip():
                session.execute(text(statement), facts)
    with db.engine().connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("vacuum analyze"))


def plan_of(statement: Any, **facts: object) -> dict[str, Any]:
    """Return the plan Postgres makes of a statement, run."""
    with db.transaction() as session:
        found = session.execute(
            text(f"explain (analyze, buffers, format json) {statement.text}"), facts
        ).scalar_one()
    plan: dict[str, Any] = (found if isinstance(found, list) else json.loads(found))[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(one for part in plan.get("Plans", []) for one in nodes(part))]


ASKED = {
    "chain": CHAIN,
    "asset": "USDC",
    "retry": unswept.RETRY_SECONDS,
    "retry_most": unswept.RETRY_SECONDS_MAX,
}


QUERIES: list[tuple[Any, dict[str, int], str]] = [
    (unswept.FULLEST, {"most": 100}, "unswept_largest"),
    (unswept.OLDEST, {"most": 100, "age": 0}, "unswept_oldest"),
]


def test_only_what_is_open_is_read(crowded: str) -> None:
    for statement, facts, index in QUERIES:
        plan = plan_of(statement, **ASKED, **facts)
        assert plan["Actual Rows"] == 100
        by_index = {one["Index Name"]: one for one in nodes(plan) if "Index Name" in one}
        assert by_index[index]["Node Type"] == "Index Only Scan"
        assert by_index[index]["Actual Rows"] == 100  # and not the other open ones
        scanned = {one["Relation Name"] for one in nodes(plan) if one["Node Type"] == "Seq Scan"}
        assert scanned <= {"watch_cursor"}
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 3_000


def test_what_a_receipt_is_held_against_is_one_address_alone(crowded: str) -> None:
    with db.transaction() as session:
        address = session.execute(text("select address from unswept limit 1")).scalar_one()
    plan = plan_of(unswept.BOOKED, chain=CHAIN, asset="USDC", address=address, block=1)
    assert plan["Actual Rows"] == 1
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20
