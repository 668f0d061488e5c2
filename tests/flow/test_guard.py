"""Switches, holds and the journal: what stops, who starts it again, what is on record."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway import db
from gateway.errors import AccountFrozen, Conflict, Forbidden
from gateway.holds import service as holds
from gateway.holds.store import HeldCase
from gateway.journal import service as journal
from gateway.journal.store import Entry
from gateway.pauses import service as pauses
from gateway.sending import service as sending
from gateway.transfers import service as transfers
from gateway.withdrawals import plan, service
from tests.flow.books import CHAIN
from tests.flow.outgoing import DOLLAR, ask, chain_rows, rich
from workers import close


@pytest.fixture
def account(database: str, redis_url: str) -> str:
    with db.transaction() as session:
        chain_rows(session)
        session.execute(text("update chain set batch_seconds = 0"))
        sending.register_signer(
            session, chain=CHAIN, address=bytes([7] * 20), role="payout", next_nonce=0
        )
        return rich(session)


def pause(scope: str, subject: str = "", side: str | None = None, by: str = "key_a") -> str:
    with db.transaction() as session:
        return pauses.place(
            session, scope=scope, subject=subject, side=side, reason="a drill", by=by
        ).id


def lift(pause_id: str, by: str = "key_b") -> None:
    with db.transaction() as session:
        pauses.lift(session, pause_id, by=by)


def next_job() -> plan.Job | None:
    with db.transaction() as session:
        return plan.next_job(session, CHAIN, "USDC")


@pytest.mark.parametrize(("scope", "subject"), [("all", ""), ("chain", CHAIN), ("asset", "USDC")])
def test_what_is_paused_waits_says_so_and_goes_on(account: str, scope: str, subject: str) -> None:
    placed = pause(scope, subject)
    with db.transaction() as session:
        row = ask(session, account, 5 * DOLLAR)
    assert row.status == "approved"
    assert next_job() is None
    with db.transaction() as session:
        assert service.get(session, row.id).waiting_reason == f"paused_{scope}"
    lift(placed)
    job = next_job()
    assert job is not None
    assert [one.id for one in job.rows] == [row.id]


def test_another_asset_or_chain_is_not_stopped(account: str) -> None:
    pause("asset", "ETH")
    with db.transaction() as session:
        ask(session, account, 5 * DOLLAR)
    assert next_job() is not None


def test_who_stopped_everything_does_not_start_it_alone(account: str) -> None:
    everything, asset = pause("all"), pause("asset", "USDC")
    with pytest.raises(Forbidden):
        lift(everything, by="key_a")
    lift(asset, by="key_a")
    lift(everything, by="key_b")
    with pytest.raises(Conflict):
        lift(everything, by="key_b")


def test_a_switch_is_placed_once(account: str) -> None:
    pause("asset", "USDC")
    with pytest.raises(Conflict) as refusal:
        pause("asset", "USDC")
    assert refusal.value.code == "already_paused"


def test_each_side_of_an_account_is_frozen_alone(account: str) -> None:
    with db.transaction() as session:
        other = rich(session, "badr")

    def pay(payer: str, payee: str) -> None:
        with db.transaction() as session:
            transfers.send(
                session, from_account=payer, to=payee, asset="USDC", amount="1", memo=None
            )

    debit = pause("account", account, "debit")
    pay(other, account)
    with pytest.raises(AccountFrozen):
        pay(account, other)
    lift(debit)
    credit = pause("account", account, "credit")
    pay(account, other)
    with pytest.raises(AccountFrozen):
        pay(other, account)
    lift(credit)
    pay(other, account)


def held(account: str) -> tuple[str, HeldCase]:
    with db.transaction() as session:
        row = ask(session, account, 2_000 * DOLLAR)
        return row.id, session.query(HeldCase).filter_by(subject=row.id).one()


def case(case_id: str) -> HeldCase:
    with db.transaction() as session:
        return holds.get(session, case_id)


def test_a_hold_has_a_reason_an_age_an_end_and_its_decision(account: str) -> None:
    wd, opened = held(account)
    assert (opened.reason, opened.status, opened.owner) == ("above_limit", "open", None)
    assert opened.ends_at is not None
    assert timedelta(days=6) < opened.ends_at - datetime.now(UTC) < timedelta(days=8)
    with db.transaction() as session:
        holds.take(session, opened.id, by="key_b")
        service.approve(session, wd, by="key_b")
    decided = case(opened.id)
    assert (decided.status, decided.owner, decided.decided_by) == ("approved", "key_b", "key_b")
    with db.transaction() as session, pytest.raises(Conflict):
        holds.take(session, opened.id, by="key_c")


def test_what_nobody_decides_ends_with_the_money_back(account: str) -> None:
    wd, opened = held(account)
    _, younger = held(account)
    with db.transaction() as session:
        session.get_one(HeldCase, opened.id).ends_at = datetime.now(UTC)
    close.close()
    with db.transaction() as session:
        row = service.get(session, wd)
        assert (row.status, row.failure_reason) == ("rejected", "nobody_decided")
    assert (case(opened.id).status, case(younger.id).status) == ("expired", "open")


def test_a_cancelled_withdrawal_closes_its_hold(account: str) -> None:
    wd, opened = held(account)
    with db.transaction() as session:
        service.cancel(session, wd)
    assert case(opened.id).status == "closed"


def actions() -> list[str]:
    with db.transaction() as session:
        return [row.action for row in session.query(Entry).order_by(Entry.at, Entry.id)]


def findings() -> list[str]:
    with db.transaction() as session:
        return list(session.scalars(text("select finding from journal_check")))


def test_decisions_are_on_record_and_sealed_in_one_chain(account: str) -> None:
    wd, _ = held(account)
    lift(pause("all"))
    with db.transaction() as session:
        service.reject(session, wd, by="key_b")
    assert actions() == [
        "withdrawal.hold",
        "hold.opened",
        "pause.placed",
        "pause.lifted",
        "hold.rejected",
    ]
    for _ in range(2):
        with db.transaction() as session:
            journal.seal(session)
    with db.transaction() as session:
        seqs = list(session.scalars(text("select seq from journal_seal order by seq")))
    assert seqs == [1, 2, 3, 4, 5]
    assert findings() == []


def test_no_one_changes_the_record_and_a_change_by_force_is_found(
    account: str, database: str
) -> None:
    held(account)
    with db.transaction() as session:
        journal.seal(session)
    for change in ("update journal set actor = 'me'", "delete from journal_seal"):
        with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
            session.execute(text(change))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("alter table journal disable trigger append_only")
        connection.execute("update journal set reason = 'nothing' where action = 'hold.opened'")
    assert findings() == ["broken"]


def test_an_entry_that_is_not_sealed_is_found(account: str) -> None:
    with db.transaction() as session:
        session.execute(
            text(
                "insert into journal (id, at, actor, action, subject) values"
                " ('jrn_old', now() - interval '1 hour', 'a', 'b', 'c')"
            )
        )
    assert findings() == ["unsealed"]
