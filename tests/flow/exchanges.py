"""Three exchanges on this machine, which answer in the shape of the real ones, or as they are told.

The answers are cut down from real ones; the numbers are ours.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Write = Callable[[bytes], object]
DRIP_SECONDS = 0.05


@dataclass
class Lie:
    """What is answered in place of a ticker."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drips: bool = False
    hangs: float = 0


class Exchanges:
    """`prices` by exchange in US dollars; `lies` by exchange take their place."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.prices = {"bitstamp": "2001", "coinbase": "2000", "kraken": "1999"}
        self.lies: dict[str, Lie] = {}
        self.asked: list[str] = []

    def answer(self, path: str) -> Lie:
        """Return what the exchange of this path answers."""
        name = exchange_of(path)
        self.asked.append(path)
        return self.lies.get(name) or Lie(TELLERS[name](self.prices[name]))


def exchange_of(path: str) -> str:
    if path.startswith("/v2/exchange-rates?currency="):
        return "coinbase"
    return "kraken" if path.startswith("/0/public/Ticker?pair=") else "bitstamp"


def coinbase(price: str, currency: str = "ETH") -> bytes:
    rates = {"AED": "7345.9", "BTC": "0.0333", "USD": price, "ZAR": "36000.5"}
    return json.dumps({"data": {"currency": currency, "rates": rates}}).encode()


def kraken(price: str, pair: str = "XETHZUSD") -> bytes:
    ticker = {
        "a": [price, "12", "12.000"],
        "b": [price, "3", "3.000"],
        "c": ["1.00000", "0.01"],
        "v": ["1015.1", "20222.4"],
        "p": ["1990.1", "1995.3"],
        "t": [1020, 20333],
        "l": ["1950.0", "1950.0"],
        "h": ["2050.0", "2050.0"],
        "o": "1980.00",
    }
    return json.dumps({"error": [], "result": {pair: ticker}}).encode()


def bitstamp(price: str, at: float | None = None) -> bytes:
    ticker = {
        "timestamp": str(int(at or time.time())),
        "open": "1980.1",
        "high": "2050.0",
        "low": "1950.0",
        "last": "1.0",
        "volume": "1044.2",
        "vwap": "1995.1",
        "bid": price,
        "ask": price,
        "side": "0",
        "open_24": "1981.2",
        "percent_change_24": "1.2",
    }
    return json.dumps(ticker).encode()


TELLERS: dict[str, Callable[[str], bytes]] = {
    "bitstamp": bitstamp,
    "coinbase": coinbase,
    "kraken": kraken,
}


@contextmanager
def exchanges() -> Iterator[Exchanges]:
    """Run them on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lie = street.answer(self.path)
            time.sleep(lie.hangs)
            self.send_response(lie.status)
            length = {} if lie.drips else {"content-length": str(len(lie.body))}
            for name, value in (
                {"content-type": "application/json"} | length | lie.headers
            ).items():
                self.send_header(name, value)
            try:
                self.end_headers()
                if lie.drips:
                    drip(self.wfile.write, lie.body)
                else:
                    self.wfile.write(lie.body)
            except OSError:
                return  # whoever asked has hung up, as the test wants

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    street = Exchanges(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield street
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def drip(write: Write, body: bytes) -> None:
    """Write a byte at a time, slowly."""
    for place in range(len(body)):
        write(body[place : place + 1])
        time.sleep(DRIP_SECONDS)


def closed_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
