"""One request, one transaction, one answer.

`TransactionRoute` opens the session before the handler, stores the first 2xx answer of a POST under
its Idempotency-Key, commits, and only then lets the answer go: a failed commit never answers 2xx,
and an answer is replayed exactly as long as the change it speaks of exists.
"""

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.types import Message

from gateway import db
from gateway.errors import BadRequest, Conflict, KeyReused

BODY_BYTES_MAX = 256 * 1024
KEY_LENGTH_MAX = 255
SECRET_FIELDS = ("secret",)


class Replayed(Exception):
    """Not an error: this request was answered before, here is that answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__()
        self.response = JSONResponse(body, status, headers={"Idempotent-Replayed": "true"})


class TransactionRoute(APIRoute):
    """A route whose handler runs inside one transaction, committed before the answer is sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler with begin, remember and commit."""
        handle = super().get_route_handler()

        async def in_one_transaction(unbounded: Request) -> Response:
            request = bounded(unbounded)
            request.state.hash = request_hash(request, await request.body())
            session = await run_in_threadpool(begin)
            request.state.session = session
            try:
                response = await handle(request)
                await run_in_threadpool(finish, session, request, response)
                return response
            except Replayed as replay:
                return replay.response
            finally:
                await run_in_threadpool(session.close)

        return in_one_transaction


def bounded(request: Request) -> Request:
    """Return the request, whose body is refused once it is longer than BODY_BYTES_MAX.

    Counted as it comes: a chunked body tells no length.
    """
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > BODY_BYTES_MAX:
            raise BadRequest(f"the body may have {BODY_BYTES_MAX} bytes", code="body_too_large")
        return message

    return Request(request.scope, receive)


def request_hash(request: Request, body: bytes) -> bytes:
    """Return what makes two requests the same: method, path and body."""
    head = f"{request.method} {request.url.path}\n".encode()
    return hashlib.sha256(head + body).digest()


def begin() -> Session:
    """Open the session and its transaction."""
    session = db.new_session()
    session.begin()
    return session


def finish(session: Session, request: Request, response: Response) -> None:
    """Commit what succeeded together with its answer; roll back what did not."""
    if response.status_code >= 400:
        session.rollback()
        return
    owner = getattr(request.state, "idempotency", None)
    if owner is not None:
        remember(session, owner, request.state.hash, response)
    session.commit()


def session_of(request: Request) -> Session:
    """Return the session that TransactionRoute opened for this request."""
    session: Session = request.state.session
    return session


Tx = Annotated[Session, Depends(session_of)]


def replay_or_claim(request: Request, session: Session, principal: str, key: str | None) -> None:
    """Answer from the store if this key was used before, else claim it until the commit.

    Raises Replayed, KeyReused (the same key, another request) or Conflict (still running).
    """
    if key is None or request.method != "POST":
        return
    if not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise BadRequest(f"Idempotency-Key has 1 to {KEY_LENGTH_MAX} characters")
    claimed = session.scalar(
        text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"idempotency {principal} {key}"},
    )
    if not claimed:
        raise Conflict("a request with this key is running", code="request_in_progress")
    stored = session.execute(
        text(
            "select request_hash, status, body from idempotency_key"
            " where principal = :principal and key = :key"
        ),
        {"principal": principal, "key": key},
    ).one_or_none()
    if stored is None:
        request.state.idempotency = (principal, key)
        return
    if bytes(stored.request_hash) != request.state.hash:
        raise KeyReused("this Idempotency-Key came before with another request")
    raise Replayed(stored.status, stored.body)


def remember(session: Session, owner: tuple[str, str], digest: bytes, response: Response) -> None:
    """Store the answer beside the change it speaks of, without its secrets."""
    body = json.loads(bytes(response.body))
    for field in SECRET_FIELDS:
        if isinstance(body, dict) and field in body:
            body[field] = None
    session.execute(
        text(
            "insert into idempotency_key (principal, key, request_hash, status, body)"
            " values (:principal, :key, :hash, :status, cast(:body as jsonb))"
        ),
        {
            "principal": owner[0],
            "key": owner[1],
            "hash": digest,
            "status": response.status_code,
            "body": json.dumps(body),
        },
    )
