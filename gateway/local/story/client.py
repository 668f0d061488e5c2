"""What the story is told with: the API, the node, a shop that hears webhooks, a page's forms."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx2
from eth_account import Account
from standardwebhooks import Webhook

STEP_SECONDS_MAX = 60
POLL_SECONDS = 0.25
TRANSFER_SELECTOR = "a9059cbb"
BALANCE_SELECTOR = "70a08231"
BOLD, DIM, GREEN, PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[0m"


def say(text: str) -> None:
    """Print one line of the story."""
    print(f"   {text}", flush=True)


def chapter(number: int, title: str) -> None:
    """Print the heading of a step."""
    print(f"\n{BOLD}{number}. {title}{PLAIN}", flush=True)


def until(what: str, look: Callable[[], Any]) -> Any:
    """Return the first true thing `look` sees; end the story when it takes too long."""
    deadline = time.monotonic() + STEP_SECONDS_MAX
    while time.monotonic() < deadline:
        seen = look()
        if seen:
            return seen
        time.sleep(POLL_SECONDS)
    sys.exit(f"the story stopped: {what} did not happen within {STEP_SECONDS_MAX} s")


class Api:
    """The HTTP contract, with one key."""

    def __init__(self, base_url: str, key: str) -> None:
        self.http = httpx2.Client(
            base_url=base_url, headers={"authorization": f"Bearer {key}"}, timeout=30
        )

    def get(self, path: str, **query: str) -> Any:
        """Return what GET answers."""
        return self.read(self.http.get(path, params=query))

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return what POST answers; every POST is safe to repeat."""
        headers = {"idempotency-key": str(uuid4())}
        return self.read(self.http.post(path, json=body or {}, headers=headers))

    def read(self, answer: httpx2.Response) -> Any:
        """Return the answer, or end the story with the problem it tells."""
        if answer.status_code >= 400:
            sys.exit(f"the story stopped: {answer.request.url.path} said {answer.text}")
        return answer.json()


class Chain:
    """The node, and the faucet's key to sign with."""

    def __init__(self, dev: dict[str, Any]) -> None:
        self.http = httpx2.Client(timeout=30)
        self.url = dev["rpc_url"]
        self.faucet = Account.from_key(dev["faucet_private_key"])
        self.usdc = dev["assets"]["USDC"]["address"]
        self.chain_id = int(dev["chain"].split(":")[1])

    def call(self, method: str, *parameters: Any) -> Any:
        """Return the result of a JSON-RPC call."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = self.http.post(self.url, json=body).json()
        if "result" not in answer:
            sys.exit(f"the story stopped: the node said {answer}")
        return answer["result"]

    def send_usdc(self, to: str, units: int) -> str:
        """Send USDC from the faucet; returns the transaction's hash."""
        data = f"0x{TRANSFER_SELECTOR}{to[2:].lower().zfill(64)}{units:064x}"
        gas_price = int(self.call("eth_gasPrice"), 16)
        signed = self.faucet.sign_transaction(
            {
                "chainId": self.chain_id,
                "nonce": int(
                    self.call("eth_getTransactionCount", self.faucet.address, "pending"), 16
                ),
                "to": self.usdc,
                "data": data,
                "gas": 150_000,
                "maxFeePerGas": gas_price * 3,
                "maxPriorityFeePerGas": min(gas_price, 10**9),
            }
        )
        return str(self.call("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex()))

    def usdc_of(self, address: str) -> int:
        """Return an address's USDC in base units, as the chain has it."""
        data = f"0x{BALANCE_SELECTOR}{address[2:].lower().zfill(64)}"
        return int(self.call("eth_call", {"to": self.usdc, "data": data}, "latest"), 16)


class Shop:
    """The merchant's own server: it hears webhooks and believes only signed ones."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.secret = ""
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                shop.heard.append(Webhook(shop.secret).verify(body, dict(self.headers)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Keep the story's lines together."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the shop listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/webhooks"

    def heard_of(self, type_: str, object_id: str) -> dict[str, Any] | None:
        """Return the event of this type about this object, if it was told."""
        for event in list(self.heard):
            if event["type"] == type_ and event["data"]["id"] == object_id:
                return event
        return None


class Forms(HTMLParser):
    """Where the forms of a page post to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.actions: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a form's action."""
        if tag == "form":
            self.actions.append(dict(attrs).get("action") or "")


@dataclass
class Teller:
    """Everything the chapters share."""

    dev: dict[str, Any]
    operator: Api
    approver: Api
    merchant: Api
    chain: Chain
    shop: Shop
