"""What a thief of one of two keys can do: nothing; and what the approver refuses to agree to."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from sqlalchemy import text

from gateway import db
from gateway.chain import deploy, payout
from gateway.chain.address import show_address
from gateway.errors import Refused
from tests.chain.money_in import CHAIN, DOLLAR, ETHER
from tests.chain.money_out import PAYOUT_KEY, Desk, role
from tests.chain.second_key import (
    APPROVER,
    APPROVER_KEY,
    approve_all,
    finish,
    open_second,
    said,
)
from tests.conftest import MNEMONIC, TestNode
from workers import approver
from workers.keys import keystore

ALI = bytes([0xB1] * 20)
THIEF_KEY = b"\x55" * 32


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return open_second(anvil, tmp_path, monkeypatch)


def attempt_by(desk: Desk, key: bytes, data: bytes) -> bool:
    """Send a call to the vault with somebody's key; True if it succeeded."""
    thief = Account.from_key(key)
    desk.till.anvil.call("anvil_setBalance", thief.address, hex(ETHER))
    place = bytes.fromhex(thief.address[2:])
    fields = {
        "type": 2,
        "chainId": 31337,
        "nonce": desk.till.node.nonce(place),
        "to": show_address(desk.vault),
        "value": 0,
        "data": data,
        "gas": 500_000,
        "maxPriorityFeePerGas": 10**9,
        "maxFeePerGas": 10**10,
    }
    tx_hash = desk.till.node.send_raw(bytes(thief.sign_transaction(fields).raw_transaction))
    desk.till.anvil.mine()
    receipt = desk.till.node.receipt(tx_hash)
    assert receipt is not None
    return receipt.succeeded


def forged(desk: Desk, key: bytes, words: list[bytes], seq: int = 0) -> payout.Approval:
    """What a thief of `key` signs in the approver's place."""
    deadline = int((datetime.now(UTC) + timedelta(days=1)).timestamp())
    digest = payout.approval_digest(
        chain_id=31337,
        vault=desk.vault,
        operator=desk.operator,
        seq=seq,
        token=desk.till.usdc,
        payments=words,
        deadline=deadline,
    )
    return payout.Approval(deadline, keystore.sign_digest(Account.from_key(key), digest))


def test_a_stolen_operator_key_alone_moves_nothing(desk: Desk) -> None:
    thief = bytes.fromhex(Account.from_key(THIEF_KEY).address[2:])
    words = [payout.payment(thief, 1_000 * DOLLAR)]
    before = desk.holds(desk.vault)
    token = desk.till.usdc
    tries = [
        payout.pay_call(token, 0, words),
        payout.pay_call(token, 0, words, forged(desk, PAYOUT_KEY, words)),
        payout.pay_call(token, 0, words, forged(desk, THIEF_KEY, words)),
        payout.pay_call(token, 0, words, payout.Approval(2**40, bytes(64))),
    ]
    assert [attempt_by(desk, PAYOUT_KEY, data) for data in tries] == [False] * 4
    assert (desk.holds(thief), desk.holds(desk.vault)) == (0, before)
    # the same call passes with both keys: it is the second one that was missing
    assert attempt_by(
        desk, PAYOUT_KEY, payout.pay_call(token, 0, words, forged(desk, APPROVER_KEY, words))
    )
    assert desk.holds(thief) == 1_000 * DOLLAR


def test_a_stolen_approver_key_alone_moves_nothing(desk: Desk) -> None:
    words = [payout.payment(ALI, 1_000 * DOLLAR)]
    data = payout.pay_call(desk.till.usdc, 0, words, forged(desk, APPROVER_KEY, words))
    assert not attempt_by(desk, APPROVER_KEY, data)
    assert not attempt_by(desk, THIEF_KEY, data)
    assert desk.holds(ALI) == 0


def test_a_thief_of_the_operators_key_pays_nobody_twice_with_what_was_approved(desk: Desk) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    approve_all()
    (approval,) = said()
    desk.sign()
    desk.pay()
    finish(desk)
    assert approval.signature is not None
    words = [payout.payment(ALI, 5 * DOLLAR)]
    word = payout.Approval(int(approval.deadline.timestamp()), approval.signature)
    for seq in (0, 1):
        assert not attempt_by(desk, PAYOUT_KEY, payout.pay_call(desk.till.usdc, seq, words, word))
    assert desk.holds(ALI) == 5 * DOLLAR
    assert desk.row(wd).status == "confirmed"


def test_an_approval_of_something_else_is_not_signed(desk: Desk) -> None:
    """A row that says more than its signature: only who owns the tables could write it."""
    account = desk.rich()
    desk.ask(account, 5 * DOLLAR, ALI)
    desk.pay()
    approve_all()
    for change in ("deadline = deadline + interval '1 day'", "signature = '\\x" + "11" * 64 + "'"):
        with db.transaction() as session:
            session.execute(text(f"update approval set {change}"))
            session.execute(text("update intent set status = 'planned', refusal = null"))
        assert desk.sign()
        assert desk.intents()[0].refusal == "approval_is_not_for_this"
    assert desk.attempts() == []


CHANGES = [
    ("payload = jsonb_set(payload, '{payments,0}', to_jsonb(repeat('ee', 32)))", "payload_differs"),
    ("amount = amount + 1", "amount_differs"),
    ("asset = 'ETH'", "other_chain_or_asset"),
    ("signer_id = (select id from signer where role = 'sweep')", "other_role"),
    ("payload = '{\"withdrawals\": 7}'", "payload_differs"),
]


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_the_approver_refuses_what_the_rows_do_not_say(desk: Desk, change: str, why: str) -> None:
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    with role("mizan_worker"), db.transaction() as session:
        session.execute(text(f"update intent set {change}"))
    with role("mizan_approver"):
        assert approver.approve_next(CHAIN)
    (word,) = said()
    assert (word.refusal, word.signature) == (why, None)
    if "signer_id" not in change:
        desk.sign()
        assert (desk.intents()[0].refusal or "").endswith(why)
        desk.pay()
        assert desk.row(wd).waiting_reason == "signer_refused"
    assert desk.attempts() == []


def test_operator_and_approver_are_never_one_key(desk: Desk) -> None:
    with pytest.raises(Refused, match="one key"):
        deploy.deploy(
            desk.till.node,
            Account.from_mnemonic(MNEMONIC),
            operators=[desk.operator],
            sweepers=[],
            approver=desk.operator,
        )


def test_a_node_that_cannot_estimate_without_the_approval_is_not_served(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = desk.till.node.estimate_gas

    def without_overrides(**asked: Any) -> int:
        asked.pop("code", None)
        return real(**asked)

    monkeypatch.setattr(desk.till.node, "estimate_gas", without_overrides)
    hand = deploy.Hand(desk.till.node, Account.from_mnemonic(MNEMONIC))
    with pytest.raises(Refused, match="state overrides"):
        deploy.name_approver(hand, desk.vault, APPROVER)
