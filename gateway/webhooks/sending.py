"""Send one webhook: to a checked address, without redirects, within a deadline.

The name is resolved for every attempt, every address is checked, and the connection goes to a
checked address, so an answer of the name server that changes in between gains nothing. A connection
is kept for a while and serves the same name at the same address alone.
"""

import asyncio
import contextlib
import ssl
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import httpx2

from gateway import db
from gateway.outbound import Blocked, Resolve, addresses, resolve
from gateway.webhooks import rules

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
DEADLINE_SECONDS = 20.0
KEPT_SECONDS = 15.0
KEPT_PER_PLACE_MAX = 32
PLACES_MAX = 512
NAMES_AT_ONCE_MAX = 32
RESPONSE_BYTES_MAX = 4_096
RESPONSE_HEADERS_MAX = 40
HEADER_CHARACTERS_MAX = 500
ERROR_CHARACTERS_MAX = 300
USER_AGENT = "mizan-webhooks/1"
CONSTANT_HEADERS = {
    "content-type": "application/json",
    "user-agent": USER_AGENT,
    "accept-encoding": "identity",
}

Place = tuple[str, bytes, int | None, str]
"""Scheme, name, port and address: what one connection may serve."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status with the beginning of its body, or why there is none."""

    status: int | None = None
    headers: dict[str, str] | None = None
    body: str | None = None
    error: str | None = None
    retry_after: float | None = None

    @property
    def good(self) -> bool:
        """True for a 2xx answer; a redirect is not one."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(slots=True)
class Kept:
    """The connections to one place, and how many calls use them now."""

    transport: httpx2.AsyncHTTPTransport
    users: int = 0


@dataclass(slots=True)
class Line:
    """The connections of one event loop; close() ends them."""

    development: bool
    resolve: Resolve = resolve
    places: "OrderedDict[Place, Kept]" = field(default_factory=OrderedDict)
    names: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(NAMES_AT_ONCE_MAX, "webhook-name")
    )

    async def send(self, url: str, body: str, headers: dict[str, str]) -> Answer:
        """POST the body; a failure is an Answer with `error`, never an exception of the network."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                target = httpx2.URL(url)
                return await self._post(target, await self._addresses(target), body, headers)
        except TimeoutError:
            return failure(f"no answer within {DEADLINE_SECONDS:g} seconds")
        except Blocked as error:
            return failure(str(error))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
            return failure(f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close every connection."""
        for kept in self.places.values():
            await kept.transport.aclose()
        self.places.clear()
        self.names.shutdown(wait=False, cancel_futures=True)

    async def _addresses(self, url: httpx2.URL) -> list[str]:
        # a name server that is slow must not stop the loop
        loop = asyncio.get_running_loop()
        if rules.literal(url.host) is not None:
            return addresses(url, self.development, self.resolve)
        return await loop.run_in_executor(
            self.names, addresses, url, self.development, self.resolve
        )

    async def _post(
        self, url: httpx2.URL, to: list[str], body: str, headers: dict[str, str]
    ) -> Answer:
        """Try the addresses until one accepts the connection; raises httpx2.HTTPError."""
        for address in to[:-1]:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._exchange(url, address, body, headers)
        return await self._exchange(url, to[-1], body, headers)

    async def _exchange(
        self, url: httpx2.URL, address: str, body: str, headers: dict[str, str]
    ) -> Answer:
        """POST to one address; once more where a kept connection turns out to be closed."""
        kept = await self._kept((url.scheme, url.raw_host, url.port, address))
        kept.users += 1
        opened: list[str] = []

        async def note(name: str, _: Any) -> None:
            if name == "connection.connect_tcp.started":
                opened.append(name)

        try:
            try:
                return await read(kept.transport, request(url, address, body, headers, note))
            except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
                if opened:
                    raise
            return await read(kept.transport, request(url, address, body, headers, note))
        finally:
            kept.users -= 1

    async def _kept(self, place: Place) -> Kept:
        """Return the connections to a place; the place unused for longest is forgotten."""
        if place in self.places:
            self.places.move_to_end(place)
            return self.places[place]
        if len(self.places) >= PLACES_MAX:
            unused = next((old for old, kept in self.places.items() if not kept.users), None)
            if unused is not None:
                await self.places.pop(unused).transport.aclose()
        return self.places.setdefault(place, Kept(transport()))


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """Return what every connection trusts; reading the certificates takes a while."""
    return httpx2.create_ssl_context(trust_env=False)


def transport() -> httpx2.AsyncHTTPTransport:
    """Return a pool of connections that knows no proxy."""
    return httpx2.AsyncHTTPTransport(
        verify=trust(),
        trust_env=False,
        limits=httpx2.Limits(
            max_connections=None,
            max_keepalive_connections=KEPT_PER_PLACE_MAX,
            keepalive_expiry=KEPT_SECONDS,
        ),
    )


def request(
    url: httpx2.URL, address: str, body: str, headers: dict[str, str], trace: Any
) -> httpx2.Request:
    """Return the request to one address, under the name's Host header and TLS certificate."""
    wait = {"connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS}
    return httpx2.Request(
        "POST",
        url.copy_with(host=address),
        content=body.encode(),
        headers={**headers, "host": url.netloc.decode("ascii")},
        extensions={
            "timeout": wait | {"read": READ_SECONDS, "write": READ_SECONDS},
            "sni_hostname": url.raw_host.decode("ascii"),
            "trace": trace,
        },
    )


async def read(through: httpx2.AsyncHTTPTransport, asked: httpx2.Request) -> Answer:
    """Read the status and the beginning of the body, never more."""
    response = await through.handle_async_request(asked)
    kept = b""
    try:
        async for chunk in response.aiter_raw(RESPONSE_BYTES_MAX):
            kept += chunk
            if len(kept) >= RESPONSE_BYTES_MAX:
                break
    finally:
        await response.aclose()
    good = 200 <= response.status_code < 300
    return Answer(
        status=response.status_code,
        headers={
            db.storable(name): db.storable(value)[:HEADER_CHARACTERS_MAX]
            for name, value in list(response.headers.items())[:RESPONSE_HEADERS_MAX]
        },
        body=db.storable(kept[:RESPONSE_BYTES_MAX].decode("utf-8", "replace")),
        error=None if good else f"HTTP {response.status_code}",
        retry_after=rules.retry_after_seconds(
            response.headers.get("retry-after"), datetime.now(UTC)
        ),
    )


def failure(reason: str) -> Answer:
    """Return the answer that there was none."""
    return Answer(error=db.storable(reason)[:ERROR_CHARACTERS_MAX])
