"""The ledger's one door: what it books, what it refuses, and what no race can break."""

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway import db
from gateway.errors import AccountFrozen, Conflict, InsufficientFunds
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from tests.flow.books import USDC, assert_proofs_are_empty, fund, new_asset

RACE_THREADS = 8
RACE_OPERATIONS = 150


@pytest.fixture
def usdc(session: Session) -> Asset:
    return new_asset(session, USDC)


def pay(session: Session, key: str, debit: str, credit: str, units: int) -> bool:
    return ledger.post(
        session,
        key=key,
        debit=ledger.owned(session, debit, USDC),
        credit=ledger.owned(session, credit, USDC),
        money=Money(units, USDC),
        movement=Movement.TRANSFER,
        ref=key,
    )


def reserve(session: Session, key: str, owner: str, units: int) -> UUID:
    return ledger.hold(
        session,
        key=key,
        debit=ledger.owned(session, owner, USDC),
        credit=ledger.house(session, Chart.HOT, USDC, "eip155:31337"),
        money=Money(units, USDC),
        movement=Movement.WITHDRAWAL,
        ref=key,
    )


def test_a_transfer_moves_money_once(session: Session, usdc: Asset) -> None:
    fund(session, "a", 100)
    assert pay(session, "k1", "a", "b", 30) is True
    assert pay(session, "k1", "a", "b", 30) is False
    assert ledger.balance(session, "a", usdc).available.units == 70
    assert ledger.balance(session, "b", usdc).available.units == 30
    assert_proofs_are_empty(session)


def test_a_key_cannot_serve_two_movements(session: Session, usdc: Asset) -> None:
    fund(session, "a", 100)
    pay(session, "k1", "a", "b", 30)
    with pytest.raises(Conflict), session.begin_nested():
        pay(session, "k1", "a", "b", 31)
    with pytest.raises(Conflict), session.begin_nested():
        pay(session, "k1", "a", "c", 30)


def test_holds_count_against_the_balance(session: Session, usdc: Asset) -> None:
    fund(session, "a", 100)
    held = reserve(session, "h1", "a", 80)
    with pytest.raises(InsufficientFunds), session.begin_nested():
        pay(session, "k1", "a", "b", 21)
    with pytest.raises(InsufficientFunds), session.begin_nested():
        reserve(session, "h2", "a", 21)
    balance = ledger.balance(session, "a", usdc)
    assert (balance.available.units, balance.held.units) == (20, 80)
    assert ledger.release(session, key="r1", hold_id=held, movement=Movement.WITHDRAWAL, ref="h1")
    assert ledger.balance(session, "a", usdc).available.units == 100
    assert_proofs_are_empty(session)


def test_a_hold_is_resolved_once(session: Session, usdc: Asset) -> None:
    fund(session, "a", 100)
    held = reserve(session, "h1", "a", 80)
    evidence = ledger.Evidence("eip155:31337", 7, b"\x01" * 32)

    def capture(key: str) -> bool:
        return ledger.capture(
            session,
            key=key,
            hold_id=held,
            movement=Movement.WITHDRAWAL,
            ref="h1",
            evidence=evidence,
        )

    assert capture("c1") is True
    assert capture("c1") is False
    with pytest.raises(Conflict), session.begin_nested():
        capture("c2")
    with pytest.raises(Conflict), session.begin_nested():
        ledger.release(session, key="r1", hold_id=held, movement=Movement.WITHDRAWAL, ref="h1")
    assert ledger.balance(session, "a", usdc).available.units == 20
    assert_proofs_are_empty(session)


def test_a_freeze_stops_debits_but_not_what_the_chain_decides(
    session: Session, usdc: Asset
) -> None:
    fund(session, "a", 100)
    held = reserve(session, "h1", "a", 10)
    ledger.freeze(session, "a", True)
    with pytest.raises(AccountFrozen), session.begin_nested():
        pay(session, "k1", "a", "b", 1)
    with pytest.raises(AccountFrozen), session.begin_nested():
        reserve(session, "h2", "a", 1)
    fund(session, "a", 5, key="more")
    ledger.capture(
        session,
        key="c1",
        hold_id=held,
        movement=Movement.WITHDRAWAL,
        ref="h1",
        evidence=ledger.Evidence("eip155:31337", 7),
    )
    assert ledger.balance(session, "a", usdc).available.units == 95
    ledger.freeze(session, "a", False)
    assert pay(session, "k2", "a", "b", 1)


def test_an_asset_first_used_by_a_frozen_owner_is_frozen_too(session: Session, usdc: Asset) -> None:
    fund(session, "a", 100)
    ledger.freeze(session, "a", True)
    other = new_asset(session, Asset("EURC", 6))
    fund(session, "a", 5, asset=other, key="eur")
    with pytest.raises(AccountFrozen), session.begin_nested():
        ledger.post(
            session,
            key="k1",
            debit=ledger.owned(session, "a", other),
            credit=ledger.owned(session, "b", other),
            money=Money(1, other),
            movement=Movement.TRANSFER,
            ref="k1",
        )


def owe(session: Session, owner: str, units: int) -> None:
    """Let an owner owe, as a reversed and spent deposit does."""
    ledger.post(
        session,
        key=f"owe {owner} {units}",
        debit=ledger.owned(session, owner, USDC, Chart.RECEIVABLE),
        credit=ledger.house(session, Chart.UNSWEPT, USDC, "eip155:31337"),
        money=Money(units, USDC),
        movement=Movement.DEPOSIT_REVERSAL,
        ref="dep_x",
    )


def test_the_next_credits_repay_what_is_owed(session: Session, usdc: Asset) -> None:
    ledger.owned(session, "a", usdc)
    owe(session, "a", 50)
    fund(session, "a", 30)
    assert ledger.balance(session, "a", usdc).available.units == 0
    fund(session, "b", 100, key="b")
    pay(session, "k1", "b", "a", 60)
    assert ledger.balance(session, "a", usdc).available.units == 40
    assert_proofs_are_empty(session)


def test_a_released_hold_repays_what_is_owed(session: Session, usdc: Asset) -> None:
    fund(session, "a", 50)
    held = reserve(session, "h1", "a", 50)
    owe(session, "a", 20)
    ledger.release(session, key="r1", hold_id=held, movement=Movement.WITHDRAWAL, ref="h1")
    assert ledger.balance(session, "a", usdc).available.units == 30
    assert_proofs_are_empty(session)


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger.transfer set amount = amount + 1",
        "delete from ledger.entry",
        "truncate ledger.entry",
        "update ledger.account set credits_posted = 0 where credits_posted > 0",
    ],
)
def test_history_cannot_be_changed(session: Session, usdc: Asset, statement: str) -> None:
    fund(session, "a", 100)
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text(statement))


@pytest.mark.parametrize("role", ["mizan_api", "mizan_worker", "mizan_signer"])
def test_no_process_may_write_the_ledger_but_through_the_door(
    session: Session, usdc: Asset, role: str
) -> None:
    fund(session, "a", 100)
    session.execute(text(f"set local role {role}"))
    for statement in (
        "update ledger.account set debit_frozen = false",
        "update ledger.hold set remaining = 0",
        "insert into ledger.entry values (1, 99, gen_random_uuid(), 1, 1, '')",
        "delete from ledger.hold",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
            session.execute(text(statement))


def test_a_changed_row_is_found_even_if_the_triggers_were_off(
    session: Session, usdc: Asset
) -> None:
    fund(session, "a", 100)
    session.execute(text("alter table ledger.entry disable trigger append_only"))
    session.execute(text("update ledger.entry set amount = amount + 1 where amount > 0"))
    assert session.execute(text("select count(*) from ledger.check_chain")).scalar_one() == 1


def test_no_race_breaks_an_invariant(database: str, request: pytest.FixtureRequest) -> None:
    """Eight connections post, hold, capture, release and replay on four poor accounts."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with db.transaction() as session:
        new_asset(session, USDC)
        for owner in "abcd":
            fund(session, owner, 100, key=owner)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        chance = random.Random(seed + number)
        holds: list[tuple[str, UUID]] = []
        for step in range(RACE_OPERATIONS):
            key = f"{chance.randrange(RACE_THREADS)}-{step}"  # keys collide across threads
            try:
                with db.transaction() as session:
                    random_movement(session, chance, key, holds)
            except (InsufficientFunds, Conflict):
                pass
            except psycopg.Error as error:
                errors.append(error)

    with ThreadPoolExecutor(RACE_THREADS) as pool:
        list(pool.map(work, range(RACE_THREADS)))
    assert errors == []
    assert_nothing_was_made_or_lost()


def assert_nothing_was_made_or_lost() -> None:
    """Assert that nobody owes, and that the four have what is not captured of their 400."""
    with db.transaction() as session:
        assert_proofs_are_empty(session)
        lowest = session.execute(
            text(
                "select min(credits_posted - debits_posted - debits_pending)"
                " from ledger.account where code = 2000"
            )
        ).scalar_one()
        total = sum(
            balance.available.units + balance.held.units
            for balance in (ledger.balance(session, owner, USDC) for owner in "abcd")
        )
        captured = ledger.house_balance(session, Chart.HOT, USDC, "eip155:31337").units
        assert lowest >= 0
        assert total == 400 + captured


def random_movement(
    session: Session, chance: random.Random, key: str, holds: list[tuple[str, UUID]]
) -> None:
    match chance.randrange(4):
        case 0:
            payer, payee = chance.sample("abcd", 2)
            pay(session, f"p{key}", payer, payee, chance.randrange(1, 60))
        case 1:
            held = reserve(session, f"h{key}", chance.choice("abcd"), chance.randrange(1, 60))
            holds.append((key, held))
        case 2 if holds:
            name, held = chance.choice(holds)
            ledger.release(
                session, key=f"r{name}", hold_id=held, movement=Movement.WITHDRAWAL, ref=name
            )
        case 3 if holds:
            name, held = chance.choice(holds)
            ledger.capture(
                session,
                key=f"c{name}",
                hold_id=held,
                movement=Movement.WITHDRAWAL,
                ref=name,
                evidence=ledger.Evidence("eip155:31337", 1),
            )
        case _:
            pass
