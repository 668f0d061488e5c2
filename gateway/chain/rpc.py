"""JSON-RPC 2.0 over one kept connection a thread; answers are typed by msgspec.

Every answer that is none is NodeAway: HTML, half a body, another chain, a batch cut short, an
answer to another call.
"""

import http.client
import threading
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import msgspec

from gateway.chain.port import NodeAway, NodeError
from gateway.chain.wires import HttpWire, IpcWire, Wire

IDLE_SECONDS_MAX = 20.0
"""A connection idle for longer is opened afresh: the server may have closed it meanwhile."""
ONLY = 1
"""The id of a call that goes alone."""
IPC = "ipc:"

Result = TypeVar("Result")


class Refusal(msgspec.Struct, frozen=True):
    """The error member of an answer."""

    code: int
    message: str = ""
    data: Any = None


class Envelope(msgspec.Struct, frozen=True):
    """An answer whose result is not decoded yet; with neither member it is none."""

    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: Refusal | None = None


class Answer(msgspec.Struct, Generic[Result]):
    """An answer whose result is there and has its form: read in one go, as most are."""

    result: Result
    id: int
    error: Any = None


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises: no JSON or another form, letters of no alphabet, endless brackets."""
ONE = msgspec.json.Decoder(Envelope)
MANY = msgspec.json.Decoder(list[Envelope])


class Endpoint:
    """One node's URL or socket. Calls from several threads each use their own connection."""

    def __init__(self, url: str, chain_id: int | None) -> None:
        self.chain_id = chain_id
        self.name, self._connect = place_of(url)
        self._local = threading.local()

    def call(self, method: str, parameters: list[Any], result: Any) -> Any:
        """Return the result of one call as `result`. Raises NodeAway, NodeError."""
        body = self.exchange(request(ONLY, method, parameters))
        try:
            answer = decoder(result).decode(body)
        except UNREADABLE:  # no result, or none of this form: say which
            return decode(own(envelope(body)), result)
        if answer.id != ONLY or answer.error is not None:
            return decode(own(envelope(body)), result)
        return answer.result

    def batch(self, method: str, calls: list[list[Any]], result: Any) -> list[Any]:
        """Return the results of many calls of one method, in order, in one request."""
        if not calls:
            return []
        bodies = (request(place, method, parameters) for place, parameters in enumerate(calls))
        body = self.exchange(b"[" + b",".join(bodies) + b"]")
        try:
            told = decoder_of_many(result).decode(body)
        except UNREADABLE:  # results are missing, or have another form: say which
            told = []
        if [answer.id for answer in told if answer.error is None] == list(range(len(calls))):
            return [answer.result for answer in told]
        answers = in_order(envelopes(body), len(calls))
        return [decode(answer, result) for answer in answers]

    def exchange(self, body: bytes) -> bytes:
        """Send a request and return the answer's body, once more if the connection was dropped.

        Sending again is safe: every call we make is a question, or a signed transaction that can
        be mined once.
        """
        wire, fresh = self._wire()
        try:
            return wire.post(body)
        except (http.client.HTTPException, ConnectionError) as error:
            self.close()
            if fresh:
                raise away(error) from error
        except OSError as error:  # a timeout: the answer may come, but not to us
            self.close()
            raise away(error) from error
        try:
            return self._wire()[0].post(body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise away(error) from error

    def close(self) -> None:
        """Drop this thread's connection."""
        wire: Wire | None = getattr(self._local, "wire", None)
        self._local.wire = None
        if wire is not None:
            wire.close()

    def _wire(self) -> tuple[Wire, bool]:
        """Return this thread's connection, and whether it was opened just now."""
        wire: Wire | None = getattr(self._local, "wire", None)
        if wire is not None and time.monotonic() - wire.used < IDLE_SECONDS_MAX:
            return wire, False
        self.close()
        return self._open(), True

    def _open(self) -> Wire:
        """Connect, and refuse a node that serves another chain than ours."""
        try:
            wire = self._connect()
        except (OSError, http.client.HTTPException) as error:
            raise away(error) from error
        try:
            self._recognise(wire)
        except (OSError, http.client.HTTPException) as error:
            wire.close()
            raise away(error) from error
        except (NodeAway, NodeError):
            wire.close()
            raise
        self._local.wire = wire
        return wire

    def _recognise(self, wire: Wire) -> None:
        """Raise NodeAway unless this is our chain, where we know which one that is."""
        if self.chain_id is None:
            return
        found = chain_number(
            decode(own(envelope(wire.post(request(ONLY, "eth_chainId", [])))), str)
        )
        if found != self.chain_id:
            raise NodeAway(f"the node serves chain {found}, not {self.chain_id}")


def place_of(url: str) -> tuple[str, Callable[[], Wire]]:
    """Return an endpoint's name, without credentials or access key, and how to connect to it.

    http(s)://…, or a unix socket as ipc:/path or /path.
    """
    if url.startswith((IPC, "/")):
        path = url.removeprefix(IPC)
        return path, partial(IpcWire, path)
    parts = urlsplit(url)
    port = parts.port or (
        http.client.HTTPS_PORT if parts.scheme == "https" else http.client.HTTP_PORT
    )
    return f"{parts.hostname}:{port}", partial(HttpWire, parts)


def away(error: Exception) -> NodeAway:
    """Say what became of a connection."""
    return NodeAway(f"the node is away: {type(error).__name__}")


def chain_number(text: str) -> int | str:
    """Return the number of a node's chain, or what it said instead."""
    try:
        return int(text, 16)
    except ValueError:
        return repr(text[:20])


def request(place: int, method: str, parameters: list[Any]) -> bytes:
    """Return the body of a call."""
    return msgspec.json.encode(
        {"jsonrpc": "2.0", "id": place, "method": method, "params": parameters}
    )


@lru_cache(maxsize=64)
def decoder(result: Any) -> msgspec.json.Decoder[Answer[Any]]:
    """Return what reads an answer with such a result."""
    return msgspec.json.Decoder(Answer[result])


@lru_cache(maxsize=64)
def decoder_of_many(result: Any) -> msgspec.json.Decoder[list[Answer[Any]]]:
    """Return what reads a batch of answers with such results."""
    return msgspec.json.Decoder(list[Answer[result]])


def envelope(body: bytes) -> Envelope:
    """Read one answer; raises NodeAway for what is none."""
    try:
        return ONE.decode(body)
    except UNREADABLE as error:
        raise NodeAway(f"the node's answer is not JSON-RPC: {str(error)[:200]}") from error


def own(answer: Envelope) -> Envelope:
    """Return the answer to a call that went alone; an error may have lost the call's id."""
    if answer.id != ONLY and (answer.id is not None or answer.error is None):
        raise NodeAway(f"the node answered call {answer.id}, which was not asked")
    return answer


def in_order(answers: list[Envelope], count: int) -> list[Envelope]:
    """Return a batch's answers in the order of its calls, each exactly once.

    Raises NodeError for an error that names no call, as a limit on the whole batch does.
    """
    for answer in answers:
        if answer.id is None and answer.error is not None:
            decode(answer, Any)
    found = {answer.id: answer for answer in answers}
    if len(answers) != count:
        raise NodeAway(f"the node answered {len(answers)} of {count} calls")
    if found.keys() != set(range(count)):
        raise NodeAway(f"the node's answers to {count} calls are not theirs")
    return [found[place] for place in range(count)]


def envelopes(body: bytes) -> list[Envelope]:
    """Read a batch's answers; a node that refuses the whole batch answers with one error."""
    if body.lstrip().startswith(b"{"):
        decode(envelope(body), Any)
        raise NodeAway("the node answered a batch with one answer")
    try:
        return MANY.decode(body)
    except UNREADABLE as error:
        raise NodeAway(f"the node's answer is not JSON-RPC: {str(error)[:200]}") from error


def decode(answer: Envelope, result: Any) -> Any:
    """Return the result as `result`; raises NodeError, or NodeAway if it has another form."""
    if answer.error is not None:
        data = answer.error.data
        raise NodeError(
            answer.error.code, answer.error.message, data if isinstance(data, str) else None
        )
    if not answer.result:
        raise NodeAway("the node's answer has neither a result nor an error")
    try:
        return msgspec.json.decode(answer.result, type=result)
    except UNREADABLE as error:
        raise NodeAway(f"the node's answer has another form: {str(error)[:200]}") from error
