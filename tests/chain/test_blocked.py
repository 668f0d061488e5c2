"""What a listed sender pays is credited, kept apart, and a person decides about it."""

import pytest

from gateway import db
from gateway.accounts import service as accounts
from gateway.decisions import service as decisions
from gateway.errors import Conflict
from gateway.holds.store import HeldCase
from gateway.screening import service as screening
from gateway.settlement import audit
from tests.chain.money_in import PAYER, Till, ledger_is_sound, number, open_till
from tests.conftest import TestNode

FIVE = 5_000_000


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


def list_payer(till: Till) -> None:
    body = f"{till.anvil.accounts()[PAYER]} a thief\n".encode()
    with db.transaction() as session:
        screening.load(session, source="ours", kind="addresses", body=body)


def blocked(account: str) -> int:
    return number(
        "select coalesce(sum(credits_posted - debits_posted), 0) from ledger.account"
        " where code = 2060 and owner = :owner",
        owner=account,
    )


def case() -> HeldCase:
    with db.transaction() as session:
        return session.query(HeldCase).order_by(HeldCase.id.desc()).limit(1).one()


def sound() -> bool:
    with db.transaction() as session:
        return ledger_is_sound() and not [one for one in audit.audit(session) if one.is_breach]


def pay(till: Till) -> str:
    account = till.account()
    till.pay_usdc(till.address(account), FIVE)
    till.mine(3)
    return account


def test_it_is_the_owners_but_cannot_be_spent_until_it_is_released(till: Till) -> None:
    list_payer(till)
    account = pay(till)
    assert till.only().status == "credited"
    assert (till.available(account), blocked(account)) == (0, FIVE)
    opened = case()
    assert (opened.kind, opened.reason, opened.status) == ("deposit", "listed_sender", "open")
    assert opened.ends_at is None  # it is never given or taken by itself
    assert sound()
    with db.transaction() as session:
        decisions.approve(session, opened.id, by="key_b", note="a mistake")
    assert (till.available(account), blocked(account)) == (FIVE, 0)
    assert (case().status, case().note) == ("approved", "a mistake")
    assert sound()
    with db.transaction() as session, pytest.raises(Conflict):
        decisions.approve(session, opened.id, by="key_b", note=None)


def test_what_is_rejected_stays_kept_apart(till: Till) -> None:
    list_payer(till)
    account = pay(till)
    with db.transaction() as session:
        decisions.reject(session, case().id, by="key_b", note="reported")
    assert (till.available(account), blocked(account), case().status) == (0, FIVE, "rejected")
    assert sound()


def test_a_reorganisation_takes_it_back_without_touching_the_account(till: Till) -> None:
    list_payer(till)
    account = pay(till)
    till.anvil.reorg(3)
    till.follow()
    assert till.only().status == "reversed"
    assert (till.available(account), blocked(account), till.owed(account)) == (0, 0, 0)
    with db.transaction() as session:
        assert accounts.get(session, account).status == "active"
    assert case().status == "closed"
    assert sound()


def test_a_released_one_is_reversed_like_any_other(till: Till) -> None:
    list_payer(till)
    account = pay(till)
    with db.transaction() as session:
        decisions.approve(session, case().id, by="key_b", note=None)
    till.anvil.reorg(3)
    till.follow()
    assert (till.available(account), blocked(account), till.owed(account)) == (0, 0, 0)
    with db.transaction() as session:
        assert accounts.get(session, account).status == "frozen"
    assert sound()


def test_an_account_that_takes_nothing_has_it_kept_apart(till: Till) -> None:
    account = till.account()
    with db.transaction() as session:
        accounts.freeze_credit(session, account, True)
    till.pay_usdc(till.address(account), FIVE)
    till.mine(3)
    assert (till.available(account), blocked(account)) == (0, FIVE)
    assert case().reason == "account_takes_nothing"


def test_an_unlisted_sender_is_credited_as_ever(till: Till) -> None:
    account = pay(till)
    assert (till.available(account), blocked(account)) == (FIVE, 0)
    assert number("select count(*) from held_case") == 0
