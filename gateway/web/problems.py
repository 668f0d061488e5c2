"""How a refusal looks to a client: RFC 9457 problem+json, one shape everywhere."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.exceptions import HTTPException
from structlog import get_logger

from gateway.errors import GatewayError
from gateway.web.requests import TransactionRoute

MEDIA_TYPE = "application/problem+json"
METHOD_NOT_ALLOWED = 405
TITLES = {400: "Bad request", 404: "Not found", 405: "Method not allowed"}
RETRYABLE_SQLSTATES = frozenset({"40001", "40P01", "55P03", "57014"})

log = get_logger()


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was refused; `code` is for programs, `detail` says what to change."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldError] = []


MEANINGS = {
    400: "The request lacks something it must carry, or cannot be read",
    401: "No key, or one that is unknown or revoked",
    403: "The key lacks the scope",
    404: "No such object, or another account's",
    409: "The object's state does not allow this, or the same Idempotency-Key is running",
    422: "Malformed or refused; `code` and `errors` say what to change",
    424: "A rate or a node is away",
    429: "Too many requests",
    503: "The database or Redis is away; nothing was done",
}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {
        "description": MEANINGS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in MEANINGS
}


def router(prefix: str, tag: str) -> APIRouter:
    """Return a router whose routes are transactions and whose refusals are documented."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=TransactionRoute, responses=DOCUMENTED)


def problem(
    request: Request,
    status: int,
    title: str,
    detail: str,
    code: str,
    errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return the answer for a refusal."""
    body = Problem(
        title=title,
        status=status,
        detail=detail,
        code=code,
        request_id=getattr(request.state, "request_id", ""),
        errors=errors or [],
    )
    return JSONResponse(body.model_dump(), status, media_type=MEDIA_TYPE, headers=headers)


async def refused(request: Request, error: Exception) -> JSONResponse:
    """Answer a refusal of ours."""
    assert isinstance(error, GatewayError)
    fields = [FieldError(field=error.field, message=error.detail)] if error.field else []
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return problem(request, error.status, error.title, error.detail, error.code, fields, headers)


async def malformed(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that does not fit its schema."""
    assert isinstance(error, RequestValidationError)
    fields = [
        FieldError(field=".".join(str(part) for part in item["loc"][1:]), message=item["msg"])
        for item in error.errors()
    ]
    return problem(
        request, 422, "Refused", "the request does not fit its schema", "invalid_request", fields
    )


async def http_refused(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    title = TITLES.get(error.status_code, "Refused")
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(methods_of(request)))
    code = title.lower().replace(" ", "_")
    return problem(request, error.status_code, title, str(error.detail), code, headers=headers)


def methods_of(request: Request) -> set[str]:
    """Return every method of the path; the framework tells those of its first route only."""
    path = request.scope["path"]
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(path):
            found.setdefault(str(route.path_format), set()).update(route.methods)
    return next(iter(found.values()), set())


async def database_away(request: Request, error: Exception) -> JSONResponse:
    """Answer 503 when the database is away or too busy: nothing was done, the client may retry."""
    assert isinstance(error, DBAPIError)
    sqlstate = getattr(error.orig, "sqlstate", None)
    away = isinstance(error, OperationalError) or error.connection_invalidated
    if not away and sqlstate not in RETRYABLE_SQLSTATES:
        return await crashed(request, error)
    log.warning("database.away", error=type(error.orig).__name__, sqlstate=sqlstate)
    return problem(
        request,
        503,
        "Unavailable",
        "the database did not answer in time; nothing was done, try again",
        "unavailable",
        headers={"Retry-After": "1"},
    )


async def crashed(request: Request, error: Exception) -> JSONResponse:
    """Answer our own mistake without telling its inside; the log has it under the request's id."""
    log.error("request.crashed", exc_info=error)
    return problem(request, 500, "Error", "this is our mistake; tell us the request_id", "error")


def install(app: FastAPI) -> None:
    """Make every refusal of the app a problem."""
    app.add_exception_handler(GatewayError, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, http_refused)
    app.add_exception_handler(DBAPIError, database_away)
    app.add_exception_handler(Exception, crashed)
