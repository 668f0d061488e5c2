"""Exchanges over HTTP: what they answer is believed only if it is a price."""

import json
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from gateway.prices import fetch
from gateway.prices.port import SourceAway
from gateway.prices.tickers import TICKERS, Ticker
from tests.flow.exchanges import (
    TELLERS,
    Exchanges,
    Lie,
    bitstamp,
    closed_port,
    coinbase,
    exchanges,
    kraken,
)

SYMBOLS = {"bitstamp": "ethusd", "coinbase": "ETH", "kraken": "ETHUSD"}
KINDS = sorted(TICKERS)


@pytest.fixture(scope="module")
def running() -> Iterator[Exchanges]:
    with exchanges() as street:
        yield street


@pytest.fixture
def street(running: Exchanges) -> Exchanges:
    running.lies.clear()
    return running


def ticker(kind: str, base_url: str | None, *, development: bool = True) -> Ticker:
    return TICKERS[kind](
        name=kind,
        pair=("ETH", "USD"),
        symbol=SYMBOLS[kind],
        base_url=base_url,
        development=development,
    )


def asked(kind: str, street: Exchanges, lie: Lie | None = None) -> Decimal:
    """Return what an exchange says the price is."""
    if lie is not None:
        street.lies[kind] = lie
    found = ticker(kind, street.url).rate("ETH", "USD")
    assert found is not None
    assert (found.source, found.at.tzinfo is not None) == (kind, True)
    return found.rate


@pytest.mark.parametrize("kind", KINDS)
def test_each_exchange_is_understood(street: Exchanges, kind: str) -> None:
    assert asked(kind, street) == Decimal(street.prices[kind])
    assert ticker(kind, street.url).rate("USDC", "USD") is None


def test_they_are_asked_where_they_are() -> None:
    urls = [ticker(kind, None).url for kind in KINDS]
    assert urls == [
        "https://www.bitstamp.net/api/v2/ticker/ethusd/",
        "https://api.coinbase.com/v2/exchange-rates?currency=ETH",
        "https://api.kraken.com/0/public/Ticker?pair=ETHUSD",
    ]


def test_the_price_lies_between_bid_and_ask(street: Exchanges) -> None:
    answer = json.loads(kraken("2000"))
    answer["result"]["XETHZUSD"]["a"][0] = "2002"
    assert asked("kraken", street, Lie(json.dumps(answer).encode())) == 2001
    crossed = json.dumps(json.loads(bitstamp("2000")) | {"ask": "1999"}).encode()
    with pytest.raises(SourceAway, match="no market"):
        asked("bitstamp", street, Lie(crossed))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "price",
    ["NaN", "sNaN", "Infinity", "-Infinity", "-2000", "0", "", "2,000", "1e400", "9" * 5000],
)
def test_what_is_no_price_is_not_believed(street: Exchanges, kind: str, price: str) -> None:
    with pytest.raises(SourceAway) as away:
        asked(kind, street, Lie(TELLERS[kind](price)))
    assert away.value.code == "rate_unavailable"


LIES = {
    "html": b"<!doctype html><title>maintenance</title>",
    "half": b'{"data": {"currency": "ETH", "rates": {"USD": "20',
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "deep": b"[" * 100_000,
    "deep inside": b'{"more": ' + b"[" * 100_000,
    "no utf-8": b'{"data": "\xff\xfe"}',
    "no fields": b"{}",
    "wrong types": b'{"data": 1, "error": 2, "result": [], "bid": {}, "ask": 3, "timestamp": []}',
    "bare NaN": b'{"bid": NaN, "ask": NaN, "timestamp": "1"}',
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lie", list(LIES), ids=list(LIES))
def test_what_is_no_ticker_is_not_believed(street: Exchanges, kind: str, lie: str) -> None:
    with pytest.raises(SourceAway):
        asked(kind, street, Lie(LIES[lie]))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("coinbase", coinbase("2000", currency="BTC")),
        ("coinbase", b'{"data": {"currency": "ETH", "rates": {"EUR": "1"}}}'),
        ("kraken", b'{"error": ["EQuery:Unknown asset pair"]}'),
        ("kraken", b'{"error": [], "result": {"A": {"a": [], "b": []}}}'),
        (
            "kraken",
            kraken("2000").replace(b'"result": {', b'"result": {"B": {"a":["1"],"b":["1"]},'),
        ),
        ("bitstamp", bitstamp("2000").replace(b'"timestamp": "', b'"timestamp": "-')),
        ("bitstamp", bitstamp("2000").replace(b'"timestamp": "', b'"timestamp": "99999')),
    ],
)
def test_an_answer_to_another_question_is_none(street: Exchanges, kind: str, body: bytes) -> None:
    with pytest.raises(SourceAway):
        asked(kind, street, Lie(body))


@pytest.mark.parametrize("status", [204, 301, 302, 404, 429, 500, 503])
def test_only_a_200_is_an_answer(street: Exchanges, status: int) -> None:
    lie = Lie(coinbase("1"), status, {"location": f"{street.url}/v2/exchange-rates?currency=ETH"})
    before = len(street.asked)
    with pytest.raises(SourceAway, match=f"answered {status}"):
        asked("coinbase", street, lie)
    assert len(street.asked) == before + 1  # a redirect is not followed


def test_ten_megabytes_are_not_read(street: Exchanges) -> None:
    padded = coinbase("2000")[:-1] + b" " * 10_000_000 + b"}"
    with pytest.raises(SourceAway, match="larger than a ticker"):
        asked("coinbase", street, Lie(padded))


def test_a_packed_answer_is_not_unpacked(street: Exchanges) -> None:
    import gzip

    bomb = gzip.compress(coinbase("2000")[:-1] + b" " * 10_000_000 + b"}")
    with pytest.raises(SourceAway, match="no ticker"):
        asked("coinbase", street, Lie(bomb, headers={"content-encoding": "gzip"}))


def test_one_that_drips_bytes_is_cut_off(
    street: Exchanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "DEADLINE_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(SourceAway):
        asked("kraken", street, Lie(kraken("2000"), drips=True))
    assert time.monotonic() - started < 2


def test_one_that_hangs_is_left(street: Exchanges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "READ_SECONDS", 0.2)
    with pytest.raises(SourceAway, match="ReadTimeout"):
        asked("kraken", street, Lie(kraken("2000"), hangs=0.6))
    with pytest.raises(SourceAway, match="ConnectError"):
        ticker("kraken", f"http://127.0.0.1:{closed_port()}").rate("ETH", "USD")


def test_production_asks_by_https_and_never_its_own_network(street: Exchanges) -> None:
    with pytest.raises(SourceAway, match="https only"):
        ticker("kraken", street.url, development=False).rate("ETH", "USD")
    inside = f"https://127.0.0.1:{street.url.rpartition(':')[2]}"
    with pytest.raises(SourceAway, match="Blocked"):
        ticker("kraken", inside, development=False).rate("ETH", "USD")


def test_a_name_that_leads_inside_is_blocked(street: Exchanges) -> None:
    before = len(street.asked)
    with pytest.raises(SourceAway, match="Blocked"):
        fetch.get(
            f"http://rates.example:{street.url.rpartition(':')[2]}/",
            development=True,
            resolve=lambda *_: ["127.0.0.1", "10.0.0.7"],
        )
    assert len(street.asked) == before


def test_the_next_address_of_a_name_is_tried(street: Exchanges) -> None:
    port = street.url.rpartition(":")[2]
    body = fetch.get(
        f"http://rates.example:{port}/v2/exchange-rates?currency=ETH",
        development=True,
        resolve=lambda *_: ["::1", "127.0.0.1"],  # nobody listens on the first
    )
    assert body == coinbase("2000")
