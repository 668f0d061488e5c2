"""An answer has an end: one that drips for ever, or never stops, is none."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest

from gateway.chain import wires
from gateway.chain.evm import Evm, at_url
from gateway.chain.port import NodeAway

SECONDS = 0.6
"""The longest that an answer may take in these tests."""
PAUSE_SECONDS = 0.05
BYTES = 100_000
OK = b"HTTP/1.1 200 OK\r\n"
ANSWER = b'{"jsonrpc":"2.0","id":1,"result":"0x1"}'
PART = b" " * 10_000
HANGS_UP = b"connection: close"
CHUNK = b"2710\r\n" + PART + b"\r\n"

Pieces = Callable[[], Iterator[bytes]]
Serve = Callable[[Pieces, float], Evm]


def length(count: int) -> bytes:
    return OK + f"content-length: {count}\r\n\r\n".encode()


def letters(text: bytes) -> Iterator[bytes]:
    return (bytes([one]) for one in text)


CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
DRIPPING: dict[str, Pieces] = {
    "a body": lambda: chain([length(len(PART) + len(ANSWER))], letters(PART + ANSWER)),
    "chunks": lambda: chain([CHUNKED], repeat(b"1\r\n \r\n")),
    "a head": lambda: chain([OK], letters(b"x-head: " + PART)),
    "heads": lambda: repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body without a length": lambda: chain([OK + b"\r\n"], repeat(b" ")),
}
ENDLESS: dict[str, Pieces] = {
    "a length beyond all": lambda: iter([length(1 << 42)]),
    "a long body": lambda: chain([length(20 * len(PART))], repeat(PART, 20)),
    "chunks": lambda: chain([CHUNKED], repeat(CHUNK)),
    "one chunk": lambda: chain([CHUNKED, b"FFFFFFFFFFF\r\n"], repeat(PART)),
    "a body without a length": lambda: chain([OK + b"\r\n"], repeat(PART)),
}


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "ANSWER_SECONDS_MAX", SECONDS)
    monkeypatch.setattr(wires, "ANSWER_BYTES_MAX", BYTES)


def answering(server: socket.socket, pieces: Pieces, pause: float) -> None:
    """Answer each connection's first request piece by piece; hang up, or wait who does."""

    def answer(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            asked = connection.recv(1 << 16)
            while asked and not asked.rstrip().endswith(b"}"):  # what is left unread resets it
                asked = connection.recv(1 << 16)
            for piece in pieces():
                connection.sendall(piece)
                time.sleep(pause)
            if HANGS_UP not in b"".join(islice(pieces(), 1)):
                connection.recv(1)

    def listen() -> None:
        with suppress(OSError):
            while True:
                Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    Thread(target=listen, daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[socket.socket] = []

    def serve(pieces: Pieces, pause: float) -> Evm:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        answering(server, pieces, pause)
        return at_url(f"http://127.0.0.1:{server.getsockname()[1]}")

    yield serve
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def gives_up(node: Evm, why: str) -> None:
    """The node is away, within the time that it has."""
    begun = time.monotonic()
    with pytest.raises(NodeAway, match=why):
        node.chain_id()
    assert time.monotonic() - begun < 4 * SECONDS


@pytest.mark.parametrize("pieces", DRIPPING.values(), ids=DRIPPING)
def test_an_answer_that_drips_is_none(serve: Serve, pieces: Pieces) -> None:
    gives_up(serve(pieces, PAUSE_SECONDS), "TimeoutError")


@pytest.mark.parametrize("pieces", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_an_end_is_none(serve: Serve, pieces: Pieces) -> None:
    gives_up(serve(pieces, 0), "AnswerTooLong")


def test_an_answer_that_is_cut_short_is_none(serve: Serve) -> None:
    node = serve(lambda: iter([OK + b"content-length: 90\r\nconnection: close\r\n\r\n", ANSWER]), 0)
    with pytest.raises(NodeAway):
        node.chain_id()


@pytest.mark.parametrize(
    "pieces",
    [
        [OK + b"connection: close\r\n\r\n", ANSWER],
        [OK + b"connection: close\r\ncontent-length: 39\r\n\r\n", ANSWER],
        [CHUNKED, b"27\r\n", ANSWER, b"\r\n0\r\n\r\n"],
        list(letters(length(len(ANSWER)) + ANSWER)),
    ],
    ids=["until it hangs up", "the last one", "chunks", "letter by letter"],
)
def test_an_answer_is_read_however_it_is_sent(serve: Serve, pieces: list[bytes]) -> None:
    node = serve(lambda: iter(pieces), 0.001)
    assert node.chain_id() == 1
    node.close()


@pytest.mark.parametrize(("pause", "why"), [(PAUSE_SECONDS, "TimeoutError"), (0, "AnswerTooLong")])
def test_a_socket_that_drips_or_never_ends_is_away(pause: float, why: str) -> None:
    with TemporaryDirectory() as home:
        path = str(Path(home) / "node.ipc")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            answering(
                server, lambda: chain([b'{"result":"'], repeat(b"0" if pause else PART)), pause
            )
            gives_up(at_url(path), why)
            server.shutdown(socket.SHUT_RDWR)
