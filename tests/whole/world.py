"""What a client of the whole system has: the HTTP contract, a node, a place to hear webhooks.

Nothing here imports the application: it sees what any client sees.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx2
from eth_account import Account
from standardwebhooks import Webhook

Seen = TypeVar("Seen")

TRANSFER_CALL = "a9059cbb"  # transfer(address,uint256)
BALANCE_CALL = "70a08231"  # balanceOf(address)
TRANSFER_LOG = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
DECIMALS = {"USDC": 6, "ETH": 18}
GWEI = 10**9
POLL_SECONDS = 0.2
ANSWER_SECONDS = 20.0
# What a client repeats: the server did not get to the request, or is still at it.
REPEATED = frozenset({429, 503})


def eventually(what: str, look: Callable[[], Seen], seconds: float = 60.0) -> Seen:
    """Return the first true thing `look` sees; fail when even a slow machine would have it."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s, last seen {seen!r}")
        time.sleep(POLL_SECONDS)


def decimal(units: int, asset: str) -> str:
    """Write base units as the API takes them."""
    places = DECIMALS[asset]
    whole, part = divmod(units, 10**places)
    return f"{whole}.{part:0{places}d}".rstrip("0").rstrip(".")


def units(amount: str, asset: str) -> int:
    """Read an amount of the API as base units."""
    whole, _, part = amount.partition(".")
    return int(whole + part.ljust(DECIMALS[asset], "0"))


class Api:
    """One key's view of the API. What a fault swallows is asked again, under the same key."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url, self.key = base_url, key
        self.http = httpx2.Client(
            base_url=base_url,
            headers={"authorization": f"Bearer {key}"},
            timeout=ANSWER_SECONDS,
            trust_env=False,
        )
        self.crashes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        seconds: float = 60.0,
        **query: Any,
    ) -> httpx2.Response:
        """Repeat a request until it is answered; a POST keeps its Idempotency-Key."""
        headers = {"idempotency-key": str(uuid4())} if method == "POST" else {}
        deadline = time.monotonic() + seconds
        while True:
            answer = self.once(method, path, body, headers, query)
            if answer is not None and not self.in_progress(answer):
                return answer
            assert time.monotonic() < deadline, f"{method} {path} is not answered: {answer}"
            time.sleep(POLL_SECONDS)

    def once(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
        query: dict[str, Any],
    ) -> httpx2.Response | None:
        """Ask once; None when nobody answered. Remember answers that no fault excuses."""
        try:
            answer = self.http.request(method, path, json=body, headers=headers, params=query)
        except httpx2.HTTPError:
            return None
        if answer.status_code >= 400:
            is_problem = answer.headers["content-type"].startswith("application/problem+json")
            if answer.status_code == 500 or not is_problem:
                self.crashes.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    @staticmethod
    def in_progress(answer: httpx2.Response) -> bool:
        """True when the same request is to be sent again."""
        running = answer.status_code == 409 and answer.json()["code"] == "request_in_progress"
        return running or answer.status_code in REPEATED

    def get(self, path: str, **query: Any) -> Any:
        """Return what GET answers."""
        return self.good(self.ask("GET", path, **query))

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return what POST answers."""
        return self.good(self.ask("POST", path, body or {}))

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Return a whole list, page after page."""
        rows: list[dict[str, Any]] = []
        while True:
            cursor = {"starting_after": rows[-1]["id"]} if rows else {}
            page = self.get(path, limit=100, **query, **cursor)
            rows += page["data"]
            if not page["has_more"]:
                return rows

    @staticmethod
    def good(answer: httpx2.Response) -> Any:
        """Return the body of a success."""
        assert answer.status_code < 400, f"{answer.request.url}: {answer.text}"
        return answer.json()

    def account(self, name: str, kind: str = "person") -> str:
        """Open an account under a handle nobody has; returns its id."""
        handle = f"{name}-{uuid4().hex[:8]}"
        return str(self.post("/v1/accounts", {"handle": handle, "kind": kind})["id"])

    def balance(self, account: str, asset: str) -> dict[str, str]:
        """Return an account's amounts in one asset."""
        rows = self.get(f"/v1/accounts/{account}/balances")["data"]
        found: dict[str, str] = next(row for row in rows if row["asset"] == asset)
        return found


class NodeAway(Exception):
    """The node did not answer."""


class NodeRefused(Exception):
    """The node answered with an error."""


class Chain:
    """The node, asked directly, and the faucet's key to sign with."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.http = httpx2.Client(timeout=ANSWER_SECONDS, trust_env=False)
        self.url = facts["rpc_url"]
        self.id = facts["chain"]
        self.number = int(self.id.split(":")[1])
        self.usdc = facts["assets"]["USDC"]["address"]
        self.faucet = Account.from_key(facts["faucet_private_key"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def call(self, method: str, *parameters: Any) -> Any:
        """Return the result of a JSON-RPC call."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        try:
            answer = self.http.post(self.url, json=body).json()
        except (httpx2.HTTPError, ValueError) as error:
            raise NodeAway(method) from error
        if "result" not in answer:
            raise NodeRefused(str(answer["error"]))
        return answer["result"]

    def head(self) -> int:
        """Return the number of the newest block."""
        return int(self.call("eth_blockNumber"), 16)

    def send(self, to: str, asset: str, amount: int) -> str:
        """Send from the faucet; returns the transaction's hash."""
        price = int(self.call("eth_gasPrice"), 16)
        nonce = int(self.call("eth_getTransactionCount", self.faucet.address, "pending"), 16)
        data = f"0x{TRANSFER_CALL}{to[2:].lower().zfill(64)}{amount:064x}"
        target = {"to": self.usdc, "data": data, "gas": 150_000}
        if asset == "ETH":
            target = {"to": to, "value": amount, "gas": 21_000}
        fees = {"maxFeePerGas": price * 3, "maxPriorityFeePerGas": min(price, GWEI)}
        signed = self.faucet.sign_transaction(
            {"chainId": self.number, "nonce": nonce, **target, **fees}
        )
        return str(self.call("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex()))

    def held(self, address: str, asset: str) -> int:
        """Return what an address has, in base units."""
        if asset == "ETH":
            return int(self.call("eth_getBalance", address, "latest"), 16)
        data = f"0x{BALANCE_CALL}{address[2:].lower().zfill(64)}"
        return int(self.call("eth_call", {"to": self.usdc, "data": data}, "latest"), 16)

    def payments(self, addresses: set[str], start: int) -> dict[tuple[str, str], tuple[str, int]]:
        """Return what the chain as it is now paid to the addresses, by (transaction, asset)."""
        wanted = {address.lower() for address in addresses}
        head = self.head()
        found: dict[tuple[str, str], tuple[str, int]] = {}
        span = {"fromBlock": hex(start), "toBlock": hex(head)}
        query = {**span, "address": self.usdc, "topics": [TRANSFER_LOG]}
        for log in self.call("eth_getLogs", query):
            to = "0x" + log["topics"][2][-40:]
            if to in wanted:
                found[log["transactionHash"], "USDC"] = (to, int(log["data"], 16))
        for number in range(start, head + 1):
            for sent in self.call("eth_getBlockByNumber", hex(number), True)["transactions"]:
                to, value = (sent["to"] or "").lower(), int(sent["value"], 16)
                if to in wanted and value:
                    found[sent["hash"], "ETH"] = (to, value)
        return found


class Receiver:
    """A server that hears webhooks, believes only signed ones and keeps each event once."""

    def __init__(self) -> None:
        self.secret = ""
        self.events: dict[str, dict[str, Any]] = {}
        self.forged: list[str] = []
        self.times: dict[str, int] = defaultdict(int)
        self._lock = Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(204 if receiver.hear(body, dict(self.headers)) else 400)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def hear(self, body: bytes, headers: dict[str, str]) -> bool:
        """Take an event in, if its signature is good and it is the one its id named before."""
        with self._lock:
            try:
                event = Webhook(self.secret).verify(body, headers)
            except Exception as error:  # whatever is wrong with it, it is not believed
                self.forged.append(repr(error))
                return False
            known = self.events.setdefault(event["id"], event)
            self.times[event["id"]] += 1
            if known != event or headers.get("webhook-id", event["id"]) != event["id"]:
                self.forged.append(f"{event['id']} says two things")
            return True

    def heard(self, type_: str) -> set[str]:
        """Return the ids of the events of a type."""
        with self._lock:
            return {key for key, event in self.events.items() if event["type"] == type_}


@contextmanager
def listening(api: Api) -> Iterator[Receiver]:
    """Give a registered receiver; what the key sees is told to it."""
    receiver = Receiver()
    endpoint = api.post("/v1/webhook_endpoints", {"url": receiver.url})
    receiver.secret = endpoint["secret"]
    try:
        yield receiver
    finally:
        api.ask("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}")
        receiver.server.shutdown()
        receiver.server.server_close()
