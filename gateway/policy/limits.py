"""Limits by tier: what an account may take out in a day and a month, reserved as it asks.

The reservation is a hold in the ledger that runs out by itself, against an account that can never
be overdrawn: two withdrawals at once cannot both take the last of it.
"""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_UP, Decimal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.errors import DependencyAway, InsufficientFunds
from gateway.ids import new_id
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from gateway.policy.limit_rules import LimitFacts
from gateway.policy.rules import Outgoing
from gateway.policy.store import AccountTier, TierLimit
from gateway.prices import service as prices
from gateway.settings import settings

CENTS = Asset("LIMIT-USD", 2)
WINDOWS = {
    "day": (Chart.LIMIT_DAY, timedelta(hours=24)),
    "month": (Chart.LIMIT_MONTH, timedelta(days=30)),
}
ASKED_TODAY = text("""
    select count(*) from withdrawal where account_id = :account and id <> :id
        and created_at > now() - interval '24 hours'
        and status not in ('rejected', 'cancelled', 'failed')
""")
LIMIT_ACCOUNT = text("select ledger.limit_account(:owner, cast(:code as smallint), :limit)")
LEFT = text(
    "select left_units, frees_at from ledger.limit_left(:owner, cast(:code as smallint), :limit)"
)
RESERVED = text(
    "select h.id from ledger.hold h join ledger.transfer t on t.id = h.id"
    " where t.ref = :ref and t.code = 20 and not h.resolved"
)


def tier_of(session: Session, account_id: str) -> int:
    """Return the tier an account has now; 0 until somebody set another."""
    query = (
        select(AccountTier.tier)
        .where(AccountTier.account_id == account_id, AccountTier.valid_from <= datetime.now(UTC))
        .order_by(AccountTier.valid_from.desc(), AccountTier.id.desc())
    )
    return session.scalar(query.limit(1)) or 0


def limit_of(session: Session, tier: int, kind: str) -> Decimal | None:
    """Return what a tier allows now, None where nobody set it."""
    query = (
        select(TierLimit.amount)
        .where(
            TierLimit.tier == tier,
            TierLimit.kind == kind,
            TierLimit.valid_from <= datetime.now(UTC),
        )
        .order_by(TierLimit.valid_from.desc(), TierLimit.id.desc())
    )
    return session.scalar(query.limit(1))


def gather(session: Session, out: Outgoing) -> LimitFacts:
    """Value a withdrawal, and reserve it in the windows of its account's tier, all or none."""
    tier = tier_of(session, out.account_id)
    given = {window: limit_of(session, tier, window) for window in WINDOWS}
    worth = worth_of(session, out.amount)
    passed = None if worth is None else reserve(session, out, given, worth)
    left, frees_at = room(session, out.account_id, passed) if passed else (None, None)
    count_max = limit_of(session, tier, "count")
    approval = limit_of(session, tier, "approval")
    return LimitFacts(
        tier=tier,
        worth=worth,
        approval_above=Decimal(settings().hold_above_usd) if approval is None else approval,
        limits_needed=not settings().development,
        limits_set=any(limit is not None for limit in given.values()),
        passed=passed,
        left=left,
        frees_at=frees_at,
        count=session.execute(ASKED_TODAY, {"account": out.account_id, "id": out.id}).scalar_one(),
        count_max=None if count_max is None else int(count_max),
    )


def worth_of(session: Session, amount: Money) -> Decimal | None:
    """Return what an amount is worth in US dollars; a price that is away is a fact too."""
    try:
        return prices.worth(session, amount)
    except DependencyAway:
        return None


def reserve(
    session: Session, out: Outgoing, given: dict[str, Decimal | None], worth: Decimal
) -> str | None:
    """Reserve a worth in every window that has a limit; returns the window that has no room."""
    cents = Money(int((worth * 100).to_integral_value(ROUND_UP)), CENTS)
    for window, limit in given.items():
        if limit is None or not cents:
            continue
        account = opened(session, out.account_id, window, limit)
        try:
            with session.begin_nested():
                ledger.hold(
                    session,
                    key=f"limit:{out.id}:{window}",
                    debit=account,
                    credit=ledger.house(session, Chart.LIMITS, CENTS),
                    money=cents,
                    movement=Movement.LIMIT,
                    ref=out.id,
                    expires_at=datetime.now(UTC) + WINDOWS[window][1],
                )
        except InsufficientFunds:
            free(session, out.id)
            return window
    return None


def opened(session: Session, account_id: str, window: str, limit: Decimal) -> int:
    """Return the ledger account of a window with what it allows now; what ran out is free again."""
    account: int = session.execute(LIMIT_ACCOUNT, place(account_id, window, limit)).scalar_one()
    return account


def place(account_id: str, window: str, limit: Decimal) -> dict[str, str | int]:
    """Return a window as the ledger's functions name it."""
    return {"owner": account_id, "code": int(WINDOWS[window][0]), "limit": int(limit * 100)}


def room(session: Session, account_id: str, window: str) -> tuple[Decimal | None, datetime | None]:
    """Return what a window has left, in dollars, and when more is free; None without a limit."""
    limit = limit_of(session, tier_of(session, account_id), window)
    if limit is None:
        return None, None
    found = session.execute(LEFT, place(account_id, window, limit)).one()
    return Decimal(int(found.left_units)) / 100, found.frees_at


def free(session: Session, withdrawal_id: str) -> None:
    """Give back what a withdrawal that was not paid has reserved; what ran out is free already."""
    hold: UUID
    for hold in session.scalars(RESERVED, {"ref": withdrawal_id}).all():
        ledger.release(
            session,
            key=f"limit:{hold}:freed",
            hold_id=hold,
            movement=Movement.LIMIT,
            ref=withdrawal_id,
        )


def set_tier(
    session: Session, *, account_id: str, tier: int, evidence: str, by: str
) -> AccountTier:
    """Say how well an account is known from now on."""
    row = AccountTier(
        id=new_id("atier"),
        account_id=account_id,
        tier=tier,
        evidence=evidence,
        set_by=by,
        valid_from=datetime.now(UTC),
    )
    session.add(row)
    session.flush()
    return row


def set_limit(
    session: Session,
    *,
    tier: int,
    kind: str,
    amount: Decimal,
    by: str,
    valid_from: datetime | None = None,
) -> TierLimit:
    """Say what a tier allows from a moment on; what was before stays on record."""
    row = TierLimit(
        id=new_id("lim"),
        tier=tier,
        kind=kind,
        amount=amount,
        set_by=by,
        valid_from=valid_from or datetime.now(UTC),
    )
    session.add(row)
    session.flush()
    return row
