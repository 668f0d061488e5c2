"""A payout by schedule, from its time to the coins on the chain."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.book import service as book
from gateway.money import Money
from gateway.payouts import schedules
from gateway.payouts.rules import Calendar
from gateway.payouts.store import Payout
from tests.chain.money_in import CHAIN, DOLLAR, USDC, open_till
from tests.chain.money_out import Desk, open_desk, role
from tests.conftest import TestNode
from workers.payouts import payouts

ALI = bytes([0xB1] * 20)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def test_a_schedule_sends_what_is_above_its_reserve_once(desk: Desk) -> None:
    account = desk.rich(dollars=500)
    with db.transaction() as session:
        entry = book.add(
            session, account_id=account, chain=CHAIN, address=ALI, label="bank", by="key_a"
        ).id
        plan = schedules.Plan(
            asset="USDC",
            entry_id=entry,
            calendar=Calendar("day", 1, 6),
            minimum=Money(50 * DOLLAR, USDC),
            keep=Money(100 * DOLLAR, USDC),
            active=True,
        )
        row = schedules.put(session, account_id=account, plan=plan, by="key_a")
        row.next_at = datetime.now(UTC)
    desk.pay()  # the chain's fees are heard
    with role("mizan_worker"):
        payouts()
    desk.finish()
    with role("mizan_worker"):
        payouts()
        payouts()
    with db.transaction() as session:
        (row_,) = session.query(Payout)
        told = session.scalars(
            text("select type from event where object_id = :id order by seq"), {"id": row_.id}
        )
        assert list(told) == ["payout.created", "payout.confirmed"]
        assert row_.status == "confirmed"
    assert desk.holds(ALI) == int(row_.amount or 0)
    assert 399 * DOLLAR < desk.holds(ALI) < 400 * DOLLAR
    assert desk.sound()
