"""Sending one webhook to receivers that hang, lie, flood, hang up or are somebody else."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway import outbound
from gateway.outbound import Resolve
from gateway.webhooks import sending
from gateway.webhooks.sending import Answer, Line
from tests.flow.wire import GOOD, some, wire
from tests.looping import in_a_loop

Read = Callable[[], bytes]


def send(*urls: str, resolve: Resolve = outbound.resolve, pause: float = 0) -> list[Answer]:
    """Send to one after the other over the connections of one line."""

    async def each() -> list[Answer]:
        line = Line(development=True, resolve=resolve)
        try:
            answers = []
            for url in urls:
                answers.append(await line.send(url, '{"id":"evt_1"}', {"webhook-id": "evt_1"}))
                await asyncio.sleep(pause)
            return answers
        finally:
            await line.close()

    return in_a_loop(each())


def polite(connection: socket.socket, read: Read) -> None:
    while True:
        read()
        connection.sendall(GOOD)


def test_a_connection_is_kept_for_the_next_webhook() -> None:
    with wire(polite) as end:
        assert [answer.good for answer in send(end.url, end.url, end.url)] == [True] * 3
        assert [len(heads) for heads in end.heads] == [3]


def test_a_kept_connection_serves_no_other_name_at_its_address() -> None:
    with wire(polite) as end:
        urls = [f"http://{name}.example:{end.port}/" for name in ("one", "two", "one")]
        assert all(answer.good for answer in send(*urls, resolve=lambda *_: ["127.0.0.1"]))
        hosts = [
            [head.lower().partition(b"host: ")[2].partition(b":")[0] for head in heads]
            for heads in end.heads
        ]
    assert hosts == [[b"one.example", b"one.example"], [b"two.example"]]


def test_a_name_that_is_bound_again_to_our_own_network_is_refused_though_a_connection_is_kept() -> (
    None
):
    bound = iter([["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::ffff:192.168.0.1"]])
    with wire(polite) as end:
        url = f"http://shop.example:{end.port}/"
        first, *later = send(*[url] * 4, resolve=lambda *_: next(bound))
        assert [len(heads) for heads in end.heads] == [1]
    assert first.good
    assert {answer.error for answer in later} == {"the host has an address that may not be called"}


def test_a_kept_connection_that_was_closed_meanwhile_costs_no_attempt() -> None:
    def one_each(connection: socket.socket, read: Read) -> None:
        read()
        connection.sendall(GOOD)
        if len(end.heads) == 1:
            read()  # the second request comes, and the connection ends without an answer

    with wire(one_each) as end:
        assert [answer.good for answer in send(end.url, end.url)] == [True, True]
        assert [len(heads) for heads in end.heads] == [2, 1]


def test_a_fresh_connection_that_ends_without_an_answer_is_one_failure() -> None:
    def rude(connection: socket.socket, read: Read) -> None:
        read()

    with wire(rude) as end:
        (answer,) = send(end.url)
        assert [len(heads) for heads in end.heads] == [1]
    assert answer.status is None
    assert answer.error is not None
    assert "disconnected" in answer.error


def test_of_ten_megabytes_four_kilobytes_are_read() -> None:
    sent = []

    def flood(connection: socket.socket, read: Read) -> None:
        read()
        connection.sendall(b"HTTP/1.1 500 Oops\r\ncontent-length: 10485760\r\n\r\n")
        for _ in range(160):
            connection.sendall(b"x" * 65_536)
            sent.append(65_536)

    with wire(flood) as end:
        (answer,) = send(end.url)
    assert (answer.status, answer.error) == (500, "HTTP 500")
    assert answer.body == "x" * sending.RESPONSE_BYTES_MAX
    assert sum(sent) < 10_485_760


@pytest.mark.parametrize(
    "piece",
    [b"x: " + b"y" * 65_000 + b"\r\n", b"y" * 65_536, b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["headers", "no line end", "continue"],
)
def test_endless_headers_end(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "DEADLINE_SECONDS", 2.0)

    def endless(connection: socket.socket, read: Read) -> None:
        read()
        connection.sendall(b"HTTP/1.1 200 OK\r\n" if b"100" not in piece else b"")
        while True:
            connection.sendall(piece)

    started = time.monotonic()
    with wire(endless) as end:
        (answer,) = send(end.url)
    assert not answer.good
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    "lie",
    [
        b"\x00\xff" * 50,
        b"HTTP/1.1 99999 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -4\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_failure(lie: bytes) -> None:
    def liar(connection: socket.socket, read: Read) -> None:
        read()
        connection.sendall(lie)

    with wire(liar) as end:
        (answer,) = send(end.url)
    assert not answer.good
    assert answer.error


def test_headers_that_come_back_are_kept_few_short_and_storable() -> None:
    def chatty(connection: socket.socket, read: Read) -> None:
        read()
        fields = b"".join(b"x-%d: %s\r\n" % (n, b"\xff" * 2_000) for n in range(45))
        connection.sendall(b"HTTP/1.1 204 Fine\r\n" + fields + b"\r\n")

    with wire(chatty) as end:
        (answer,) = send(end.url)
    assert answer.headers is not None
    assert len(answer.headers) == sending.RESPONSE_HEADERS_MAX
    assert max(map(len, answer.headers.values())) == sending.HEADER_CHARACTERS_MAX
    assert "".join(answer.headers.values()).encode()


@pytest.mark.parametrize("limit", ["READ_SECONDS", "DEADLINE_SECONDS"])
def test_a_receiver_that_hangs_is_left(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, limit, 0.3)
    with wire(hang) as end:
        started = time.monotonic()
        (answer,) = send(end.url)
    assert answer.error is not None
    assert time.monotonic() - started < 2


def hang(connection: socket.socket, read: Read) -> None:
    read()
    read()  # raises when the sender hangs up


def test_a_name_server_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "DEADLINE_SECONDS", 0.2)

    def slow(host: str, port: int) -> list[str]:
        time.sleep(0.6)
        return ["127.0.0.1"]

    (answer,) = send("http://shop.example/", resolve=slow)
    assert answer.error == "no answer within 0.2 seconds"


@pytest.mark.parametrize(
    ("name", "trusted", "good"),
    [("shop.example", True, True), ("other.example", True, False), ("shop.example", False, False)],
)
def test_a_certificate_must_be_vouched_for_and_of_the_name(
    name: str, trusted: bool, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    if trusted:
        vouched = ssl.create_default_context(cafile=str(file))
        monkeypatch.setattr(sending, "trust", lambda: vouched)

    def secure(connection: socket.socket, _: Read) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            while not b"".join(told).endswith(b"}"):  # what is left unread would reset it
                told.append(some(wrapped))
            wrapped.sendall(GOOD)

    told: list[bytes] = []
    with wire(secure) as end:
        (answer,) = send(f"https://shop.example:{end.port}/", resolve=lambda *_: ["127.0.0.1"])
    assert answer.good == good
    assert bool(told) == good
    assert good or "certificate" in str(answer.error).lower()


def certificate(folder: Path, host: str) -> Path:
    """Write a key with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(host)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "chain.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
