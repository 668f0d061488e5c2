"""Screening: who is listed gets nothing on any chain, and a bad list changes nothing."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.book import service as book
from gateway.book.store import BookEntry
from gateway.chain.store import chain as chain_of
from gateway.errors import Conflict, DependencyAway
from gateway.holds.store import HeldCase
from gateway.money import Money
from gateway.operators import lists
from gateway.policy.store import PolicyDecision
from gateway.screening import service
from gateway.screening.fetch import fetch
from gateway.screening.store import ListVersion
from gateway.sending import service as sending
from gateway.sending.call import SignerRefuses, SignerWaits
from gateway.sending.rules import Fees
from gateway.sending.store import Intent
from gateway.settings import settings
from gateway.webhooks.store import Alarm
from gateway.withdrawals import payload, plan
from gateway.withdrawals import service as withdrawals
from gateway.withdrawals.listed import hold_listed
from gateway.withdrawals.store import Withdrawal
from tests.flow.books import CHAIN, USDC
from tests.flow.outgoing import DOLLAR, TOKEN, ask, chain_rows, rich
from workers import lists as task

THIEF, HONEST = bytes([0xBA] * 20), bytes([0x60] * 20)
OTHERS = [bytes([n] * 20) for n in range(1, 10)]


@pytest.fixture
def account(database: str, redis_url: str) -> str:
    with db.transaction() as session:
        chain_rows(session)
        session.execute(text("update chain set batch_seconds = 0"))
        sending.register_signer(
            session, chain=CHAIN, address=bytes([7] * 20), role="payout", next_nonce=0
        )
        return rich(session)


def load(*addresses: bytes, source: str = "ours", kind: str = "addresses") -> ListVersion:
    body = "".join(f"0x{address.hex()} somebody\n" for address in addresses).encode()
    with db.transaction() as session:
        return service.load(session, source=source, kind=kind, body=body).version


def asked(account: str, to: bytes = THIEF) -> Withdrawal:
    with db.transaction() as session:
        return ask(session, account, DOLLAR, to=to)


def row_of(withdrawal_id: str) -> Withdrawal:
    with db.transaction() as session:
        return withdrawals.get(session, withdrawal_id)


def test_a_listed_target_is_refused_without_saying_why(account: str) -> None:
    version = load(THIEF, *OTHERS)
    row = asked(account)
    assert (row.status, row.failure_reason, row.failure_detail) == (
        "rejected",
        "refused_by_policy",
        None,
    )
    with db.transaction() as session:
        facts = session.query(PolicyDecision).one().facts["screening"]
    assert facts["versions"] == [version.id]
    assert facts["hits"] == [f"ours {version.id}"]
    assert asked(account, HONEST).status == "approved"


def test_a_denied_token_pays_nobody(account: str) -> None:
    load(TOKEN, source="tokens:bad", kind="tokens")
    assert asked(account, HONEST).failure_reason == "refused_by_policy"
    assert asked(account, TOKEN[:19] + b"x").failure_reason == "refused_by_policy"


def test_a_contract_on_the_list_of_tokens_is_no_listed_person(account: str) -> None:
    load(THIEF, source="tokens:bad", kind="tokens")
    assert asked(account).status == "approved"


def test_a_bad_list_is_kept_on_record_and_changes_nothing(account: str) -> None:
    first = load(THIEF, *OTHERS)
    shrunk = load(*OTHERS[:7])
    assert (shrunk.accepted, shrunk.refusal) == (False, "it shrank from 10 to 7 addresses")
    with db.transaction() as session:
        cut = service.load(session, source="ours", kind="addresses", body=b"0x12").version
        assert not cut.accepted
        now = service.current(session, "ours")
        assert now is not None
        assert now.id == first.id
    assert asked(account).status == "rejected"
    assert load(*OTHERS).accepted  # one fewer of ten
    assert asked(account).status == "approved"


def test_the_same_list_again_is_only_younger(account: str) -> None:
    first = load(THIEF)
    age("30 hours")
    again = load(THIEF)
    assert again.id == first.id
    with db.transaction() as session:
        assert session.query(ListVersion).count() == 1
        young = session.execute(text("select now() - confirmed_at from watchlist")).scalar_one()
        assert young < timedelta(minutes=1)


def age(interval: str) -> None:
    with db.transaction() as session:
        session.execute(
            text(f"update watchlist_version set confirmed_at = now() - interval '{interval}'")
        )


def next_job() -> plan.Job | None:
    with db.transaction() as session:
        return plan.next_job(session, CHAIN, "USDC")


def test_an_old_list_stops_what_leaves_until_it_is_fetched(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZAN_WATCHLISTS", "ours=/nowhere/list.txt")
    settings.cache_clear()
    row = asked(account, HONEST)
    assert next_job() is None
    assert row_of(row.id).waiting_reason == "watchlist_missing"
    load(THIEF)
    assert next_job() is not None
    age("27 hours")
    assert next_job() is None
    assert row_of(row.id).waiting_reason == "watchlist_stale"
    with pytest.raises(SignerWaits, match="watchlist_stale"):
        encode(planned(row))
    load(THIEF)
    assert encode(planned(row))


def test_production_needs_a_list(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_ENV", "production")
    monkeypatch.setenv("MIZAN_BASE_URL", "https://pay.example")
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "USDC=1 ETH=2000")
    settings.cache_clear()
    with db.transaction() as session:
        assert service.stopped(session) == "watchlist_missing"


def planned(row: Withdrawal) -> str:
    """Put a withdrawal into a plan; returns the intent."""
    with db.transaction() as session:
        mine = withdrawals.get(session, row.id)
        if mine.intent_id is not None:
            return mine.intent_id
        job = sending.idle_signer(session, CHAIN, "payout")
        assert job is not None
        from gateway.chain.store import chain_asset

        intent = sending.plan(
            session,
            signer=job,
            kind="payout",
            amount=Money(int(mine.amount), USDC),
            payload=payload.describe(session, [mine], chain_asset(session, CHAIN, "USDC")),
            proposal=sending.Proposal(gas=100_000, fees=Fees(1, 10)),
        )
        mine.intent_id = intent.id
        return intent.id


def encode(intent_id: str) -> bytes:
    with db.transaction() as session:
        intent = session.get_one(Intent, intent_id)
        return payload.encode(session, intent, chain_of(session, CHAIN), 0).data


def test_a_new_list_holds_what_is_not_signed_and_nobody_can_approve_it(account: str) -> None:
    waiting, in_a_plan = asked(account), asked(account)
    intent = planned(in_a_plan)
    other = asked(account, HONEST)
    load(THIEF)
    with pytest.raises(SignerRefuses, match="listed_address"):
        encode(intent)
    with db.transaction() as session:
        assert {row.id for row in hold_listed(session, CHAIN)} == {waiting.id, in_a_plan.id}
        assert hold_listed(session, CHAIN) == []
    for held in (waiting, in_a_plan):
        row = row_of(held.id)
        assert (row.status, row.held_reason, row.intent_id) == ("held", "policy_review", None)
        with db.transaction() as session, pytest.raises(Conflict):
            withdrawals.approve(session, held.id, by="key_b")
        with db.transaction() as session:
            withdrawals.reject(session, held.id, by="key_b")
    assert row_of(other.id).status == "approved"
    with db.transaction() as session:
        cases = session.query(HeldCase).all()
    assert {(case.reason, case.status) for case in cases} == {("listed_address", "rejected")}


def test_a_new_list_takes_addresses_out_of_books(account: str) -> None:
    with db.transaction() as session:
        for place in (THIEF, HONEST):
            book.add(session, account_id=account, chain=CHAIN, address=place, label="x", by="key_a")
    load(THIEF)
    with db.transaction() as session:
        left = session.query(BookEntry).filter(BookEntry.removed_at.is_(None)).one()
        assert left.address == HONEST


def test_lists_are_loaded_by_name_and_by_the_clock(
    account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"0x{THIEF.hex()} a thief\n")
    monkeypatch.setenv("MIZAN_WATCHLISTS", f"ours={file} tokens:bad={tmp_path}/none.txt")
    settings.cache_clear()
    task.lists()
    assert asked(account).status == "rejected"
    with db.transaction() as session:
        assert [row.kind for row in session.query(Alarm)] == ["watchlist_missing"]
    assert "unchanged" in lists.load("ours", str(file))
    file.write_text("0x12")
    assert "refused" in lists.load("ours", str(file))
    assert lists.load("tokens:bad", str(tmp_path / "list.txt")).startswith("tokens:bad: refused")
    assert [line.split()[0] for line in lists.shown()] == ["ours"]
    with db.transaction() as session:
        assert session.query(Alarm).filter_by(kind="watchlist_refused").count() == 2


def test_a_list_is_not_fetched_from_our_own_network() -> None:
    with pytest.raises(DependencyAway, match="https only"):
        fetch("http://lists.example/sdn.xml", development=False)
    for inside in ("10.0.0.8", "169.254.169.254", "127.0.0.1"):
        with pytest.raises(DependencyAway, match="Blocked"):
            fetch(
                "https://lists.example/sdn.xml",
                development=False,
                resolve=lambda *_, to=inside: [to],
            )
    with pytest.raises(DependencyAway, match="no list at"):
        fetch("/nowhere/list.txt", development=False)
