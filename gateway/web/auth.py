"""Who asks: API keys and their scopes. A key is shown once and stored as a hash.

A key of the house (an operator's) acts for every account; an account's key for that account alone,
and another account's object does not exist for it.
"""

from dataclasses import dataclass

from fastapi import Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.errors import BadRequest, Forbidden, NotFound, Unauthorized
from gateway.scopes import OPERATOR_SCOPES, secret_hash
from gateway.web.requests import Earlier, replay_or_claim

HOUSE = "operator"
"""Under what name the answers to operators are kept."""
# Who holds the key, and what the Idempotency-Key it came with was used for: asked of every request.
HOLDER = """
    select k.id, k.account_id, k.scopes, e.request_hash, e.status, e.body,
        pg_try_advisory_xact_lock(hashtextextended(
            'idempotency ' || coalesce(k.account_id, %(house)s) || ' ' || %(key)s::text, 0))
    from api_key k left join idempotency_key e
        on e.principal = coalesce(k.account_id, %(house)s) and e.key = %(key)s::text
    where k.hash = %(hash)s and k.revoked_at is null
"""

IDEMPOTENCY_KEY = "Idempotency-Key"


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


class ApiKey(SecurityBase):
    """The dependency that admits any key.

    It reads the headers itself: each as a dependency would cost as much as asking who holds it.
    """

    model = HTTPBearer(description="An API key: sk_…")
    scheme_name = "HTTPBearer"

    async def __call__(self, request: Request) -> Principal:
        """Return the key's holder; raises Unauthorized without a good key."""
        given = request.headers.get("authorization")
        scheme, secret = get_authorization_scheme_param(given)
        if scheme.lower() != "bearer" or not secret:
            raise Unauthorized("send Authorization: Bearer sk_…")
        key = request.headers.get(IDEMPOTENCY_KEY) if request.method == "POST" else None
        asked = {"hash": secret_hash(secret), "key": key, "house": HOUSE}
        row = db.ask(request.state.session, HOLDER, asked).fetchone()
        if row is None:
            raise Unauthorized("this API key is unknown or revoked")
        key_id, account_id, scopes, request_hash, status, body, mine = row
        request.state.earlier = Earlier(key, bool(mine), request_hash, status, body)
        return Principal(key_id, account_id, frozenset(scopes))


authenticate = ApiKey()


@dataclass(frozen=True)
class Require(ApiKey):
    """The dependency that admits a key with this scope and answers a repeated POST.

    With `idempotency_key` the POST must carry one: money must not move twice by a lost answer.
    """

    scope: str
    idempotency_key: bool = False

    async def __call__(self, request: Request) -> Principal:
        """Return the key's holder; raises Unauthorized, Forbidden, and as replay_or_claim."""
        principal = await super().__call__(request)
        if self.scope not in principal.scopes:
            raise Forbidden(f"this key lacks the scope {self.scope}", code="scope_missing")
        earlier: Earlier = request.state.earlier
        if self.idempotency_key and earlier.key is None:
            raise BadRequest("send an Idempotency-Key", code="idempotency_key_required")
        # after the scope, and by account: a rotated key must find the answers of the old one
        replay_or_claim(request, principal.account_id or HOUSE, earlier)
        return principal


def require(scope: str, *, idempotency_key: bool = False) -> Require:
    """Return what a route depends on to be asked with a key of this scope only."""
    assert scope in OPERATOR_SCOPES, scope
    return Require(scope, idempotency_key)
