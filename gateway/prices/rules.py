"""From what the sources say to a price, or to a refusal. Pure.

The price is the median of every fresh reading, so fewer than half of the sources, whatever they
say, cannot move it out of what the honest ones say. It stands while enough of them, and more than
half, are near it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Literal

Refusal = Literal["rate_source_away", "rate_disagreement", "rate_depegged"]

READ_AGE_MAX = timedelta(seconds=60)
"""What was read longer ago does not count, however fresh the source says that it is."""
CLOCK_SKEW_MAX = timedelta(seconds=60)
"""A source whose time is further ahead of ours is wrong about it, or lies."""
PLAUSIBLE_MIN, PLAUSIBLE_MAX = Decimal("1e-12"), Decimal("1e12")
DIGITS_MAX = 50
EXACT = Context(prec=4 * DIGITS_MAX)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source said: the time it gives, when we read it, and how old that may become."""

    source: str
    rate: Decimal
    said_at: datetime
    read_at: datetime
    age_max: timedelta

    @property
    def fresh_until(self) -> datetime:
        """Until when it counts."""
        return min(self.said_at + self.age_max, self.read_at + READ_AGE_MAX)

    def is_fresh(self, now: datetime) -> bool:
        """True while it counts; what comes from the future does not."""
        return now <= self.fresh_until and self.said_at <= now + CLOCK_SKEW_MAX


@dataclass(frozen=True, slots=True)
class Policy:
    """What makes a price: so many sources, at most so far from their median (a fraction of it).

    With a `pin` that is the price, as long as the market is at most `depeg` from it.
    """

    minimum: int
    spread: Decimal
    pin: Decimal | None = None
    depeg: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A price with who made it and until when it counts, or why there is none.

    It is made of every fresh reading, the `outliers` too: each takes its place in the row whose
    middle counts. Outliers are told of whether there is a price or not.
    """

    rate: Decimal | None
    source: str = ""
    expires_at: datetime | None = None
    refusal: Refusal | None = None
    detail: str | None = None
    made_of: tuple[Reading, ...] = ()
    outliers: tuple[Reading, ...] = ()


def is_plausible(rate: Decimal) -> bool:
    """True for what can be a price at all: finite, positive, written in few digits."""
    if not rate.is_finite() or len(rate.as_tuple().digits) > DIGITS_MAX:
        return False
    return PLAUSIBLE_MIN <= rate <= PLAUSIBLE_MAX


def median(rates: Sequence[Decimal]) -> Decimal:
    """Return the middle of some rates, exactly: of an even number, between the two middle ones."""
    in_order = sorted(rates)
    half = len(in_order) // 2
    if len(in_order) % 2:
        return in_order[half]
    return EXACT.divide(EXACT.add(in_order[half - 1], in_order[half]), Decimal(2))


def near(rate: Decimal, middle: Decimal, part: Decimal) -> bool:
    """True if a rate is at most this part of `middle` away from it."""
    return EXACT.abs(EXACT.subtract(rate, middle)) <= EXACT.multiply(middle, part)


def judge(policy: Policy, readings: Sequence[Reading], now: datetime) -> Verdict:
    """Return the price that the readings make by the policy, or why they make none."""
    fresh = sorted((one for one in readings if one.is_fresh(now)), key=lambda one: one.source)
    if not fresh and policy.minimum == 0 and policy.pin is not None:
        return Verdict(policy.pin, "pinned", now + READ_AGE_MAX)
    if not fresh or len(fresh) < policy.minimum:
        needed = max(policy.minimum, 1)
        return refused("rate_source_away", f"{len(fresh)} of {needed} sources have a fresh rate")
    middle = median([one.rate for one in fresh])
    agreeing = tuple(one for one in fresh if near(one.rate, middle, policy.spread))
    outliers = tuple(one for one in fresh if one not in agreeing)
    if len(agreeing) < max(policy.minimum, len(fresh) // 2 + 1):
        return refused("rate_disagreement", f"too far apart: {said(fresh)}", outliers)
    source = f"median({','.join(one.source for one in fresh)})"
    if policy.pin is not None:
        if not near(middle, policy.pin, policy.depeg):
            pin = f"{policy.pin.normalize():f}"
            detail = f"pinned to {pin}, but the market is elsewhere: {said(fresh)}"
            return refused("rate_depegged", detail, outliers)
        middle, source = policy.pin, f"pinned, {source}"
    expires_at = lasting(agreeing, max(policy.minimum, 1))
    return Verdict(middle, source, expires_at, made_of=tuple(fresh), outliers=outliers)


def lasting(agreeing: Sequence[Reading], needed: int) -> datetime:
    """Return until when so many of the readings stay fresh."""
    return sorted((one.fresh_until for one in agreeing), reverse=True)[needed - 1]


def refused(refusal: Refusal, detail: str, outliers: tuple[Reading, ...] = ()) -> Verdict:
    """Return that there is no price."""
    return Verdict(None, refusal=refusal, detail=detail, outliers=outliers)


def said(readings: Sequence[Reading]) -> str:
    """Return who said what."""
    return ", ".join(f"{one.source} {one.rate.normalize():f}" for one in readings)
