"""Exchanges' public tickers: one small parser each, and nothing believed that is not a price.

Where an exchange tells bid and ask the rate lies between them: a last trade may be old, and one
small trade can be made by anybody.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from gateway.prices import fetch, rules
from gateway.prices.port import Rate, SourceAway

TIMESTAMP_DIGITS_MAX = 12


class Ticker:
    """One pair on one exchange; `symbol` is the exchange's name of it."""

    base: ClassVar[str]
    path: ClassVar[str]
    answer: ClassVar[Any]

    def __init__(
        self,
        *,
        name: str,
        pair: tuple[str, str],
        symbol: str,
        base_url: str | None,
        development: bool,
    ) -> None:
        self.name, self.pair, self.symbol = name, pair, symbol
        self.url = (base_url or self.base).rstrip("/") + self.path.format(symbol)
        self.development = development

    def rate(self, asset: str, currency: str) -> Rate | None:
        """Return the pair's price now, None for another pair; raises SourceAway."""
        if (asset, currency) != self.pair:
            return None
        price, at = self.read(fetch.get(self.url, development=self.development))
        if not rules.is_plausible(price):
            raise SourceAway("what it tells is no price")
        return Rate(asset, currency, price, self.name, at or datetime.now(UTC))

    def read(self, body: bytes) -> tuple[Decimal, datetime | None]:
        """Return the price in an answer, and its time where the exchange tells it."""
        try:
            return self.price(msgspec.json.decode(body, type=self.answer))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise SourceAway("its answer is no ticker") from error

    def price(self, answer: Any) -> tuple[Decimal, datetime | None]:
        """Return the price in a decoded answer; raises SourceAway."""
        raise NotImplementedError


class CoinbaseRates(msgspec.Struct):
    """What one unit of a currency is worth in every other."""

    currency: str
    rates: dict[str, str]


class CoinbaseAnswer(msgspec.Struct):
    """The answer of `GET /v2/exchange-rates`."""

    data: CoinbaseRates


class Coinbase(Ticker):
    """Coinbase's exchange rates (docs.cdp.coinbase.com); the symbol is the asset's: "ETH"."""

    base = "https://api.coinbase.com"
    path = "/v2/exchange-rates?currency={}"
    answer = CoinbaseAnswer

    def price(self, answer: CoinbaseAnswer) -> tuple[Decimal, datetime | None]:
        """Return the rate of the asked currency; an answer about another asset is none."""
        if answer.data.currency != self.symbol or self.pair[1] not in answer.data.rates:
            raise SourceAway("it answers about another pair")
        return number(answer.data.rates[self.pair[1]]), None


class KrakenPair(msgspec.Struct):
    """A pair's ticker: ask and bid as [price, whole lots, lots]."""

    a: list[str]
    b: list[str]


class KrakenAnswer(msgspec.Struct):
    """The answer of `GET /0/public/Ticker`; the pair may come under its longer name."""

    error: list[str]
    result: dict[str, KrakenPair] = {}


class Kraken(Ticker):
    """Kraken's ticker (docs.kraken.com); the symbol is a pair: "ETHUSD"."""

    base = "https://api.kraken.com"
    path = "/0/public/Ticker?pair={}"
    answer = KrakenAnswer

    def price(self, answer: KrakenAnswer) -> tuple[Decimal, datetime | None]:
        """Return the middle of the only pair that was asked for."""
        if answer.error or len(answer.result) != 1:
            raise SourceAway("it does not answer about one pair")
        pair = next(iter(answer.result.values()))
        if not pair.a or not pair.b:
            raise SourceAway("it tells no bid and ask")
        return middle(pair.b[0], pair.a[0]), None


class BitstampAnswer(msgspec.Struct):
    """The answer of `GET /api/v2/ticker/{pair}/`; the time is in Unix seconds."""

    bid: str
    ask: str
    timestamp: str


class Bitstamp(Ticker):
    """Bitstamp's ticker (www.bitstamp.net/api); the symbol is a pair: "ethusd"."""

    base = "https://www.bitstamp.net"
    path = "/api/v2/ticker/{}/"
    answer = BitstampAnswer

    def price(self, answer: BitstampAnswer) -> tuple[Decimal, datetime | None]:
        """Return the middle, and the time Bitstamp gives it."""
        seconds = answer.timestamp
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) < TIMESTAMP_DIGITS_MAX):
            raise SourceAway("it tells no time")
        return middle(answer.bid, answer.ask), datetime.fromtimestamp(int(seconds), UTC)


TICKERS: dict[str, type[Ticker]] = {"bitstamp": Bitstamp, "coinbase": Coinbase, "kraken": Kraken}


def middle(bid: str, ask: str) -> Decimal:
    """Return what lies between bid and ask; raises SourceAway where they are no market."""
    low, high = number(bid), number(ask)
    if not (rules.is_plausible(low) and rules.is_plausible(high)) or low > high:
        raise SourceAway("its bid and ask are no market")
    return rules.median([low, high])


def number(text: str) -> Decimal:
    """Read a number of an answer; raises SourceAway."""
    try:
        return Decimal(text)
    except ArithmeticError as error:
        raise SourceAway("what it tells is no number") from error
