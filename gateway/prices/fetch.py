"""GET a ticker: from a checked address, without redirects, small and soon, or not at all."""

import httpx2

from gateway.outbound import Blocked, Resolve, addresses, deadline, resolve
from gateway.prices.port import SourceAway

CONNECT_SECONDS, READ_SECONDS = 2.0, 4.0
DEADLINE_SECONDS = 6.0
BODY_BYTES_MAX = 256 * 1024
USER_AGENT = "mizan-prices/1"


def get(url: str, *, development: bool, resolve: Resolve = resolve) -> bytes:
    """Return the body of a 200 answer; raises SourceAway.

    The name is resolved once and the connection goes to an address that was checked.
    """
    try:
        target = httpx2.URL(url)
        if target.scheme != "https" and not development:
            raise SourceAway("a price is read by https only")
        return first(target, addresses(target, development, resolve))
    except (Blocked, httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
        raise SourceAway(f"no answer: {type(error).__name__}") from error


def first(url: httpx2.URL, to: list[str]) -> bytes:
    """Try the addresses until one accepts the connection; raises as `exchange`."""
    for address in to[:-1]:
        try:
            return exchange(url, address)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue
    return exchange(url, to[-1])


def exchange(url: httpx2.URL, address: str) -> bytes:
    """GET from one address under the name's Host header and TLS certificate.

    Raises SourceAway, httpx2.HTTPError.
    """
    timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    with (
        deadline(DEADLINE_SECONDS) as watch,
        httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False) as client,
    ):
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={
                "host": url.netloc.decode("ascii"),
                "user-agent": USER_AGENT,
                "accept": "application/json",
                "accept-encoding": "identity",  # so that a small body cannot become a large one
            },
            extensions={"sni_hostname": url.raw_host.decode("ascii"), "trace": watch},
        )
        response = client.send(request, stream=True)
        try:
            if response.status_code != httpx2.codes.OK:
                raise SourceAway(f"it answered {response.status_code}")
            return whole(response)
        finally:
            response.close()


def whole(response: httpx2.Response) -> bytes:
    """Read a body of at most BODY_BYTES_MAX; raises SourceAway for more."""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise SourceAway("its answer is larger than a ticker is")
    return bytes(body)
