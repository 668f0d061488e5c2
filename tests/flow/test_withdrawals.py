"""Withdrawals up to the moment of sending: what is reserved, judged, refused, called off."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain.store import chain_asset
from gateway.errors import (
    AccountFrozen,
    Conflict,
    DependencyAway,
    Forbidden,
    InsufficientFunds,
    InvalidAddress,
    Refused,
)
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.policy import rules as policy_rules
from gateway.policy.store import PolicyDecision
from gateway.sending import service as sending
from gateway.sending.rules import Fees
from gateway.settings import settings
from gateway.withdrawals import payload, service
from gateway.withdrawals.store import Withdrawal
from tests.flow.books import CHAIN, USDC, assert_proofs_are_empty
from tests.flow.outgoing import (
    DOLLAR,
    FACTORY,
    TOKEN,
    TREASURY,
    VAULT,
    ask,
    chain_rows,
    events,
    rich,
)

RACERS = 20
FEE = 150_000  # 70,000 gas at 1 gwei and a wei, 2,000 USD an ETH: 0.14 USDC and a little


@pytest.fixture
def account(database: str, redis_url: str) -> str:
    with db.transaction() as session:
        chain_rows(session)
        return rich(session)


def balance(account: str) -> ledger.Balance:
    with db.transaction() as session:
        return ledger.balance(session, account, USDC)


def status(row: Withdrawal) -> str:
    with db.transaction() as session:
        return service.get(session, row.id).status


def planned(rows: list[Withdrawal]) -> str:
    """Put approved withdrawals into a plan, as the pay worker does; returns the intent."""
    with db.transaction() as session:
        signer = sending.register_signer(
            session, chain=CHAIN, address=bytes([7] * 20), role="payout", next_nonce=0
        )
        mine = [service.get(session, row.id) for row in rows]
        intent = sending.plan(
            session,
            signer=signer,
            kind="payout",
            amount=Money(sum(int(row.amount) for row in mine), USDC),
            payload=payload.describe(session, mine, chain_asset(session, CHAIN, "USDC")),
            proposal=sending.Proposal(gas=100_000, fees=Fees(1, 10)),
        )
        for row in mine:
            row.intent_id = intent.id
        return intent.id


def test_amount_and_fee_are_reserved_and_the_decision_is_kept(account: str) -> None:
    with db.transaction() as session:
        row = ask(session, account, 5 * DOLLAR)
    assert (row.status, int(row.fee)) == ("approved", FEE)
    assert balance(account).held.units == 5 * DOLLAR + FEE
    assert events() == ["requested", "approved"]
    with db.transaction() as session:
        decision = session.query(PolicyDecision).one()
        facts = (decision.outcome, decision.rules_version, decision.facts["limits"]["worth"])
        assert facts == ("allow", policy_rules.VERSION, "5.000000")
        assert_proofs_are_empty(session)


def test_what_is_worth_more_than_the_limit_waits_for_another_person(account: str) -> None:
    with db.transaction() as session:
        at, above = ask(session, account, 1000 * DOLLAR), ask(session, account, 1000 * DOLLAR + 1)
    assert (at.status, at.held_reason) == ("approved", None)
    assert (above.status, above.held_reason) == ("held", "above_limit")
    with pytest.raises(Forbidden) as refusal, db.transaction() as session:
        service.approve(session, above.id, by="key_a")
    assert refusal.value.code == "same_person"
    assert status(above) == "held"
    with db.transaction() as session:
        assert service.approve(session, above.id, by="key_b").decided_by == "key_b"
    with pytest.raises(Conflict), db.transaction() as session:
        service.reject(session, above.id, by="key_b")
    assert status(above) == "approved"


def test_a_rejected_withdrawal_gives_everything_back(account: str) -> None:
    before = balance(account)
    with db.transaction() as session:
        row = ask(session, account, 2000 * DOLLAR)
    with db.transaction() as session:
        service.reject(session, row.id, by="key_b")
    assert balance(account) == before
    assert events() == ["requested", "held", "rejected"]


def test_without_a_price_nothing_is_guessed(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "ETH=2000")
    settings.cache_clear()
    with pytest.raises(DependencyAway), db.transaction() as session:
        ask(session, account, DOLLAR)
    assert balance(account).held.units == 0


def test_twenty_at_once_never_take_more_than_there_is(account: str) -> None:
    each = 100_000 * DOLLAR // 10 - FEE  # money for exactly ten, fees included
    refused, done, start = [], [], threading.Barrier(RACERS)

    def race() -> None:
        start.wait()
        try:
            with db.transaction() as session:
                done.append(ask(session, account, each).id)
        except InsufficientFunds:
            refused.append(1)

    threads = [threading.Thread(target=race) for _ in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(refused)) == (10, 10)
    left = balance(account)
    assert (left.available.units, left.held.units) == (0, 100_000 * DOLLAR)
    with db.transaction() as session:
        assert session.query(Withdrawal).count() == 10
        assert_proofs_are_empty(session)


def test_a_frozen_account_asks_for_nothing(account: str) -> None:
    with db.transaction() as session:
        accounts.freeze(session, account)
    with pytest.raises(AccountFrozen), db.transaction() as session:
        ask(session, account, DOLLAR)


@pytest.mark.parametrize("place", [TOKEN, FACTORY, VAULT, TREASURY, bytes(20), bytes([7] * 20)])
def test_money_does_not_go_to_an_address_of_ours(account: str, place: bytes) -> None:
    with db.transaction() as session:
        sending.register_signer(
            session, chain=CHAIN, address=bytes([7] * 20), role="payout", next_nonce=0
        )
    with pytest.raises(InvalidAddress), db.transaction() as session:
        ask(session, account, DOLLAR, to=place)
    assert balance(account).held.units == 0


def test_money_does_not_go_to_a_deposit_address(account: str) -> None:
    from gateway.addresses import service as addresses

    with db.transaction() as session:
        place = addresses.allocate(session, account_id=account, chain=CHAIN).address
    with pytest.raises(InvalidAddress), db.transaction() as session:
        ask(session, account, DOLLAR, to=place)


def test_an_amount_the_chain_cannot_express_is_refused(account: str) -> None:
    with db.transaction() as session:
        session.execute(text("update chain_asset set decimals = 4 where asset = 'USDC'"))
    with pytest.raises(Refused) as refusal, db.transaction() as session:
        ask(session, account, DOLLAR + 1)
    assert refusal.value.code == "invalid_amount"


def test_an_amount_below_its_own_fee_is_refused_unless_it_is_a_refund(account: str) -> None:
    with db.transaction() as session:
        fee = service.fee_quote(session, asset="USDC", chain=CHAIN).fee.units
    with pytest.raises(Refused) as refusal, db.transaction() as session:
        ask(session, account, fee - 1)
    assert (refusal.value.code, refusal.value.field) == ("amount_below_fee", "amount")
    assert balance(account).held.units == 0
    with db.transaction() as session:
        assert ask(session, account, fee).status == "approved"
        assert ask(session, account, fee - 1, refund="ref_1").status == "approved"


def test_cancel_gives_everything_back_once(account: str) -> None:
    before = balance(account)
    with db.transaction() as session:
        row = ask(session, account, DOLLAR)
    with db.transaction() as session:
        service.cancel(session, row.id)
    with pytest.raises(Conflict), db.transaction() as session:
        service.cancel(session, row.id)
    assert balance(account) == before


def test_cancel_takes_a_withdrawal_out_of_its_plan_and_the_others_are_planned_anew(
    account: str,
) -> None:
    with db.transaction() as session:
        first, second = ask(session, account, DOLLAR), ask(session, account, 2 * DOLLAR)
    intent = planned([first, second])
    with db.transaction() as session:
        service.cancel(session, first.id)
    with db.transaction() as session:
        other = service.get(session, second.id)
        assert (other.status, other.intent_id) == ("approved", None)
        state = session.execute(text("select status from intent where id = :id"), {"id": intent})
        assert state.scalar_one() == "void"


def test_what_is_signed_cannot_be_cancelled_by_anybody(account: str) -> None:
    with db.transaction() as session:
        row, loose = ask(session, account, DOLLAR), ask(session, account, DOLLAR)
    intent = planned([row])
    with db.transaction() as session:
        session.execute(text("update intent set status = 'signed' where id = :id"), {"id": intent})
    with pytest.raises(Conflict), db.transaction() as session:
        service.cancel(session, row.id)
    with db.transaction() as session:
        cancelled = service.cancel_unsent(session, account)
    assert [other.id for other in cancelled] == [loose.id]
    assert (status(row), status(loose)) == ("approved", "cancelled")
    assert balance(account).held.units == DOLLAR + FEE


def test_nobody_rewrites_what_was_asked_for_or_reopens_an_end(account: str) -> None:
    with db.transaction() as session:
        row = ask(session, account, DOLLAR)
    with db.transaction() as session:
        service.cancel(session, row.id)
    for change in ("amount = 2", "to_address = decode(repeat('ee', 20), 'hex')", "status = 'sent'"):
        with pytest.raises(DBAPIError), db.transaction() as session:
            session.execute(text(f"update withdrawal set {change}"))
