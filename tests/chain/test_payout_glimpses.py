"""What a node and a table said is a moment old: what happens in between is nobody's wrongdoing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from gateway import db
from gateway.sending import ahead, cancelling
from gateway.sending import service as sending
from gateway.sending.store import Signer, Transaction
from tests.chain.money_in import CHAIN, DOLLAR, open_till
from tests.chain.money_out import Desk, open_desk
from tests.conftest import TestNode
from workers import pay

ALI = bytes([0xB1] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def payout_signer() -> Signer:
    with db.transaction() as session:
        return session.query(Signer).filter(Signer.role == "payout").one()


class Glimpse:
    """A node on which something happens right before it is asked for receipts the n-th time."""

    def __init__(self, desk: Desk, happens: Callable[[], object], at: int = 1) -> None:
        self.node, self.happens, self.at, self.asked = desk.till.node, happens, at, 0

    def receipts(self, hashes: list[bytes]) -> Any:
        self.asked += 1
        if self.asked == self.at:
            self.happens()
        return self.node.receipts(hashes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.node, name)


def mined_unseen(desk: Desk) -> None:
    """A payout in the newest block, which nobody of us has seen there."""
    desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    desk.pay()
    desk.till.anvil.mine()


def test_what_a_reorganisation_takes_away_meanwhile_is_not_taken_by_somebody(desk: Desk) -> None:
    mined_unseen(desk)
    node = Glimpse(desk, lambda: desk.till.anvil.reorg(1))
    (standing,) = ahead.standings(node, CHAIN, "payout")
    assert node.asked
    assert standing.missing == []
    desk.finish()
    assert desk.alarms() == []


def test_a_nonce_that_a_reorganisation_frees_meanwhile_is_not_taken(desk: Desk) -> None:
    mined_unseen(desk)
    node = Glimpse(desk, lambda: desk.till.anvil.reorg(1), at=2)  # the first asks who is ahead
    pay.tick(CHAIN, node)
    assert node.asked > 2
    desk.finish()
    assert desk.alarms() == []


def test_what_is_being_cancelled_is_not_called_stuck_at_the_highest_fee(desk: Desk) -> None:
    desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    desk.pay()
    with db.transaction() as session:
        session.execute(text("update attempt set created_at = now() - interval '1 hour'"))
        cancelling.ask(session, session.query(Transaction).one(), by="key_b")
    desk.pay()
    assert desk.intents()[0].cancel_gas
    assert desk.alarms() == []


def test_what_is_signed_meanwhile_is_no_gap(desk: Desk) -> None:
    desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    signed: list[bool] = []

    def then(*arguments: Any) -> None:
        if "signer" in arguments[2] and not signed:
            signed.append(True)
            signed.append(desk.sign())

    event.listen(db.engine(), "after_cursor_execute", then)
    try:
        sending.check_account(desk.till.node, payout_signer())
    finally:
        event.remove(db.engine(), "after_cursor_execute", then)
    assert signed == [True, True]
