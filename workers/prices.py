"""Read the price sources, make prices of what they say, and call an operator where they fail."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from gateway import db
from gateway.prices import reading
from gateway.prices.store import sources
from gateway.webhooks.alarms import raise_alarm
from workers.app import worker_task

AWAY_AFTER = timedelta(seconds=60)
"""A source that fails once is asked again; one that fails for so long needs a person."""


@worker_task()
def prices() -> None:
    """Ask every source, then store how each asset's price stands."""
    with db.transaction() as session:
        rows = [source for source, _ in sources(session)]
    said = reading.ask(rows)  # no transaction waits for somebody else's server
    with db.transaction() as session:
        reading.record(session, said)
        now = datetime.now(UTC)
        call(session, reading.settle(session, now), now)


@worker_task()
def thin() -> None:
    """Forget quotes that priced nothing."""
    with db.transaction() as session:
        reading.thin(session, datetime.now(UTC))


def call(session: Session, judged: list[reading.Judged], now: datetime) -> None:
    """Raise an alarm for each source that is away or alone with its price, and each refusal."""
    asked = sources(session)
    for source, row in asked:
        if row is not None and row.failing_since and now - row.failing_since >= AWAY_AFTER:
            raise_alarm(
                session,
                kind="rate_source_away",
                subject=f"{source.asset}/{source.currency} {source.name}",
                detail=f"since {row.failing_since:%Y-%m-%d %H:%M:%S} UTC: {row.error}",
            )
    for one in judged:
        pair, verdict = f"{one.asset}/{one.currency}", one.verdict
        for outlier in verdict.outliers:
            raise_alarm(
                session,
                kind="rate_disagreement",
                subject=f"{pair} {outlier.source}",
                detail=f"it says {outlier.rate.normalize():f}, far from the median of all",
            )
        set_up = any(source.asset == one.asset for source, _ in asked)
        if verdict.refusal is not None and set_up:
            raise_alarm(
                session,
                kind="rate_unavailable",
                subject=pair,
                detail=f"no invoice can be paid in {one.asset} now: {verdict.detail}",
            )
