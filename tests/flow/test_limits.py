"""Limits by tier: exactly the limit passes, whoever asks at once, and it comes back with time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from gateway import db
from gateway.policy import limits
from gateway.settings import settings
from gateway.withdrawals import service
from tests.flow.books import assert_proofs_are_empty
from tests.flow.outgoing import DOLLAR, ask, chain_rows, rich


@pytest.fixture
def account(database: str, redis_url: str) -> str:
    with db.transaction() as session:
        chain_rows(session)
        return rich(session)


def allow(kind: str, dollars: int, tier: int = 0, since: datetime | None = None) -> None:
    with db.transaction() as session:
        limits.set_limit(
            session, tier=tier, kind=kind, amount=Decimal(dollars), by="key_a", valid_from=since
        )


def asked(account: str, dollars: int) -> tuple[str, str]:
    """Ask for a withdrawal; returns its id, and its status with the reason if there is one."""
    with db.transaction() as session:
        row = ask(session, account, dollars * DOLLAR)
        reason = row.failure_reason or row.held_reason
        return row.id, row.status if reason is None else f"{row.status} {reason}"


def left(account: str, window: str) -> Decimal | None:
    with db.transaction() as session:
        return limits.room(session, account, window)[0]


def test_of_fifty_at_once_exactly_the_limit_passes(account: str) -> None:
    allow("day", 100)
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: asked(account, 7)[1], range(50)))
    assert sorted(set(found)) == ["approved", "rejected over_limit"]
    assert found.count("approved") == 14
    assert left(account, "day") == 2
    with db.transaction() as session:
        assert_proofs_are_empty(session)


def test_what_is_not_paid_gives_its_part_back(account: str) -> None:
    allow("day", 100)
    allow("month", 100)
    first, _ = asked(account, 100)
    assert asked(account, 1)[1] == "rejected over_limit"
    with db.transaction() as session:
        service.cancel(session, first)
    assert [left(account, "day"), left(account, "month")] == [100, 100]
    assert asked(account, 100)[1] == "approved"


def test_what_the_month_refuses_is_not_taken_from_the_day(account: str) -> None:
    allow("day", 100)
    allow("month", 50)
    assert asked(account, 60)[1] == "rejected over_limit"
    assert [left(account, "day"), left(account, "month")] == [100, 50]


def test_a_day_later_the_limit_is_there_again(account: str) -> None:
    allow("day", 100)
    paid, _ = asked(account, 100)
    with db.transaction() as session:
        row = service.get(session, asked(account, 1)[0])
        assert row.failure_detail is not None
        assert row.failure_detail.startswith("0.00 USD are left of the day's limit, more from ")
        session.execute(text("update ledger.hold set expires_at = now() where remaining = 10000"))
    assert asked(account, 100)[1] == "approved"
    with db.transaction() as session:
        service.cancel(session, paid)  # its part ran out before: nothing is given back twice
        assert_proofs_are_empty(session)
    assert left(account, "day") == 0


def test_a_higher_tier_allows_more_and_a_lower_limit_counts_at_once(account: str) -> None:
    allow("day", 10)
    allow("day", 50, tier=1)
    assert asked(account, 20)[1] == "rejected over_limit"
    with db.transaction() as session:
        limits.set_tier(session, account_id=account, tier=1, evidence="passport", by="key_a")
    assert asked(account, 20)[1] == "approved"
    allow("day", 15, tier=1)
    assert left(account, "day") == 0
    assert asked(account, 1)[1] == "rejected over_limit"


def test_a_limit_counts_from_its_day_on(account: str) -> None:
    allow("day", 10, since=datetime.now(UTC) + timedelta(days=1))
    assert asked(account, 20)[1] == "approved"


def test_too_many_a_day_are_held(account: str) -> None:
    allow("count", 2)
    found = [asked(account, 1)[1] for _ in range(3)]
    assert found == ["approved", "approved", "held too_many_today"]


def test_a_tier_may_need_approval_earlier(account: str) -> None:
    allow("approval", 10)
    assert [asked(account, n)[1] for n in (10, 11)] == ["approved", "held above_limit"]


def test_production_lets_nothing_go_while_no_limit_is_set(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZAN_ENV", "production")
    monkeypatch.setenv("MIZAN_BASE_URL", "https://pay.example")
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "USDC=1 ETH=2000")
    settings.cache_clear()
    assert asked(account, 1)[1] == "held no_limit_set"
    allow("day", 10)
    assert asked(account, 1)[1] == "approved"


def test_tiers_and_limits_are_never_changed(account: str) -> None:
    allow("day", 10)
    with pytest.raises(Exception, match="append-only"), db.transaction() as session:
        session.execute(text("update tier_limit set amount = 99"))
