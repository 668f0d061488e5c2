"""Every refusal, as one tree: class -> code -> HTTP status (RFC 9457 problem+json).

GatewayError
├─ BadRequest            400  idempotency_key_required
├─ Unauthorized          401
├─ Forbidden             403  scope_missing, same_person
├─ NotFound              404
├─ Conflict              409  request_in_progress, wrong_state, order_id_taken, …
├─ Refused               422  what the caller can change
│  ├─ InvalidAmount
│  ├─ InvalidAddress
│  ├─ UnknownAsset
│  ├─ UnknownChain
│  ├─ InsufficientFunds
│  ├─ AccountFrozen
│  └─ KeyReused
└─ DependencyAway        424  a rate or a node we need for the answer
"""

from typing import ClassVar


class GatewayError(Exception):
    """A refusal with its code and HTTP status; `detail` says what the caller can change."""

    status: ClassVar[int] = 500
    code: str = "error"
    title: ClassVar[str] = "Error"

    def __init__(self, detail: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.field = field


class BadRequest(GatewayError):
    """The request lacks something it must carry."""

    status, code, title = 400, "bad_request", "Bad request"


class Unauthorized(GatewayError):
    """No API key, or one we do not know or have revoked."""

    status, code, title = 401, "unauthorized", "Unauthorized"


class Forbidden(GatewayError):
    """The key is good, but may not do this."""

    status, code, title = 403, "forbidden", "Forbidden"


class NotFound(GatewayError):
    """No such object, or another account's: the answer is the same."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(GatewayError):
    """The object's present state does not allow this."""

    status, code, title = 409, "conflict", "Conflict"


class Refused(GatewayError):
    """Well-formed, understood and refused; the caller can change it."""

    status, code, title = 422, "refused", "Refused"


class InvalidAmount(Refused):
    """Not a plain positive decimal the asset can express."""

    code = "invalid_amount"


class InvalidAddress(Refused):
    """Not an EVM address, a wrong EIP-55 checksum, or one money must not go to."""

    code = "invalid_address"


class UnknownAsset(Refused):
    """No such asset, or not on that chain."""

    code = "unknown_asset"


class UnknownChain(Refused):
    """No such chain here."""

    code = "unknown_chain"


class InsufficientFunds(Refused):
    """The available balance, holds included, is less than the amount."""

    code = "insufficient_funds"


class AccountFrozen(Refused):
    """The account is frozen: nothing new may leave it."""

    code = "account_frozen"


class KeyReused(Refused):
    """The Idempotency-Key came before with another request."""

    code = "idempotency_key_reused"


class DependencyAway(GatewayError):
    """A rate source or a node we need did not answer."""

    status, code, title = 424, "dependency_away", "Failed dependency"
