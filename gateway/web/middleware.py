"""Every request has an id: in its log lines, its answer and its problem."""

import re
import time

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.ids import new_id

HEADER = b"x-request-id"
CLIENTS_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)

ANSWERS = Counter("mizan_http_answers_total", "Answers by method and status", ("method", "status"))
SECONDS = Histogram("mizan_http_seconds", "Seconds until the answer began", ("method",))

log = structlog.get_logger()


class RequestIds:
    """ASGI middleware: takes the client's X-Request-Id if it is plain, else makes one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(HEADER, b"")
        request_id = given.decode() if CLIENTS_ID.fullmatch(given) else new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    (HEADER, request_id.encode()),
                    *(pair for pair in SECURITY_HEADERS if pair[0] not in present),
                ]
                ANSWERS.labels(scope["method"], message["status"]).inc()
                SECONDS.labels(scope["method"]).observe(time.perf_counter() - started)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_id)
