"""Send one webhook: to a checked address, without redirects, within a deadline.

The name is resolved once, every address is checked, and the connection goes to the checked address,
so an answer of the name server that changes in between gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from threading import Timer
from typing import Any

import httpx2

from gateway.webhooks import rules

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
DEADLINE_SECONDS = 20.0
ADDRESSES_TRIED_MAX = 3
RESPONSE_BYTES_MAX = 4_096
ERROR_CHARACTERS_MAX = 300
USER_AGENT = "mizan-webhooks/1"

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status with the beginning of its body, or why there is none."""

    status: int | None = None
    body: str | None = None
    error: str | None = None
    retry_after: float | None = None

    @property
    def good(self) -> bool:
        """True for a 2xx answer; a redirect is not one."""
        return self.status is not None and 200 <= self.status < 300


class Blocked(Exception):
    """The name leads to an address a webhook may not go to."""


@lru_cache(maxsize=1)
def client() -> httpx2.Client:
    """Return the client of this process.

    Connections are not kept: one opened for a name must never serve another on the same address.
    """
    return httpx2.Client(
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx2.Limits(max_keepalive_connections=0),
        follow_redirects=False,
        trust_env=False,
    )


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, in the order the system prefers; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def send(
    url: str, body: str, headers: dict[str, str], *, development: bool, resolve: Resolve = resolve
) -> Answer:
    """POST the body; a failure is an Answer with `error`, never an exception of the network."""
    try:
        target = httpx2.URL(url)
        return post(target, addresses(target, development, resolve), body, headers)
    except Blocked as error:
        return failure(str(error))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
        return failure(f"{type(error).__name__}: {error}")


def failure(reason: str) -> Answer:
    """Return the answer that there was none."""
    return Answer(error=clean(reason)[:ERROR_CHARACTERS_MAX])


def addresses(url: httpx2.URL, development: bool, resolve: Resolve) -> list[str]:
    """Return where to connect; raises Blocked if any address of the name is not allowed."""
    found = resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
    for address in found:
        if not rules.allowed(ipaddress.ip_address(address), development=development):
            raise Blocked("the host has an address a webhook may not go to")
    return found[:ADDRESSES_TRIED_MAX]


def post(url: httpx2.URL, to: list[str], body: str, headers: dict[str, str]) -> Answer:
    """Try the addresses until one accepts the connection; raises httpx2.HTTPError."""
    for address in to[:-1]:
        try:
            return exchange(url, address, body, headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue
    return exchange(url, to[-1], body, headers)


def exchange(url: httpx2.URL, address: str, body: str, headers: dict[str, str]) -> Answer:
    """POST to one address, under the name's Host header and TLS certificate."""
    with deadline() as watch:
        request = client().build_request(
            "POST",
            url.copy_with(host=address),
            content=body.encode(),
            headers={
                **headers,
                "host": url.netloc.decode("ascii"),
                "content-type": "application/json",
                "user-agent": USER_AGENT,
                "accept-encoding": "identity",
            },
            extensions={"sni_hostname": url.raw_host.decode("ascii"), "trace": watch},
        )
        response = client().send(request, stream=True)
        try:
            return read(response)
        finally:
            response.close()


def read(response: httpx2.Response) -> Answer:
    """Read the status and the beginning of the body, never more."""
    kept = b""
    for chunk in response.iter_raw(RESPONSE_BYTES_MAX):
        kept += chunk
        if len(kept) >= RESPONSE_BYTES_MAX:
            break
    retry_after = rules.retry_after_seconds(response.headers.get("retry-after"), datetime.now(UTC))
    text = clean(kept[:RESPONSE_BYTES_MAX].decode("utf-8", "replace"))
    good = 200 <= response.status_code < 300
    return Answer(
        status=response.status_code,
        body=text,
        error=None if good else f"HTTP {response.status_code}",
        retry_after=retry_after,
    )


def clean(text: str) -> str:
    """Return the text without what Postgres cannot store."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


@contextmanager
def deadline() -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Cut the connection after DEADLINE_SECONDS: a receiver that drips bytes resets every timeout.

    Yields the trace hook that learns the socket; a duplicate outlives its wrapping by TLS.
    """
    known: list[socket.socket] = []

    def watch(name: str, info: dict[str, Any]) -> None:
        if name == "connection.connect_tcp.complete":
            known.append(info["return_value"].get_extra_info("socket").dup())

    def cut() -> None:
        for connection in known:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already

    timer = Timer(DEADLINE_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        for connection in known:
            connection.close()
