"""A node's own socket is an endpoint like any other: the same answers, the same mistrust."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pytest

from gateway.chain import checks
from gateway.chain.evm import Evm, at_url
from gateway.chain.pool import Pool
from gateway.chain.port import NodeAway, NodeError
from gateway.deposits.follow import Follower
from tests.chain.money_in import CHAIN, DOLLAR, open_till
from tests.conftest import TestNode, running_anvil

Pieces = list[bytes]


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short name: a socket's path is at most 108 bytes."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def anvil(database: str, redis_url: str, home: Path) -> Iterator[TestNode]:
    with running_anvil(home, "--ipc", str(home / "node.ipc")) as node:
        yield node


def test_a_deposit_is_read_through_the_socket(anvil: TestNode, home: Path) -> None:
    till = open_till(anvil)
    node = at_url(f"ipc:{home / 'node.ipc'}", 31337)
    till.follower = Follower(CHAIN, Pool.of(node))
    till.pay_usdc(till.address(till.account()), 5 * DOLLAR)
    till.mine(4)
    assert till.only().status == "credited"
    assert node.name == str(home / "node.ipc")
    assert node.ask("web3_clientVersion", [], str).startswith("anvil")
    with pytest.raises(NodeError):
        node.ask("eth_nothing", [], Any)
    node.close()


def test_a_real_blocks_filter_has_what_the_block_told(anvil: TestNode, home: Path) -> None:
    till = open_till(anvil)
    till.pay_usdc(bytes([7] * 20), DOLLAR)
    anvil.mine()
    node = at_url(str(home / "node.ipc"))
    head = node.head()
    logs = node.logs(head.hash, [bytes.fromhex(checks.TRANSFER[2:])])
    assert len(checks.checked_logs(head, logs)) == 1
    assert checks.suspicious_silence(head, [], [till.usdc])
    assert not checks.suspicious_silence(head, logs, [till.usdc])
    assert not checks.suspicious_silence(head, logs, [bytes([9] * 20)])
    node.close()


@pytest.fixture
def scripted(home: Path) -> Iterator[Callable[[Pieces], Evm]]:
    """A socket that answers every request with these pieces of bytes, then hangs up."""
    servers: list[socket.socket] = []

    def serve(pieces: Pieces) -> Evm:
        path = str(home / f"{len(servers)}.ipc")
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        servers.append(server)

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    for piece in pieces:
                        connection.sendall(piece)

        Thread(target=answer, daemon=True).start()
        return at_url(path)

    yield serve
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def body(result: Any, place: int = 1) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": place, "result": result}).encode()


def test_a_long_answer_is_put_together(scripted: Callable[[Pieces], Evm]) -> None:
    text = '{"}]' * 100_000
    whole = body(text)
    node = scripted([whole[:10], whole[10 : len(whole) // 2], whole[len(whole) // 2 :], b"\n"])
    assert node.ask("eth_any", [], str) == text


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"<html>no</html>"],
        [body("0x1")[:-5]],
        [body("0x1") + body("0x1")],
        [body("0x1", place=2)],
        [b'{"jsonrpc": "2.0", "id": 1}'],
    ],
    ids=["nothing", "html", "half", "two", "other", "empty"],
)
def test_what_is_no_answer_is_node_away(scripted: Callable[[Pieces], Evm], pieces: Pieces) -> None:
    with pytest.raises(NodeAway) as away:
        scripted(pieces).chain_id()
    assert str(away.value)


def test_a_socket_of_another_chain_or_of_nobody_is_away(
    scripted: Callable[[Pieces], Evm], home: Path
) -> None:
    scripted([body("0x2")])
    with pytest.raises(NodeAway, match="chain 2, not 1"):
        at_url(str(home / "0.ipc"), 1).chain_id()
    with pytest.raises(NodeAway, match="FileNotFoundError"):
        at_url(str(home / "none.ipc")).chain_id()
