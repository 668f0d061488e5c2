"""How bytes reach a node and come back: kept-alive HTTP, or the node's own socket (IPC).

A wire is one connection, used by one thread. Everything that goes wrong on it is an OSError or an
HTTPException; what the bytes say is not its concern, but that they come to an end is.
"""

import base64
import contextlib
import http.client
import io
import socket
import time
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote

import msgspec

from gateway.chain.port import NodeAway

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0
"""A node may be silent for so long."""
ANSWER_SECONDS_MAX = 20.0
"""An answer has ended after so long, however often a bit of it came."""
CHUNK_BYTES = 1 << 20
ANSWER_BYTES_MAX = 1 << 28
ANSWERS_BEGIN = (b"{", b"[")
ANSWERS_END = (b"}", b"]")
CUT_OFF = "truncated"
"""What msgspec says of a value that has not ended."""


class AnswerTooLong(OSError):
    """The node's answer does not end within ANSWER_BYTES_MAX."""


class Wire(Protocol):
    """A connection to a node; `used` is when it last answered, by the monotonic clock."""

    used: float

    def post(self, body: bytes) -> bytes: ...
    def close(self) -> None: ...


class Bounded(io.RawIOBase):
    """What a socket tells, within an answer's time and length.

    Raises TimeoutError and AnswerTooLong when either is used up.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._told: Any = connection.makefile("rb", buffering=0)
        self._until, self._left = time.monotonic() + ANSWER_SECONDS_MAX, ANSWER_BYTES_MAX

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Take what comes next; returns how many bytes that were."""
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the node's answer takes too long")
        self._connection.settimeout(min(ANSWER_SECONDS, seconds))
        count: int = self._told.readinto(buffer)
        self._left -= count
        if self._left < 0:
            raise AnswerTooLong("the node's answer does not end")
        return count

    def close(self) -> None:
        """Leave the socket to whoever opened it."""
        self._told.close()
        super().close()


class Response(http.client.HTTPResponse):
    """An answer that has an end: its lines, heads and chunks all count."""

    def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        self.fp.close()
        self.fp = io.BufferedReader(Bounded(sock))

    def body(self) -> bytes:
        """Return the body; part by part, for room is made at once for as much as is asked for."""
        if (self.length or 0) > ANSWER_BYTES_MAX:
            raise AnswerTooLong("the node's answer is too long")
        parts = []
        while part := self.read(CHUNK_BYTES):
            parts.append(part)
        if self.length:
            raise http.client.IncompleteRead(b"", self.length)
        return b"".join(parts)


class HttpWire:
    """A kept-alive HTTP/1.1 connection."""

    def __init__(self, url: SplitResult) -> None:
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._headers = {"content-type": "application/json"}
        if url.username:
            login = f"{unquote(url.username)}:{unquote(url.password or '')}"
            self._headers["authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        self._connection = kind(url.hostname or "", url.port, timeout=CONNECT_SECONDS)
        self._connection.response_class = Response
        self._connection.connect()
        self.used = time.monotonic()

    def post(self, body: bytes) -> bytes:
        """Return the answer's body; raises NodeAway for a failure that is no JSON."""
        if self._connection.sock is not None:
            self._connection.sock.settimeout(ANSWER_SECONDS)
        self._connection.request("POST", self._path, body, self._headers)
        response: Any = self._connection.getresponse()
        answer: bytes = response.body()
        self.used = time.monotonic()
        if response.status != http.client.OK and not answer.lstrip().startswith(ANSWERS_BEGIN):
            raise NodeAway(f"the node answered HTTP {response.status}")
        return answer

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __del__(self) -> None:
        if hasattr(self, "_connection"):
            self._connection.close()


class IpcWire:
    """A node's unix socket: JSON values one after another, one answer to each request."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(CONNECT_SECONDS)
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self.used = time.monotonic()

    def post(self, body: bytes) -> bytes:
        """Return the answer, which ends where its JSON value does."""
        self._socket.settimeout(ANSWER_SECONDS)
        self._socket.sendall(body + b"\n")
        answer = bytearray()
        with Bounded(self._socket) as told:
            while chunk := told.read(CHUNK_BYTES):
                answer += chunk
                if ended(answer, chunk):
                    self.used = time.monotonic()
                    return bytes(answer)
        raise ConnectionResetError("the node hung up in the middle of an answer")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):
            self._socket.close()


def ended(answer: bytearray, chunk: bytes) -> bool:
    """True if the answer so far, of which this is the newest part, is over or can never be one."""
    if not answer.lstrip().startswith(ANSWERS_BEGIN):
        return bool(answer.strip())
    if not chunk.rstrip().endswith(ANSWERS_END):
        return False  # most parts of a long answer are told apart by this alone
    try:
        msgspec.json.decode(answer, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return CUT_OFF not in str(error)
    return True
