"""One request, one transaction, one answer.

`TransactionRoute` opens the session before the handler, stores the first 2xx answer of a POST under
its Idempotency-Key, commits, and only then lets the answer go: a failed commit never answers 2xx,
and an answer is replayed exactly as long as the change it speaks of exists.
"""

import hashlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from typing import Annotated, Any

from anyio import NoEventLoopError
from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.types import Message

from gateway import db
from gateway.errors import BadRequest, Conflict, KeyReused

BODY_BYTES_MAX = 256 * 1024
KEY_LENGTH_MAX = 255
READS = ("GET", "HEAD")
SECRET_FIELDS = ("secret", "page_url")
# Who holds the lock is alone with the key; who took it in the moment after the other's commit may
# not have seen that one's answer, and finds it in the way when its own is stored.
REMEMBER = """
    insert into idempotency_key (principal, key, request_hash, status, body)
    values (%s, %s, %s, %s, %s::jsonb) on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an Idempotency-Key was used for, if it was; `mine` while no other request has it."""

    key: str | None
    mine: bool
    request_hash: bytes | None
    status: int | None
    body: Any


class Replayed(Exception):
    """Not an error: this request was answered before, here is that answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__()
        self.response = JSONResponse(body, status, headers={"Idempotent-Replayed": "true"})


class TransactionRoute(APIRoute):
    """A route whose handler runs inside one transaction, committed before the answer is sent.

    All of it runs in one thread, in one go: FastAPI would send the handler and each dependency to
    a thread of its own. Dependencies are therefore written `async def`, though they may block.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, in_place(endpoint), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler with begin, remember and commit."""
        handle = super().get_route_handler()

        async def in_one_transaction(unbounded: Request) -> Response:
            request = bounded(unbounded)
            request.state.hash = request_hash(request, await request.body())
            return await run_in_threadpool(answer, handle, request)

        return in_one_transaction


def answer(
    handle: Callable[[Request], Coroutine[Any, Any, Response]], request: Request
) -> Response:
    """Handle a request whose body is read, and commit before its answer is given back.

    What only reads tells of one moment, and cannot change anything.
    """
    session = db.new_snapshot() if request.method in READS else db.new_session()
    request.state.session = session
    try:
        response = finished(handle(request))
        finish(session, request, response)
        return response
    except Replayed as replay:
        return replay.response
    finally:
        session.close()


def finished(coroutine: Coroutine[Any, Any, Response]) -> Response:
    """Return what a coroutine that waits for nothing returns."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        response: Response = end.value
        return response
    except NoEventLoopError as error:
        raise RuntimeError("write the dependencies of this route as `async def`") from error
    coroutine.close()
    raise RuntimeError("a handler inside a transaction may not wait for the event loop")


def in_place(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that FastAPI calls where it is, instead of sending it to a thread."""
    if iscoroutinefunction(call):
        return call

    @wraps(call)
    async def here(*args: Any, **values: Any) -> Any:
        return call(*args, **values)

    return here


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


def finish(session: Session, request: Request, response: Response) -> None:
    """Commit what succeeded together with its answer; roll back what did not."""
    if response.status_code >= 400:
        session.rollback()
        return
    owner = getattr(request.state, "idempotency", None)
    if owner is not None:
        remember(session, owner, response)
    session.commit()


async def session_of(request: Request) -> Session:
    """Return the session that TransactionRoute opened for this request."""
    session: Session = request.state.session
    return session


Tx = Annotated[Session, Depends(session_of)]


def replay_or_claim(request: Request, principal: str, earlier: Earlier) -> None:
    """Answer from the store if this key was used before, else claim it until the commit.

    Raises Replayed, KeyReused (the same key, another request) or Conflict (still running).
    """
    if earlier.key is None:
        return
    if not 1 <= len(earlier.key) <= KEY_LENGTH_MAX:
        raise BadRequest(f"Idempotency-Key has 1 to {KEY_LENGTH_MAX} characters")
    if earlier.status is not None:
        if earlier.request_hash != request.state.hash:
            raise KeyReused("this Idempotency-Key came before with another request")
        raise Replayed(earlier.status, earlier.body)
    if not earlier.mine:
        raise running()
    request.state.idempotency = (principal, earlier.key, request.state.hash)


def running() -> Conflict:
    """Return the refusal of a key that another request has."""
    return Conflict("a request with this key is running", code="request_in_progress")


def remember(session: Session, owner: tuple[str, str, bytes], response: Response) -> None:
    """Store the answer beside the change it speaks of, without its secrets; raises Conflict."""
    told = bytes(response.body).decode()
    if any(f'"{field}"' in told for field in SECRET_FIELDS):
        body = json.loads(told)
        for field in SECRET_FIELDS:
            if isinstance(body, dict) and field in body:
                body[field] = None
        told = json.dumps(body)
    if db.ask(session, REMEMBER, (*owner, response.status_code, told)).rowcount == 0:
        raise running()
