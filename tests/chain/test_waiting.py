"""Whatever stops a withdrawal: it waits, says why, never fails, and goes on by itself.

Elsewhere: insufficient_hot_funds, node_unreachable and account_frozen in test_payout, signer_limit
in test_signer_limits, signer_unreachable in test_remote_signer, second_approval in test_approved,
signer_refused in test_payout_signer, payout_reverted in test_payout_once, behind_chain in
test_recover.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.pauses import service as pauses
from gateway.screening import service as screening
from gateway.settings import settings
from tests.chain.money_in import CHAIN, DOLLAR, ETH, open_till
from tests.chain.money_out import Desk, assert_paid_once, open_desk
from tests.conftest import TestNode

ALI = bytes([0xB1] * 20)
LIST = b"0x" + b"66" * 20 + b"\n"


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def execute(statement: str) -> None:
    with db.transaction() as session:
        session.execute(text(statement))


def assert_waits_then_goes(
    desk: Desk,
    reason: str,
    mend: Callable[[], object],
    stop: Callable[[], object] = lambda: None,
) -> None:
    """A withdrawal asked for now waits for this reason, and is paid once that is mended."""
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    stop()
    for _ in range(3):
        desk.round()
        assert desk.rows() == [("approved", reason)]
    assert (desk.attempts(), desk.holds(ALI)) == ([], 0)
    mend()
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert desk.row(wd).waiting_reason is None
    assert "failed" not in desk.events(wd)


def test_gas_above_the_ceiling_is_waited_out(desk: Desk) -> None:
    """A block without transactions lowers the price by an eighth, so it ends by itself."""

    def spike() -> None:
        desk.till.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(900 * 10**9))
        desk.till.anvil.mine()

    assert_waits_then_goes(desk, "network_fees_too_high", lambda: None, spike)
    assert int(desk.attempts()[0].cap) <= 1_000 * 10**9


def test_without_an_active_signer_it_waits_for_one(desk: Desk) -> None:
    execute("update signer set active = false where role = 'payout'")
    assert_waits_then_goes(desk, "no_signer", lambda: execute("update signer set active = true"))


def test_a_switch_stops_it_until_it_is_lifted(desk: Desk) -> None:
    with db.transaction() as session:
        placed = pauses.place(
            session, scope="chain", subject=CHAIN, side=None, reason="a drill", by="key_a"
        ).id

    def lift() -> None:
        with db.transaction() as session:
            pauses.lift(session, placed, by="key_b")

    assert_waits_then_goes(desk, "paused_chain", lift)


def load() -> None:
    with db.transaction() as session:
        screening.load(session, source="ours", kind=screening.ADDRESSES, body=LIST)


def test_a_list_too_old_stops_it_until_it_is_fetched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZAN_WATCHLISTS", "ours=/nowhere/list.txt")
    settings.cache_clear()
    load()
    execute("update watchlist_version set confirmed_at = now() - interval '27 hours'")
    assert_waits_then_goes(desk, "watchlist_stale", load)


def test_policy_may_let_it_wait_for_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_COOLING_OFF_HOURS", "24")
    settings.cache_clear()
    began = datetime.now(UTC)

    def later() -> None:
        execute("update withdrawal set not_before = not_before - interval '24 hours'")

    assert_waits_then_goes(desk, "cooling_off", later)
    with db.transaction() as session:
        ended = session.execute(text("select ended_at from withdrawal")).scalar_one()
    assert ended - began < timedelta(hours=1)


def test_a_signer_without_coins_for_gas_is_told_of_and_the_payout_goes_on(desk: Desk) -> None:
    place = "0x" + desk.operator.hex()
    desk.till.anvil.call("anvil_setBalance", place, hex(1))
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    for _ in range(2):
        desk.round()
    assert desk.row(wd).status in ("approved", "sent")
    assert "gas_low" in desk.alarms() or "gas_money" in desk.alarms()
    desk.till.anvil.call("anvil_setBalance", place, hex(100 * 10**18))
    desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert desk.holds(desk.operator, ETH) < 100 * 10**18
