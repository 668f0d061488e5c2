"""Ask the sources, keep what they said, make prices of it: a worker does so every few seconds.

Sources are asked side by side and outside of any transaction, each within its own deadline: one
that hangs keeps neither the others nor the tables waiting.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.ids import new_id
from gateway.prices import rules
from gateway.prices.feed import Feed
from gateway.prices.port import Rate, Source, SourceAway
from gateway.prices.store import (
    PricePolicy,
    PriceSource,
    RateQuote,
    RateReading,
    RateState,
    policies,
    sources,
)
from gateway.prices.tickers import TICKERS
from gateway.settings import settings

ASKED_AT_ONCE_MAX = 8
QUOTE_AGE_MAX = timedelta(seconds=60)
"""The same price of the same sources is quoted again after so long, with its new readings."""
PERCENT = Decimal("0.01")
QUOTES_KEPT = timedelta(days=1)
QUOTES_LOOKED_AT = timedelta(days=3)
THIN = text("""
    delete from rate_quote q where q.at < :until and q.at >= :since
        and not exists (select from invoice_option o where o.rate_quote_id = q.id)
        and not exists (select from rate_state s where s.quote_id = q.id)
""")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Said:
    """What a source said now, or why it said nothing."""

    source_id: str
    at: datetime
    rate: Rate | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of an asset's price."""

    asset: str
    currency: str
    verdict: rules.Verdict


def source_of(row: PriceSource) -> Source:
    """Return the source a row names."""
    pair = (row.asset, row.currency)
    if row.kind == "feed":
        assert row.chain is not None, "the table checks it"
        assert row.contract is not None, "the table checks it"
        return Feed(row.name, pair, row.chain, row.contract, row.sequencer)
    assert row.symbol is not None, "the table checks it"
    return TICKERS[row.kind](
        name=row.name,
        pair=pair,
        symbol=row.symbol,
        base_url=row.base_url,
        development=settings().development,
    )


def ask(rows: Sequence[PriceSource]) -> list[Said]:
    """Ask every source at once; one that fails says why, and nothing else."""
    if not rows:
        return []
    with ThreadPoolExecutor(min(len(rows), ASKED_AT_ONCE_MAX)) as pool:
        return list(pool.map(ask_one, rows))


def ask_one(row: PriceSource) -> Said:
    """Ask one source."""
    try:
        rate = source_of(row).rate(row.asset, row.currency)
        error = None if rate else "it does not know the pair"
    except SourceAway as away:
        rate, error = None, away.detail
    except Exception as mistake:  # ours, about one source: the prices of others go on
        log.exception("rate.source_failed", source=row.name, asset=row.asset)
        rate, error = None, f"reading it failed: {type(mistake).__name__}"
    return Said(row.id, datetime.now(UTC), rate, error)


def record(session: Session, said: Sequence[Said]) -> None:
    """Keep what was said; a failure leaves the last good reading to grow old.

    A source that was dropped meanwhile is passed over.
    """
    known = {row.id for row, _ in sources(session)}
    for one in sorted(said, key=lambda each: each.source_id):
        if one.source_id not in known:
            continue
        values: dict[str, Any] = {"tried_at": one.at, "error": one.error, "failing_since": None}
        if one.rate is not None:
            values |= {"rate": one.rate.rate, "said_at": one.rate.at, "read_at": one.at}
        else:
            values["failing_since"] = one.at
        changes = dict(values)
        if one.rate is None:
            since = text("coalesce(rate_reading.failing_since, excluded.failing_since)")
            changes["failing_since"] = since
        session.execute(
            insert(RateReading)
            .values(source_id=one.source_id, **values)
            .on_conflict_do_update(index_elements=[RateReading.source_id], set_=changes)
        )


def settle(session: Session, now: datetime) -> list[Judged]:
    """Judge every asset's readings and say how its price stands; returns the verdicts."""
    readings: dict[tuple[str, str], list[rules.Reading]] = {}
    for source, row in sources(session):
        if row is not None and row.rate is not None:
            pair = (source.asset, source.currency)
            readings.setdefault(pair, []).append(reading_of(source, row))
    found = []
    for policy in policies(session):
        mine = readings.get((policy.asset, policy.currency), [])
        verdict = rules.judge(policy_of(policy), mine, now)
        keep(session, policy, verdict, now)
        found.append(Judged(policy.asset, policy.currency, verdict))
    return found


def reading_of(source: PriceSource, row: RateReading) -> rules.Reading:
    """Return a good reading as the rules read it."""
    assert row.rate is not None, "the caller looked"
    assert row.said_at is not None, "the table checks it"
    assert row.read_at is not None, "the table checks it"
    age_max = timedelta(seconds=source.age_seconds)
    return rules.Reading(source.name, row.rate, row.said_at, row.read_at, age_max)


def policy_of(row: PricePolicy) -> rules.Policy:
    """Return a policy as the rules read it."""
    depeg = (row.depeg_percent or Decimal(0)) * PERCENT
    return rules.Policy(row.minimum, row.spread_percent * PERCENT, row.pin, depeg)


def keep(session: Session, policy: PricePolicy, verdict: rules.Verdict, now: datetime) -> None:
    """Store how a price stands, with a quote where there is a new one."""
    state = session.get(
        RateState, (policy.asset, policy.currency), with_for_update=True, populate_existing=True
    )
    if state is None:
        state = RateState(asset=policy.asset, currency=policy.currency)
    quote = session.get(RateQuote, state.quote_id) if state.quote_id else None
    if verdict.rate is not None and (quote is None or is_new(quote, verdict, now)):
        quote = quoted(policy, verdict.rate, verdict, now)
        session.add(quote)
        session.flush()
    state.quote_id = quote.id if quote else None
    state.expires_at, state.refusal, state.detail = (
        verdict.expires_at,
        verdict.refusal,
        verdict.detail,
    )
    state.judged_at = now
    session.add(state)
    session.flush()
    if verdict.refusal is not None:
        log.warning("rate.refused", asset=policy.asset, refusal=verdict.refusal)


def is_new(quote: RateQuote, verdict: rules.Verdict, now: datetime) -> bool:
    """True where a verdict says something else than the quote, or the quote grew old."""
    same = (quote.rate, quote.source) == (verdict.rate, verdict.source)
    return not same or now - quote.at > QUOTE_AGE_MAX


def quoted(policy: PricePolicy, rate: Decimal, verdict: rules.Verdict, now: datetime) -> RateQuote:
    """Return a quote with the readings it was made of."""
    return RateQuote(
        id=new_id("rate"),
        asset=policy.asset,
        currency=policy.currency,
        rate=rate,
        source=verdict.source,
        at=now,
        readings=[
            {
                "source": one.source,
                "rate": f"{one.rate.normalize():f}",
                "said_at": one.said_at.isoformat(),
                "read_at": one.read_at.isoformat(),
            }
            for one in verdict.made_of
        ],
    )


def thin(session: Session, now: datetime) -> int:
    """Forget day-old quotes that priced no invoice; returns how many."""
    bounds = {"until": now - QUOTES_KEPT, "since": now - QUOTES_LOOKED_AT}
    return len(session.execute(text(f"{THIN} returning q.id"), bounds).all())
