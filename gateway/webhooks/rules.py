"""When to try again, where a webhook may go, which events an endpoint may name. Pure.

Schedule and answers follow Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks).
"""

import ipaddress
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from gateway.errors import Refused
from gateway.internet import Address, allowed

# Seconds between one attempt and the next: ten attempts over three days.
RETRY_SECONDS = (5, 5 * 60, 30 * 60, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.2
RETRY_AFTER_SECONDS_MAX = 86_400
URL_CHARACTERS_MAX = 2_000
EVENT_TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?", re.ASCII)
VISIBLE = re.compile(r"[!-~]+", re.ASCII)


def wait_after(attempts: int, retry_after: float | None, spread: float) -> timedelta | None:
    """Return how long to wait after `attempts` failures, None when the schedule is used up.

    `spread` between 0 and 1 places the attempt within the jitter, so that a receiver which comes
    back is not met by everything at once. The receiver's own Retry-After may only lengthen it.
    """
    if attempts > len(RETRY_SECONDS):
        return None
    seconds = RETRY_SECONDS[attempts - 1] * (1 + JITTER * spread)
    return timedelta(seconds=max(seconds, min(retry_after or 0, RETRY_AFTER_SECONDS_MAX)))


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Read a Retry-After header (RFC 9110 10.2.3): seconds or a date. None when it says nothing."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):  # no date, or one that no calendar reaches
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0)


def check_event_type(text: str) -> str:
    """Return the type or prefix ("invoice.*") if it is one; raises ValueError."""
    if not EVENT_TYPE.fullmatch(text):
        raise ValueError('an event is a type ("invoice.paid") or a prefix ("invoice.*")')
    return text


def check_url(url: str, *, development: bool) -> None:
    """Refuse a URL we would never send to: not https, with a password, or on our own network.

    Names are resolved and checked again at every attempt; this is for the caller's typing mistakes.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise refused("this is not a URL") from error
    if not VISIBLE.fullmatch(url) or len(url) > URL_CHARACTERS_MAX or not host or port == 0:
        raise refused("this is not a URL a webhook can be sent to")
    if parts.username is not None or parts.password is not None:
        raise refused("a URL with a user name or password would be stored and logged")
    if parts.fragment or url.endswith("#"):
        raise refused("a fragment is never sent")
    local = is_loopback_name(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and development and local):
        raise refused("a webhook goes to https (plain http only to loopback, in development)")
    address = literal(host)
    if (local and not development) or (address and not allowed(address, development=development)):
        raise refused("a webhook may not go to a private address")


def refused(detail: str) -> Refused:
    """Return the refusal of a URL."""
    return Refused(detail, code="invalid_url", field="url")


def literal(host: str) -> Address | None:
    """Return the address if the host is one, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_loopback_name(host: str) -> bool:
    """True for localhost and for addresses of this machine."""
    address = literal(host)
    if address is not None:
        return address.is_loopback
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")
