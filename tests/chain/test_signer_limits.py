"""Ceilings the signer keeps to by itself, whatever the other processes write."""

from pathlib import Path

import pytest
import typer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway import db
from gateway.chain.address import show_address
from gateway.operators import signers as command
from gateway.sending import cancelling
from gateway.sending.rules import GWEI
from gateway.sending.store import Transaction
from tests.chain.money_in import CHAIN, DOLLAR, ETHER, hexed, open_till
from tests.chain.money_out import Desk, assert_paid_once, open_desk, role
from tests.conftest import TestNode
from workers import pay, signer, signers

ALI = bytes([0xB1] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def limit(desk: Desk, kind: str, most: str) -> list[str]:
    return command.limit(CHAIN, show_address(desk.operator), kind, most)


def planned(desk: Desk, dollars: int = 5) -> str:
    """Plan a payout without having it signed."""
    wd = desk.ask(desk.rich(f"amira{len(desk.rows())}"), dollars * DOLLAR, ALI)
    desk.pay()
    assert desk.intents()[-1].status == "planned"
    return wd


def refusal(desk: Desk) -> str | None:
    assert desk.sign()
    assert desk.intents()[-1].status == "refused"
    return desk.intents()[-1].refusal


@pytest.mark.parametrize(
    ("kind", "most", "why"),
    [
        ("fee_per_gas", "0.5", "fee_per_gas_above_limit"),
        ("gas", "50000", "gas_above_limit"),
        ("fee_per_hour", "0.000000001", "fee_per_hour_above_limit"),
        ("USDC", "4.99", "value_per_day_above_limit"),
    ],
)
def test_what_passes_a_ceiling_is_refused_by_its_name(
    desk: Desk, kind: str, most: str, why: str
) -> None:
    wd = planned(desk)
    limit(desk, kind, most)
    assert refusal(desk) == why
    assert desk.attempts() == []
    desk.pay()
    assert desk.row(wd).waiting_reason == "signer_refused"
    assert desk.alarms() == ["signer_refused"]


def test_a_ceiling_is_reached_and_not_passed(desk: Desk) -> None:
    limit(desk, "USDC", "10")
    first = planned(desk)
    assert desk.sign()
    with db.transaction() as session:  # the others write what they like: the signer counts its own
        session.execute(text("update intent set amount = 0 where status = 'signed'"))
    planned(desk, 5)
    limit(desk, "USDC", "9.999999")
    assert refusal(desk) == "value_per_day_above_limit"
    limit(desk, "USDC", "10")
    with db.transaction() as session:
        session.execute(
            text("update intent set amount = 5000000, created_at = created_at - interval '1 hour'")
        )
    desk.finish()
    assert desk.holds(ALI) == 10 * DOLLAR
    assert desk.row(first).status == "confirmed"


def test_what_is_beyond_a_ceiling_waits_and_says_so_and_the_rest_is_paid(desk: Desk) -> None:
    limit(desk, "USDC", "20")
    account = desk.rich()
    large, small = (desk.ask(account, n * DOLLAR, ALI) for n in (25, 15))
    desk.round()
    desk.pay()
    assert desk.row(large).waiting_reason == "signer_limit"
    assert desk.row(small).status == "sent"
    limit(desk, "USDC", "none")
    desk.finish()
    assert desk.holds(ALI) == 40 * DOLLAR
    assert desk.alarms() == []


def test_yesterdays_value_does_not_count(desk: Desk) -> None:
    limit(desk, "USDC", "5")
    planned(desk)
    assert desk.sign()
    with db.transaction() as session:
        session.execute(text("update transaction set created_at = now() - interval '25 hours'"))
    planned(desk)
    assert desk.sign()
    assert [one.status for one in desk.intents()] == ["signed", "signed"]


def test_fees_of_an_hour_add_up_and_a_raise_counts_once(desk: Desk) -> None:
    planned(desk)
    assert desk.sign()
    desk.pay()
    (attempt,) = desk.attempts()
    spent = int(attempt.cap) * attempt.gas
    limit(desk, "fee_per_hour", f"{2 * spent / ETHER:.18f}")
    with db.transaction() as session:
        session.execute(text("update intent set tip = tip * 2, cap = cap * 3 / 2"))
    assert signer.raise_next(CHAIN)
    assert len(desk.attempts()) == 2
    planned(desk)
    assert refusal(desk) == "fee_per_hour_above_limit"


def test_a_raise_beyond_a_ceiling_is_not_signed(desk: Desk) -> None:
    planned(desk)
    assert desk.sign()
    desk.pay()
    limit(desk, "fee_per_gas", f"{int(desk.attempts()[0].cap) / GWEI:.9f}")
    with db.transaction() as session:
        session.execute(text("update intent set tip = tip * 2, cap = cap * 3 / 2"))
    assert signer.raise_next(CHAIN)
    assert len(desk.attempts()) == 1
    assert desk.intents()[0].refusal == "fee_per_gas_above_limit"
    limit(desk, "fee_per_gas", "none")
    with db.transaction() as session:  # what was refused does not keep it from being cancelled
        cancelling.ask(session, session.query(Transaction).one(), by="key_b")
    desk.pay()
    assert signer.raise_next(CHAIN)
    desk.pay()
    desk.till.anvil.mine()
    desk.finish()
    assert [(tx.nonce, tx.seq, tx.state) for tx in desk.transactions()] == [
        (0, 0, "cancelled"),
        (1, 0, "confirmed"),
    ]


def test_the_newest_ceiling_counts_and_the_older_ones_stay(desk: Desk) -> None:
    limit(desk, "USDC", "5")
    said = limit(desk, "USDC", "7.5")
    limit(desk, "gas", "100000")
    said = limit(desk, "fee_per_gas", "12.5")
    assert [line.partition(": at most ")[2].rpartition(" (")[0] for line in said] == [
        "7.50 USDC in 24 hours",
        "100000 gas",
        "12.5 gwei a unit of gas",
    ]
    said = limit(desk, "USDC", "none")
    assert not any("USDC" in line for line in said)
    with db.transaction() as session:
        assert session.execute(text("select count(*) from signer_limit")).scalar_one() == 5


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("value_per_day", "5"),
        ("EUR", "5"),
        ("gas", "a lot"),
        ("gas", "-1"),
        ("gas", "1.5"),
        ("USDC", "-5"),
    ],
)
def test_a_ceiling_that_means_nothing_is_refused(desk: Desk, kind: str, most: str) -> None:
    with pytest.raises(typer.BadParameter):
        limit(desk, kind, most)


@pytest.mark.parametrize("name", ["mizan_api", "mizan_worker", "mizan_signer", "mizan_approver"])
def test_no_process_can_write_a_ceiling(desk: Desk, name: str) -> None:
    with role(name), pytest.raises(typer.BadParameter, match="this login may not set limits"):
        limit(desk, "USDC", "1000000")


STATEMENTS = [
    "update signer_limit set ceiling = null",
    "delete from signer_limit",
    "update transaction set amount = 0",
    "update chain set payout_vault = treasury",
    "update chain set payout_approver = null",
    "update chain_asset set contract = null",
    "insert into chain_asset (chain, asset, decimals) select chain, asset, 6 from chain_asset",
    "insert into signer (id, chain, address, role) select 's', id, treasury, 'payout' from chain",
    "insert into approval (id, intent_id, signer_id, seq, asset, amount, withdrawals, deadline,"
    " refusal) values ('a', 'i', 's', 0, 'USDC', 0, '{}', now(), 'x')",
    "update approval set signature = null",
]


@pytest.mark.parametrize("name", ["mizan_api", "mizan_worker"])
def test_what_decides_a_signature_is_not_for_the_others_to_write(database: str, name: str) -> None:
    for statement in STATEMENTS:
        with role(name), pytest.raises(DBAPIError) as refusal, db.transaction() as session:
            session.execute(text(statement))
        assert "permission denied" in str(refusal.value), statement


def test_the_signer_writes_no_approval_and_the_approver_signs_nothing(database: str) -> None:
    for name, statement in (
        ("mizan_signer", STATEMENTS[-2]),
        ("mizan_approver", "insert into attempt select '\\x00', id, '', 1, 1, 1 from transaction"),
        ("mizan_approver", "update intent set status = 'planned'"),
        ("mizan_approver", "update withdrawal set status = 'approved'"),
        ("mizan_approver", "update approval set refusal = null"),
        ("mizan_approver", "select ledger.freeze('x', true)"),
    ):
        with role(name), pytest.raises(DBAPIError) as refusal, db.transaction() as session:
            session.execute(text(statement))
        assert "permission denied" in str(refusal.value), statement


def test_each_process_keeps_to_its_role_under_a_ceiling(desk: Desk) -> None:
    limit(desk, "USDC", "5")
    limit(desk, "fee_per_hour", "1")
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    for _ in range(5):
        with role("mizan_worker"):
            desk.pay()
        with role("mizan_signer"):
            desk.sign()
        with role("mizan_worker"):
            desk.pay()
        desk.till.anvil.mine()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_pay_looks_at_every_signer_when_it_starts(desk: Desk) -> None:
    for address in (desk.operator, desk.sweeper):
        desk.till.anvil.call("anvil_setCode", hexed(address), "0xef0100" + "11" * 20)
    signers.looked_at.clear()
    pay.tick(CHAIN, desk.till.node)
    assert desk.alarms() == ["signer_has_code"] * 2
    assert signers.looked_at == {CHAIN}
