"""A small HTTP server that signs, in Web3Signer's shape, and can be told to lie or to be silent."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_account import Account

CHAIN_ID = 31337
Asked = dict[str, Any]
Result = Any


@dataclass
class Remote:
    """The server: its keys by address, what it was asked, and how it answers."""

    keys: dict[str, bytes]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[["Remote", Asked], Result] = lambda remote, asked: remote.sign(asked)
    """The result of a call; what it raises becomes the error of the answer."""
    reply: Callable[[Asked, Result], tuple[int, bytes]] | None = None
    """The whole HTTP answer instead: status and body."""

    def sign(self, asked: Asked, key: bytes | None = None, **changes: Any) -> str:
        """Sign what was asked, or what it is changed into; returns the raw bytes."""
        known = key or self.keys.get(asked["from"])
        if known is None:
            raise LookupError("no key for this address")
        names = ("nonce", "gas", "value", "maxFeePerGas", "maxPriorityFeePerGas")
        fields = {
            "type": 2,
            "chainId": CHAIN_ID,
            "to": Account.from_key(known).address if asked["to"] is None else checksum(asked["to"]),
            "data": asked["data"],
            **{name: int(asked[name], 16) for name in names},
            **changes,
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        return "0x" + bytes(Account.sign_transaction(fields, known).raw_transaction).hex()


def checksum(address: str) -> str:
    from gateway.chain.address import show_address

    return show_address(bytes.fromhex(address[2:]))


@contextmanager
def serving(remote: Remote, port: int = 0) -> Iterator[Remote]:
    """Serve until the block ends; `port` 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            call = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, body = replied(remote, call)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    remote.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield remote
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def replied(remote: Remote, call: Asked) -> tuple[int, bytes]:
    assert call["jsonrpc"] == "2.0"
    assert call["method"] == "eth_signTransaction"
    (asked,) = call["params"]
    remote.asked.append(asked)
    head = {"jsonrpc": "2.0", "id": call["id"]}
    try:
        result = remote.answer(remote, asked)
    except LookupError as error:
        return 200, json.dumps(head | {"error": {"code": -32000, "message": str(error)}}).encode()
    if remote.reply is not None:
        return remote.reply(call, result)
    return 200, json.dumps(head | {"result": result}).encode()
