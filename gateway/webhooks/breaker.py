"""When an endpoint is left alone: a dead one costs a probe now and then, and nothing else. Pure.

Failures are counted over objects: one object that its receiver cannot take says little about the
endpoint, and is spaced by its own schedule. A receiver that names a time by 429 or 503 with
Retry-After is left alone until then.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

OPENS_AT = 5
"""Failures of different objects, one after the other and no good answer between, that open it."""
PROBE_SECONDS = (5, 15, 60, 300)
DISABLED_AFTER = timedelta(days=5)
THROTTLING = (429, 503)
THROTTLED_SECONDS_MAX = 3_600
JITTER = 0.2

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an endpoint from its answers."""

    streak: int = 0
    failed_object: str | None = None
    failing_since: datetime | None = None
    probe_at: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None


def after_good(standing: Standing, now: datetime) -> Standing:
    """Return the standing after a 2xx: all is forgiven."""
    return Standing(last_success_at=now, last_failure_at=standing.last_failure_at)


def after_bad(
    standing: Standing,
    *,
    object_id: str,
    now: datetime,
    status: int | None,
    retry_after: float | None,
    spread: float,
) -> Standing:
    """Return the standing after a failure; `spread`, 0 to 1, places a probe in its jitter."""
    streak = standing.streak + (object_id != standing.failed_object)
    seconds = 0.0
    if streak >= OPENS_AT:
        probes = streak - OPENS_AT
        seconds = PROBE_SECONDS[min(probes, len(PROBE_SECONDS) - 1)] * (1 + JITTER * spread)
    if status in THROTTLING and retry_after is not None:
        seconds = max(seconds, min(retry_after, THROTTLED_SECONDS_MAX))
    return replace(
        standing,
        streak=streak,
        failed_object=object_id,
        failing_since=standing.failing_since or now,
        probe_at=now + timedelta(seconds=seconds) if seconds else standing.probe_at,
        last_failure_at=now,
    )


def is_dead(standing: Standing, now: datetime) -> bool:
    """True once an endpoint took nothing for DISABLED_AFTER, whatever it was sent."""
    if standing.failing_since is None or standing.streak < OPENS_AT:
        return False
    return now - standing.failing_since >= DISABLED_AFTER


def state(probe_at: datetime | None, now: datetime) -> State:
    """Return what the breaker lets through: everything, nothing yet, or one at a time."""
    if probe_at is None:
        return "closed"
    return "open" if probe_at > now else "half_open"
