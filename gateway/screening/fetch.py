"""Fetch a list: a file of this machine, or an https URL outside our own network."""

from pathlib import Path

import httpx2

from gateway.errors import DependencyAway
from gateway.outbound import Blocked, Resolve, addresses, deadline, resolve

LIST_BYTES_MAX = 400_000_000
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
DEADLINE_SECONDS = 600.0
CHUNK_BYTES = 1 << 20


def fetch(place: str, *, development: bool, resolve: Resolve = resolve) -> bytes:
    """Return the bytes of a list. Raises DependencyAway when they cannot be had whole."""
    if "://" not in place:
        try:
            return Path(place).read_bytes()
        except OSError as error:
            raise DependencyAway(f"no list at {place}: {type(error).__name__}") from error
    url = httpx2.URL(place)
    if url.scheme != "https" and not development:
        raise DependencyAway("a list is fetched by https only")
    try:
        to = addresses(url, development, resolve)
        return download(url, to[0])
    except (Blocked, httpx2.HTTPError, OSError, UnicodeError) as error:
        raise DependencyAway(f"the list {url.host} is away: {type(error).__name__}") from error


def download(url: httpx2.URL, address: str) -> bytes:
    """GET the body from a checked address; raises DependencyAway, httpx2.HTTPError."""
    timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    with (
        deadline(DEADLINE_SECONDS) as watch,
        httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False) as client,
    ):
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={"host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.raw_host.decode("ascii"), "trace": watch},
        )
        response = client.send(request, stream=True)
        try:
            if response.status_code != httpx2.codes.OK:
                raise DependencyAway(f"the list's server answered {response.status_code}")
            return whole(response)
        finally:
            response.close()


def whole(response: httpx2.Response) -> bytes:
    """Read a body of at most LIST_BYTES_MAX; raises DependencyAway for more."""
    body = bytearray()
    for chunk in response.iter_bytes(CHUNK_BYTES):
        body += chunk
        if len(body) > LIST_BYTES_MAX:
            raise DependencyAway("the list is larger than a list is")
    return bytes(body)
