"""When a webhook is tried again, and where it may go."""

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest

from gateway import internet
from gateway.errors import Refused
from gateway.webhooks import rules

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_schedule_is_that_of_standard_webhooks_and_then_ends() -> None:
    waits = [rules.wait_after(attempts, None, 0) for attempts in range(1, 11)]
    assert [wait.total_seconds() for wait in waits if wait] == list(rules.RETRY_SECONDS)
    assert waits[-1] is None


def test_jitter_spreads_and_never_shortens() -> None:
    assert rules.wait_after(2, None, 0) == timedelta(seconds=300)
    assert rules.wait_after(2, None, 1) == timedelta(seconds=360)


def test_retry_after_lengthens_up_to_a_day_and_never_shortens() -> None:
    assert rules.wait_after(1, 60, 0) == timedelta(seconds=60)
    assert rules.wait_after(2, 1, 0) == timedelta(seconds=300)
    assert rules.wait_after(1, 10**9, 0) == timedelta(days=1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120),
        ("9" * 400, 999_999_999),
        ("Mon, 23 Nov 2026 12:01:00 GMT", 60),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("1e400", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Mon, 23 Nov 2026 12:00:00 +99999999999999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert rules.retry_after_seconds(header, NOW) == seconds


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "fe80::1", "fc00::1", "::",
        "ff02::1", "fec0::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2002:0a00:0001::1",
        "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1",
        "64:ff9b:1:fffe::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_private_addresses_are_never_allowed(address: str) -> None:
    found = ipaddress.ip_address(address)
    assert not internet.allowed(found, development=False)
    assert not internet.allowed(found, development=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_allowed_in_development_only(address: str) -> None:
    assert internet.allowed(ipaddress.ip_address(address), development=True)
    assert not internet.allowed(ipaddress.ip_address(address), development=False)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert internet.allowed(ipaddress.ip_address(address), development=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook", "https://user@shop.example/", "https://user:pw@shop.example/",
        "https://10.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://localhost/", "https://a.localhost/",
        "http://127.0.0.1/", "ftp://shop.example/", "shop.example", "https://", "https:///path",
        "https://shop.example:0/", "https://shop.example:99999/", "https://shop.example/#x",
        "https://shop.example/ x", "https://shop.example/\u0661", "https://[::1", "javascript:x",
        f"https://shop.example/{'x' * 2000}",
    ],
)  # fmt: skip
def test_production_refuses_what_is_not_public_https(url: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.check_url(url, development=False)
    assert refused.value.code == "invalid_url"


def test_https_to_a_name_or_a_public_address_is_good() -> None:
    for url in (
        "https://shop.example/hooks?a=1",
        "https://1.1.1.1:8443/",
        "https://xn--fiq.example",
    ):
        rules.check_url(url, development=False)


def test_development_allows_http_to_loopback_alone() -> None:
    for url in ("http://127.0.0.1:9/", "http://localhost:8080/x", "http://[::1]:1/"):
        rules.check_url(url, development=True)
    for url in ("http://shop.example/", "http://10.0.0.1/", "https://192.168.0.1/"):
        with pytest.raises(Refused):
            rules.check_url(url, development=True)


@pytest.mark.parametrize("text", ["*", ".*", "invoice*", "A.paid", "a..b", "", "invoice.", "ؠ.*"])
def test_event_types_are_exact_or_a_prefix(text: str) -> None:
    with pytest.raises(ValueError, match="event"):
        rules.check_event_type(text)


def test_event_types_that_are_good() -> None:
    for text in ("invoice.paid", "invoice.*", "alarm.audit.check_zero", "alarm.audit.*"):
        assert rules.check_event_type(text) == text
