"""How a call reaches the gateway: one kept connection, retries that never do a thing twice."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import uuid4

import httpx2
import msgspec

from mizan_client.errors import ConnectionFailed, error_of

RETRIED = frozenset({429, 502, 503, 504})
IN_PROGRESS = "request_in_progress"
WAIT_SECONDS, WAIT_SECONDS_MAX = 0.25, 8.0

Result = TypeVar("Result")


class Transport:
    """Sends calls with the key; every POST carries an Idempotency-Key, the same one when repeated.

    `sleep` is for tests.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        retries: int,
        timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.retries, self._sleep = retries, sleep
        self._http = httpx2.Client(
            base_url=base_url.rstrip("/"),
            timeout=timeout,
            headers={"authorization": f"Bearer {api_key}", "user-agent": "mizan-client/0.1"},
        )

    def call(
        self,
        method: str,
        path: str,
        result: type[Result] | Any,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Return the answer as `result` (str and bytes as they come). Raises MizanError."""
        headers = {}
        if method == "POST":
            headers["idempotency-key"] = idempotency_key or str(uuid4())
        if body is not None:
            headers["content-type"] = "application/json"
        given = {name: one for name, one in (query or {}).items() if one is not None}
        answer = self._asked(
            self._http.build_request(
                method,
                path,
                params=given or None,
                headers=headers,
                content=None if body is None else msgspec.json.encode(body),
            )
        )
        if result is bytes:
            return answer.content
        if result is str:
            return answer.text
        return msgspec.json.decode(answer.content, type=result)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _asked(self, request: httpx2.Request) -> httpx2.Response:
        """Return the first good answer; a call is repeated only when nothing can happen twice."""
        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                answer = self._http.send(request)
            except httpx2.TransportError as error:
                if last:
                    raise ConnectionFailed(f"{request.url.host}: {error}") from error
                self._sleep(pause(attempt, None))
                continue
            if answer.is_success:
                return answer
            refusal = error_of(answer.status_code, answer.content)
            again = answer.status_code in RETRIED or refusal.code == IN_PROGRESS
            if last or not again:
                raise refusal
            self._sleep(pause(attempt, answer.headers.get("retry-after")))
        raise AssertionError("unreachable: the last attempt returns or raises")


def pause(attempt: int, retry_after: str | None) -> float:
    """Return how long to wait, in seconds: as asked, else longer each time, with jitter."""
    if retry_after is not None and retry_after.isdecimal():
        return min(float(retry_after), WAIT_SECONDS_MAX)
    longest = min(WAIT_SECONDS * float(2**attempt), WAIT_SECONDS_MAX)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
