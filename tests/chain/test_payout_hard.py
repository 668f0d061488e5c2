"""Bad targets, bad tokens, dear gas: all of it ends in a state with a name, and nothing loops."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.ledger import service as ledger
from gateway.money import Asset
from gateway.policy import service as policy
from gateway.policy.rules import Allow, Judgement
from gateway.sending.rules import CAP_MAX_WEI, GWEI
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, USDC, hexed, open_till
from tests.chain.money_out import Desk, assert_paid_once, open_desk
from tests.conftest import TestNode
from workers import signer

ALI, BADR, CORA = (bytes([n] * 20) for n in (0xB1, 0xB2, 0xB3))
DEAR = CAP_MAX_WEI
"""A base fee at which no cap that a signer signs is high enough."""


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


@pytest.fixture
def blocking(desk: Desk) -> Desk:
    """A desk whose dollar is a token that can be paused and that blocks accounts."""
    token = desk.till.mock("BlacklistToken")
    with db.transaction() as session:
        session.execute(
            text("update chain_asset set contract = :token where asset = 'USDC'"), {"token": token}
        )
    desk.till.usdc = token
    desk.fund()
    return desk


def order(desk: Desk, signature: str, *values: Any) -> None:
    """Let the token's issuer do something."""
    desk.own(desk.till.usdc, signature, *values)


def rounds(desk: Desk, count: int = 5) -> None:
    for _ in range(count):
        desk.round()


def of(account: str, asset: Asset = USDC) -> tuple[int, int]:
    """Return what an account has and what of it is held."""
    with db.transaction() as session:
        found = ledger.balance(session, account, asset)
        return found.available.units, found.held.units


def ended(desk: Desk, withdrawal: str) -> tuple[str, str | None]:
    row = desk.row(withdrawal)
    return row.status, row.failure_reason


def test_a_contract_that_takes_no_coin_fails_and_the_money_is_back(desk: Desk) -> None:
    account = desk.rich(ethers=2)
    wd = desk.ask(account, ETHER // 4, desk.till.mock("NoReceive"), ETH)
    assert desk.row(wd).status == "approved"
    desk.finish()
    assert ended(desk, wd) == ("failed", "recipient_refused")
    assert of(account, ETH) == (2 * ETHER, 0)
    assert desk.holds(desk.vault, ETH) == 10 * ETHER
    assert (len(desk.transactions()), desk.alarms(), desk.sound()) == (1, [], True)


def test_a_blocked_recipient_is_refunded_and_the_others_are_paid(blocking: Desk) -> None:
    desk = blocking
    account = desk.rich(dollars=100)
    order(desk, "blacklist(address,bool)", ALI, True)
    bad, good = desk.ask(account, 5 * DOLLAR, ALI), desk.ask(account, 7 * DOLLAR, BADR)
    desk.finish()
    assert ended(desk, bad) == ("failed", "recipient_refused")
    assert ended(desk, good) == ("confirmed", None)
    assert (desk.holds(ALI), desk.holds(BADR)) == (0, 7 * DOLLAR)
    assert of(account) == (93 * DOLLAR - int(desk.row(good).fee), 0)
    assert (len(desk.transactions()), desk.alarms(), desk.sound()) == (1, [], True)


def test_one_blocked_recipient_alone_is_no_stopped_token(blocking: Desk) -> None:
    desk = blocking
    account = desk.rich(dollars=100)
    order(desk, "blacklist(address,bool)", ALI, True)
    wd = desk.ask(account, 5 * DOLLAR, ALI)
    desk.finish()
    assert ended(desk, wd) == ("failed", "recipient_refused")
    assert of(account) == (100 * DOLLAR, 0)
    assert desk.alarms() == []


@pytest.mark.parametrize("stopped", ["paused", "vault blocked"])
def test_while_a_token_pays_nobody_withdrawals_wait_say_so_and_go_on(
    blocking: Desk, stopped: str
) -> None:
    desk = blocking
    account = desk.rich(dollars=100, ethers=1)
    stop: tuple[Any, ...] = ("pause(bool)",)
    if stopped == "vault blocked":
        stop = ("blacklist(address,bool)", desk.vault)
    order(desk, *stop, True)
    waiting = [desk.ask(account, 5 * DOLLAR, to) for to in (ALI, BADR)]
    coin = desk.ask(account, ETHER // 4, ALI, ETH)
    rounds(desk)
    assert {desk.row(wd).waiting_reason for wd in waiting} == {"token_stopped"}
    assert desk.row(coin).status == "confirmed"
    assert len(desk.transactions()) == 1  # the coin's: nothing is sent in vain
    assert desk.alarms() == ["token_stopped"]
    order(desk, *stop, False)
    desk.finish()
    assert [ended(desk, wd) for wd in waiting] == [("confirmed", None)] * 2
    assert (desk.holds(ALI), desk.holds(BADR)) == (5 * DOLLAR, 5 * DOLLAR)
    assert desk.sound()


def test_a_token_that_is_paused_before_the_block_gives_all_money_back_once(blocking: Desk) -> None:
    desk = blocking
    account = desk.rich(dollars=100)
    asked = [desk.ask(account, 5 * DOLLAR, to) for to in (ALI, BADR, CORA)]
    desk.pay()
    desk.sign()
    order(desk, "pause(bool)", True)
    rounds(desk, 6)
    assert [ended(desk, wd) for wd in asked] == [("failed", "recipient_refused")] * 3
    assert of(account) == (100 * DOLLAR, 0)
    assert len(desk.transactions()) == 1
    assert desk.alarms() == ["payout_paid_nobody"]
    assert desk.sound()


def dear(desk: Desk, wei: int) -> None:
    """Set what a unit of gas costs from the next block on, and mine that."""
    desk.till.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(wei))
    desk.till.anvil.mine()


def test_while_gas_is_dearer_than_the_cap_withdrawals_wait_and_say_so(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    dear(desk, DEAR)
    desk.round()
    assert desk.rows() == [("approved", "network_fees_too_high")]
    assert desk.intents() == []
    dear(desk, GWEI)
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_gas_that_rises_over_the_cap_in_flight_calls_a_person_and_is_sat_out(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    dear(desk, DEAR)
    desk.pay()
    with db.transaction() as session:
        session.execute(text("update attempt set created_at = now() - interval '1 hour'"))
    desk.pay()
    assert not signer.raise_next(CHAIN)
    assert desk.alarms() == ["transaction_stuck"]
    assert (desk.row(wd).status, len(desk.attempts())) == ("sent", 1)
    dear(desk, 1)
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert len(desk.attempts()) == 1


def broken(*_: object) -> Judgement:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "concern",
    [policy.Concern(policy.book_facts, (broken,)), policy.Concern(broken, (lambda _: Allow(),))],
    ids=["its rule", "its facts"],
)
def test_a_policy_that_fails_holds_the_withdrawal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, concern: policy.Concern
) -> None:
    monkeypatch.setitem(policy.CONCERNS, "book", concern)
    wd = desk.ask(desk.rich(dollars=100), 5 * DOLLAR, ALI)
    rounds(desk, 2)
    row = desk.row(wd)
    assert (row.status, row.held_reason) == ("held", "rule_failed")
    assert (desk.intents(), desk.holds(ALI)) == ([], 0)


def test_a_token_contract_is_no_place_for_its_own_tokens(desk: Desk) -> None:
    from gateway.errors import InvalidAddress

    account = desk.rich(dollars=100)
    for place in (desk.till.usdc, desk.vault, desk.till.deployed.vault_factory, bytes(20)):
        with pytest.raises(InvalidAddress):
            desk.ask(account, 5 * DOLLAR, place)
    assert of(account) == (100 * DOLLAR, 0)


def test_what_waits_behind_a_full_signer_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.sending.rules.UNMINED_MAX", 1)
    account = desk.rich()
    first = desk.ask(account, 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    second = desk.ask(account, 5 * DOLLAR, BADR)
    desk.pay()
    desk.pay()
    assert desk.row(second).waiting_reason == "signers_busy"
    desk.finish()
    assert {desk.row(wd).status for wd in (first, second)} == {"confirmed"}


def test_a_signer_that_never_signs_is_named(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    assert desk.rows() == [("approved", None)]
    with db.transaction() as session:
        session.execute(text("update intent set created_at = now() - interval '40 s'"))
    desk.pay()
    assert desk.rows() == [("approved", "signer_silent")]
    assert desk.alarms() == ["signer_silent"]
    with db.transaction() as session:
        session.execute(text("update intent set created_at = now() - interval '1 hour'"))
    desk.pay()  # taken back and planned anew
    assert [intent.status for intent in desk.intents()] == ["void", "planned"]
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)


def test_a_signer_in_question_is_named_and_another_pays_in_its_place(desk: Desk) -> None:
    account = desk.rich()
    desk.till.anvil.call("anvil_setCode", hexed(desk.operator), "0x00")
    wd = desk.ask(account, 5 * DOLLAR, ALI)
    desk.pay()
    assert desk.rows() == [("approved", "signer_has_code")]
    desk.second_signer()
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert set(desk.alarms()) == {"signer_has_code"}
