"""When a schedule is due, and how much goes. Pure.

A time of a schedule is named by its moment, so the same time is the same payout whoever asks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gateway.errors import Refused
from gateway.money import Money

Every = Literal["day", "week", "month"]
WAITING, SKIPPED, PENDING = "waiting", "skipped", "pending"
ENDED = ("confirmed", "failed", "rejected", "cancelled")
RETRY = timedelta(minutes=1)
LAST_DAY = {"day": 1, "week": 7, "month": 28}
"""The greatest `day` of each: a weekday from Monday, or a day that every month has."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """At `hour` UTC every day, on a weekday (1 is Monday), or on a day of the month."""

    every: Every
    day: int
    hour: int


def check_day(every: Every, day: int) -> None:
    """Raise Refused for a day that not every week or month has."""
    if not 1 <= day <= LAST_DAY[every]:
        raise Refused(
            f"of a {every} the day is 1 to {LAST_DAY[every]}", code="invalid_day", field="day"
        )


def last_due(calendar: Calendar, now: datetime) -> datetime:
    """Return the newest time of the calendar that is not after `now` (UTC)."""
    today = now.replace(hour=calendar.hour, minute=0, second=0, microsecond=0)
    back = 0
    while not fits(calendar, today - timedelta(days=back)) or today - timedelta(days=back) > now:
        back += 1
    return today - timedelta(days=back)


def next_due(calendar: Calendar, now: datetime) -> datetime:
    """Return the first time of the calendar after `now` (UTC)."""
    moment = last_due(calendar, now) + timedelta(days=1)
    while not fits(calendar, moment):
        moment += timedelta(days=1)
    return moment


def fits(calendar: Calendar, moment: datetime) -> bool:
    """True if the calendar names this moment's day."""
    if calendar.every == "week":
        return moment.isoweekday() == calendar.day
    return calendar.every == "day" or moment.day == calendar.day


def whole(*, available: Money, keep: Money, fee: Money, minimum: Money, step: int) -> Money:
    """Return what a payout of everything sends: what is left of `keep` and the fee.

    In multiples of `step`, the least that the chain expresses. Raises Refused when it is nothing,
    less than its own fee, or less than `minimum`.
    """
    left = available.units - keep.units - fee.units
    amount = Money(max(left, 0) // step * step, available.asset)
    if not amount:
        raise Refused(
            f"of {available} {available.asset.code} nothing is left above {keep} and the fee",
            code="nothing_to_pay_out",
        )
    if amount < fee:
        raise Refused(f"{amount} is less than its fee of {fee}", code="amount_below_fee")
    if amount < minimum:
        raise Refused(f"{amount} is less than the minimum of {minimum}", code="below_minimum")
    return amount


def status(stored: str, withdrawal: str | None) -> str:
    """Return a payout's status from its own and its withdrawal's: an end is told at once."""
    return withdrawal if stored == PENDING and withdrawal in ENDED else stored
