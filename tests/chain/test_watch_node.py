"""The node's client: a node that is away, of another chain, or that answers nonsense."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from gateway.chain.evm import Evm, at_url
from gateway.chain.port import NodeAway, NodeError
from tests.chain.money_in import Till, open_till
from tests.conftest import TestNode

Answer = Callable[[Any], bytes | None]


class Script:
    """An endpoint that answers what the test says; None drops the connection."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.answer: Answer = result("0x1")
        self.status = 200


def result(value: Any) -> Answer:
    return lambda call: json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": value}).encode()


def once_dropped(then: Answer) -> Answer:
    dropped: list[bool] = []

    def answer(call: Any) -> bytes | None:
        if dropped:
            return then(call)
        dropped.append(True)
        return None

    return answer


@pytest.fixture
def script() -> Iterator[tuple[Script, str]]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            call = json.loads(self.rfile.read(int(self.headers["content-length"])))
            script.calls.append(call)
            body = script.answer(call)
            if body is None:
                self.close_connection = True
                return
            self.send_response(script.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield script, f"http://127.0.0.1:{server.server_address[1]}/key"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def node(script: tuple[Script, str]) -> Iterator[Evm]:
    opened = at_url(script[1])
    yield opened
    opened.endpoint.close()


def test_a_dropped_connection_is_opened_again_once(script: tuple[Script, str], node: Evm) -> None:
    assert node.chain_id() == 1
    script[0].answer = once_dropped(result("0x2"))
    assert node.chain_id() == 2
    assert len(script[0].calls) == 3


def test_a_node_that_drops_every_connection_is_away(script: tuple[Script, str], node: Evm) -> None:
    node.chain_id()
    script[0].answer = lambda _: None
    with pytest.raises(NodeAway):
        node.chain_id()
    assert len(script[0].calls) == 3


def test_a_node_of_another_chain_is_refused_on_every_new_connection(
    script: tuple[Script, str],
) -> None:
    ours = at_url(script[1], 1)
    assert ours.chain_id() == 1
    script[0].answer = result("0x2")
    ours.endpoint.close()
    with pytest.raises(NodeAway, match="chain 2, not 1"):
        ours.head()


def test_nobody_at_home_is_node_away() -> None:
    with pytest.raises(NodeAway):
        at_url("http://127.0.0.1:1").head()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"result": 5}', b'{"result": null}'])
def test_nonsense_is_node_away(script: tuple[Script, str], node: Evm, body: bytes) -> None:
    script[0].answer = lambda _: body
    with pytest.raises(NodeAway):
        node.head()


def test_a_gateway_in_between_that_fails_is_node_away(
    script: tuple[Script, str], node: Evm
) -> None:
    script[0].status, script[0].answer = 502, lambda _: b"bad gateway"
    with pytest.raises(NodeAway, match="502"):
        node.head()


def test_a_refusal_tells_code_message_and_revert_data(
    script: tuple[Script, str], node: Evm
) -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0x08c379a0"}
    script[0].answer = lambda call: json.dumps({"id": call["id"], "error": error}).encode()
    with pytest.raises(NodeError) as refused:
        node.call(bytes(20), b"")
    assert (refused.value.rpc_code, refused.value.data) == (3, "0x08c379a0")


def test_a_batch_is_put_in_order_and_must_be_whole(script: tuple[Script, str], node: Evm) -> None:
    def turned(calls: Any) -> bytes:
        answers = [{"id": call["id"], "result": hex(call["id"])} for call in calls]
        return json.dumps(answers[::-1]).encode()

    script[0].answer = turned
    assert node.balances([bytes(20)] * 3, None, bytes(32)) == [0, 1, 2]
    script[0].answer = lambda calls: turned(calls[:2])
    with pytest.raises(NodeAway, match="2 of 3"):
        node.balances([bytes(20)] * 3, None, bytes(32))


def test_an_address_without_code_is_no_token(anvil: TestNode) -> None:
    node = at_url(f"http://127.0.0.1:{anvil.port}")
    with pytest.raises(NodeAway, match="token"):
        node.token_balance(bytes([7] * 20), bytes(20))


def test_balances_are_those_of_one_block(anvil: TestNode, redis_url: str) -> None:
    till: Till = open_till(anvil)
    to = bytes([6] * 20)
    till.pay_usdc(to, 5)
    anvil.mine()
    first = till.node.head().hash
    till.pay_usdc(to, 6)
    anvil.mine()
    assert till.node.balances([to, bytes([7] * 20)], till.usdc, first) == [5, 0]
    assert till.node.balances([to], till.usdc, till.node.head().hash) == [11]
    anvil.reorg(2)
    with pytest.raises(NodeError):
        till.node.balances([to], till.usdc, first)
