"""What a call raises: one class for each way out that a program may want to take."""

from typing import Any

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """Why the gateway refused (RFC 9457); `code` is for programs, `detail` says what to change."""

    title: str = ""
    status: int = 0
    detail: str = ""
    code: str = "error"
    request_id: str | None = None
    errors: tuple[dict[str, Any], ...] = ()


class MizanError(Exception):
    """The root of what this library raises."""


class ConnectionFailed(MizanError):
    """The gateway did not answer, however often it was asked; a repeated POST is done once."""


class ApiError(MizanError):
    """The gateway answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail}")
        self.problem, self.code, self.status = problem, problem.code, problem.status


class InvalidRequest(ApiError):
    """Malformed or refused (400, 422): `problem.errors` names the fields."""


class Unauthorized(ApiError):
    """No key, or one that is unknown or revoked (401)."""


class Forbidden(ApiError):
    """The key lacks the scope (403)."""


class NotFound(ApiError):
    """No such object, or another account's (404)."""


class Conflict(ApiError):
    """The object's state does not allow this (409)."""


class DependencyAway(ApiError):
    """A rate or a node is away (424): try again later."""


class RateLimited(ApiError):
    """Too many requests (429)."""


class ServerError(ApiError):
    """The gateway cannot serve now (5xx); nothing was done."""


BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
    424: DependencyAway,
    429: RateLimited,
}


def error_of(status: int, body: bytes) -> ApiError:
    """Return the error of an answer, whoever on the way gave it."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.MsgspecError:
        problem = Problem(status=status, detail=body[:200].decode("utf-8", "replace"))
    kind = BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return kind(problem)
