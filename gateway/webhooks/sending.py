"""Send one webhook: to a checked address, without redirects, within a deadline.

The name is resolved once, every address is checked, and the connection goes to the checked address,
so an answer of the name server that changes in between gains nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import httpx2

from gateway.outbound import Blocked, Resolve, addresses, deadline, resolve
from gateway.webhooks import rules

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
DEADLINE_SECONDS = 20.0
RESPONSE_BYTES_MAX = 4_096
ERROR_CHARACTERS_MAX = 300
USER_AGENT = "mizan-webhooks/1"


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
    with deadline(DEADLINE_SECONDS) as watch:
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
