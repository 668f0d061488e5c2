"""Who asks: API keys and their scopes. A key is shown once and stored as a hash.

A key of the house (an operator's) acts for every account; an account's key for that account alone,
and another account's object does not exist for it.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.errors import BadRequest, Forbidden, NotFound, Unauthorized
from gateway.scopes import OPERATOR_SCOPES, secret_hash
from gateway.web.requests import Tx, replay_or_claim

HOLDER = "select id, account_id, scopes from api_key where hash = %s and revoked_at is null"

bearer = HTTPBearer(auto_error=False, description="An API key: sk_…")


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a key: an account, or the house when `account_id` is None."""

    key_id: str
    account_id: str | None
    scopes: frozenset[str]

    @property
    def is_operator(self) -> bool:
        """True for a key of the house."""
        return self.account_id is None

    def own(self, account_id: str | None) -> str:
        """Return the account meant: the key's own, or for an operator the one named.

        Raises NotFound for another account's, BadRequest when an operator names none.
        """
        if self.account_id is None:
            if account_id is None:
                raise BadRequest("an operator's key must name the account", code="account_required")
            return account_id
        if account_id not in (None, self.account_id):
            raise NotFound("no such account")
        return self.account_id

    def lend(self, scopes: list[str]) -> None:
        """Raise Forbidden unless the holder has every scope it gives to another key."""
        missing = sorted(set(scopes) & OPERATOR_SCOPES - self.scopes)
        if missing:
            raise Forbidden(f"this key cannot give {', '.join(missing)}", code="scope_missing")

    def sees(self, account_id: str | None) -> bool:
        """True if an object of this account exists for the holder."""
        return self.account_id is None or self.account_id == account_id


def owner_named(session: Session, principal: Principal, name: str | None) -> str:
    """Return the account meant, named by id or @handle. Raises as Principal.own, and NotFound."""
    if name is not None and name.startswith("@"):
        name = accounts.get(session, name).id
    return principal.own(name)


def owner_listed(session: Session, principal: Principal, name: str | None) -> str | None:
    """Return the account whose objects a list shows, None for all that an operator sees."""
    if name is None:
        return principal.account_id
    return owner_named(session, principal, name)


async def authenticate(
    request: Request,
    session: Tx,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    idempotency_key: Annotated[
        str | None,
        Header(description="Makes a POST safe to repeat: the first 2xx answer is replayed."),
    ] = None,
) -> Principal:
    """Return the key's holder; raises Unauthorized without a good key."""
    if credentials is None:
        raise Unauthorized("send Authorization: Bearer sk_…")
    row = (
        session.connection()
        .exec_driver_sql(HOLDER, (secret_hash(credentials.credentials),))
        .one_or_none()
    )
    if row is None:
        raise Unauthorized("this API key is unknown or revoked")
    request.state.idempotency_key = idempotency_key
    return Principal(row.id, row.account_id, frozenset(row.scopes))


@dataclass(frozen=True)
class Require:
    """The dependency that admits a key with this scope and answers a repeated POST.

    With `idempotency_key` the POST must carry one: money must not move twice by a lost answer.
    """

    scope: str
    idempotency_key: bool = False

    async def __call__(
        self, request: Request, session: Tx, principal: Annotated[Principal, Depends(authenticate)]
    ) -> Principal:
        """Return the key's holder; raises Forbidden, BadRequest, and as replay_or_claim."""
        if self.scope not in principal.scopes:
            raise Forbidden(f"this key lacks the scope {self.scope}", code="scope_missing")
        if self.idempotency_key and request.state.idempotency_key is None:
            raise BadRequest("send an Idempotency-Key", code="idempotency_key_required")
        # after the scope, and by account: a rotated key must find the answers of the old one
        replay_or_claim(
            request, session, principal.account_id or "operator", request.state.idempotency_key
        )
        return principal


def require(scope: str, *, idempotency_key: bool = False) -> Require:
    """Return what a route depends on to be asked with a key of this scope only."""
    assert scope in OPERATOR_SCOPES, scope
    return Require(scope, idempotency_key)
