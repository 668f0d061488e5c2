"""What a node and a table said is a moment old: what happens in between is nobody's wrongdoing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from gateway import db
from gateway.sending import ahead
from gateway.sending import service as sending
from gateway.sending.store import Signer
from tests.chain.money_in import CHAIN, DOLLAR, open_till
from tests.chain.money_out import Desk, open_desk
from tests.conftest import TestNode

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
    """A node on which something happens once, right before it is asked for receipts."""

    def __init__(self, desk: Desk, happens: Callable[[], object]) -> None:
        self.node, self.happens, self.asked = desk.till.node, happens, 0

    def receipts(self, hashes: list[bytes]) -> Any:
        self.asked += 1
        if self.asked == 1:
            self.happens()
        return self.node.receipts(hashes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.node, name)


def test_what_a_reorganisation_takes_away_meanwhile_is_not_taken_by_somebody(desk: Desk) -> None:
    desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.pay()
    desk.sign()
    desk.pay()
    desk.till.anvil.mine()
    node = Glimpse(desk, lambda: desk.till.anvil.reorg(1))
    (standing,) = ahead.standings(node, CHAIN, "payout")
    assert node.asked
    assert standing.missing == []
    desk.finish()
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
