"""JSON-RPC 2.0 over one kept-alive HTTP connection a thread; answers are typed by msgspec."""

import base64
import http.client
import threading
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from gateway.chain.port import NodeAway, NodeError

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0
IDLE_SECONDS_MAX = 20.0
"""A connection idle for longer is opened afresh: the server may have closed it meanwhile."""


class Refusal(msgspec.Struct, frozen=True):
    """The error member of an answer."""

    code: int
    message: str = ""
    data: Any = None


class Envelope(msgspec.Struct, frozen=True):
    """An answer whose result is not decoded yet."""

    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Refusal | None = None


ONE = msgspec.json.Decoder(Envelope)
MANY = msgspec.json.Decoder(list[Envelope])


class Line:
    """A connection of one thread, closed when the thread or its endpoint is gone."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.connection = connection
        self.used = time.monotonic()

    def __del__(self) -> None:
        self.connection.close()


class Endpoint:
    """One node's URL. Calls from several threads each use their own connection."""

    def __init__(self, url: str, chain_id: int | None) -> None:
        parts = urlsplit(url)
        self.chain_id = chain_id
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"content-type": "application/json"}
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        self._local = threading.local()

    def call(self, method: str, parameters: list[Any], result: Any) -> Any:
        """Return the result of one call as `result`. Raises NodeAway, NodeError."""
        body = self.exchange(request(1, method, parameters))
        return decode(envelope(body), result)

    def batch(self, method: str, calls: list[list[Any]], result: Any) -> list[Any]:
        """Return the results of many calls of one method, in order, in one request."""
        if not calls:
            return []
        bodies = (request(place, method, parameters) for place, parameters in enumerate(calls))
        body = self.exchange(b"[" + b",".join(bodies) + b"]")
        answers = {answer.id: answer for answer in envelopes(body)}
        if len(answers) != len(calls):
            raise NodeAway(f"the node answered {len(answers)} of {len(calls)} calls")
        return [decode(answers[place], result) for place in range(len(calls))]

    def exchange(self, body: bytes) -> bytes:
        """Send a request and return the answer's body, once more if the connection was dropped.

        Sending again is safe: every call we make is a question, or a signed transaction that can
        be mined once.
        """
        line, fresh = self._line()
        try:
            return self._post(line, body)
        except (http.client.HTTPException, ConnectionError) as error:
            self.close()
            if fresh:
                raise NodeAway(f"the node is away: {type(error).__name__}") from error
        except OSError as error:  # a timeout: the answer may come, but not to us
            self.close()
            raise NodeAway(f"the node is away: {type(error).__name__}") from error
        try:
            return self._post(self._line()[0], body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NodeAway(f"the node is away: {type(error).__name__}") from error

    def close(self) -> None:
        """Drop this thread's connection."""
        line = getattr(self._local, "line", None)
        self._local.line = None
        if line is not None:
            line.connection.close()

    def _line(self) -> tuple[Line, bool]:
        """Return this thread's connection, and whether it was opened just now."""
        line: Line | None = getattr(self._local, "line", None)
        if line is not None and time.monotonic() - line.used < IDLE_SECONDS_MAX:
            return line, False
        self.close()
        return self._open(), True

    def _open(self) -> Line:
        """Connect, and refuse a node that serves another chain than ours."""
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        line = Line(kind(self._host, self._port, timeout=CONNECT_SECONDS))
        try:
            line.connection.connect()
            line.connection.sock.settimeout(ANSWER_SECONDS)
            if self.chain_id is not None:
                body = self._post(line, request(1, "eth_chainId", []))
                found = int(decode(envelope(body), str), 16)
                if found != self.chain_id:
                    raise NodeAway(f"the node serves chain {found}, not {self.chain_id}")
        except (OSError, http.client.HTTPException) as error:
            line.connection.close()
            raise NodeAway(f"the node is away: {type(error).__name__}") from error
        except (NodeAway, NodeError):
            line.connection.close()
            raise
        self._local.line = line
        return line

    def _post(self, line: Line, body: bytes) -> bytes:
        line.connection.request("POST", self._path, body, self._headers)
        response = line.connection.getresponse()
        answer = response.read()
        line.used = time.monotonic()
        if response.status != http.client.OK and not answer.lstrip().startswith((b"{", b"[")):
            raise NodeAway(f"the node answered HTTP {response.status}")
        return answer


def request(place: int, method: str, parameters: list[Any]) -> bytes:
    """Return the body of a call."""
    return msgspec.json.encode(
        {"jsonrpc": "2.0", "id": place, "method": method, "params": parameters}
    )


def envelope(body: bytes) -> Envelope:
    """Read one answer; raises NodeAway for what is none."""
    try:
        return ONE.decode(body)
    except msgspec.MsgspecError as error:
        raise NodeAway(f"the node's answer is not JSON-RPC: {str(error)[:200]}") from error


def envelopes(body: bytes) -> list[Envelope]:
    """Read a batch's answers; a node that refuses the whole batch answers with one error."""
    if body.lstrip().startswith(b"{"):
        decode(envelope(body), Any)
        raise NodeAway("the node answered a batch with one answer")
    try:
        return MANY.decode(body)
    except msgspec.MsgspecError as error:
        raise NodeAway(f"the node's answer is not JSON-RPC: {str(error)[:200]}") from error


def decode(answer: Envelope, result: Any) -> Any:
    """Return the result as `result`; raises NodeError, or NodeAway if it has another form."""
    if answer.error is not None:
        data = answer.error.data
        raise NodeError(
            answer.error.code, answer.error.message, data if isinstance(data, str) else None
        )
    try:
        return msgspec.json.decode(answer.result, type=result)
    except msgspec.MsgspecError as error:
        raise NodeAway(f"the node's answer has another form: {str(error)[:200]}") from error
