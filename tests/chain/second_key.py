"""A desk whose payout vault asks for a second key, kept in a keystore of its own."""

import json
from pathlib import Path

import pytest
from eth_account import Account
from sqlalchemy import text

from gateway import db
from gateway.chain import deploy
from gateway.sending.store import Approval
from gateway.settings import settings
from tests.chain.money_in import CHAIN, open_till
from tests.chain.money_out import PASSWORD, Desk, open_desk
from tests.conftest import MNEMONIC, TestNode
from workers import approver

APPROVER_KEY = b"\x44" * 32
APPROVER = bytes.fromhex(Account.from_key(APPROVER_KEY).address[2:])


def open_second(anvil: TestNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Open a desk on a chain added with an approver, and fund it."""
    (tmp_path / "keys").mkdir()
    desk = open_desk(open_till(anvil), tmp_path / "keys", monkeypatch)
    Account.enable_unaudited_hdwallet_features()
    anvil.call("evm_setAutomine", True)
    deployed = deploy.deploy(
        desk.till.node,
        Account.from_mnemonic(MNEMONIC),
        operators=[desk.operator],
        sweepers=[desk.sweeper],
        approver=APPROVER,
    )
    anvil.call("evm_setAutomine", False)
    desk.till.deployed = deployed
    with db.transaction() as session:
        session.execute(
            text("update chain set payout_vault = :vault, payout_approver = :approver"),
            {"vault": deployed.payout_vault, "approver": APPROVER},
        )
    second = tmp_path / "second.json"
    second.write_text(json.dumps(Account.encrypt(APPROVER_KEY, PASSWORD, iterations=1)))
    monkeypatch.setenv("MIZAN_APPROVER_KEYSTORE", str(second))
    monkeypatch.setenv("MIZAN_APPROVER_PASSWORD", PASSWORD)
    settings.cache_clear()
    desk.fund()
    return desk


def approve_all() -> None:
    while approver.approve_next(CHAIN):
        pass


def round_of(desk: Desk) -> None:
    """One round of every worker and the approver, then a block."""
    desk.pay()
    approve_all()
    desk.round()


def finish(desk: Desk, rounds: int = 30) -> None:
    for _ in range(rounds):
        round_of(desk)
        if all(status not in ("approved", "sent") for status, _ in desk.rows()):
            return
    raise AssertionError(f"not finished: {desk.rows()} {desk.alarms()} {said()}")


def said() -> list[Approval]:
    with db.transaction() as session:
        return session.query(Approval).order_by(Approval.created_at).all()


def backdate() -> None:
    """Let all approvals have run out a while ago."""
    with db.transaction() as session:
        session.execute(text("update approval set deadline = now() - interval '1 hour'"))
