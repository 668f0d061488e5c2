"""Accounts, their keys, balances and statement, over HTTP."""

from typing import Annotated, Literal, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from gateway.accounts import service
from gateway.accounts.store import Account, ApiKey
from gateway.deposits import service as deposits
from gateway.errors import NotFound
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.ledger.statement import Entry, entries
from gateway.money import Money
from gateway.web.auth import Principal, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Body, Metadata, Name, Text, Time, example

routes = router("/v1/accounts", "accounts")

Reader = Annotated[Principal, Depends(require("accounts:read"))]
Writer = Annotated[Principal, Depends(require("accounts:write"))]
KeyWriter = Annotated[Principal, Depends(require("keys:write"))]


class AccountBody(Body):
    """A new account."""

    model_config = example(handle="karim", kind="person", external_id="user-7")

    handle: Annotated[str, Field(min_length=1, max_length=33, examples=["amira"])]
    kind: Literal["person", "merchant"]
    external_id: Name | None = None
    metadata: Metadata = Field(default_factory=dict)


class AccountShape(BaseModel):
    """An account."""

    id: str
    handle: str
    kind: Literal["person", "merchant"]
    external_id: str | None
    status: Literal["active", "frozen"]
    metadata: dict[str, str]
    created_at: Time

    @classmethod
    def of(cls, account: Account) -> Self:
        """Show an account."""
        return cls.model_validate(
            {
                "id": account.id,
                "handle": account.handle,
                "kind": account.kind,
                "external_id": account.external_id,
                "status": account.status,
                "metadata": account.details,
                "created_at": account.created_at,
            }
        )


class KeyBody(Body):
    """A new key."""

    model_config = example(scopes=["invoices:read", "invoices:write"], name="till")

    scopes: Annotated[list[str], Field(min_length=1, max_length=40)]
    name: Name = "key"


class KeyShape(BaseModel):
    """A key; the secret is shown once, when it is made."""

    id: str
    account: str | None
    name: str
    scopes: list[str]
    secret: str | None = None
    created_at: Time
    revoked_at: Time | None

    @classmethod
    def of(cls, key: ApiKey, secret: str | None = None) -> Self:
        """Show a key."""
        return cls(
            id=key.id,
            account=key.account_id,
            name=key.name,
            scopes=key.scopes,
            secret=secret,
            created_at=key.created_at,
            revoked_at=key.revoked_at,
        )


class BalanceShape(BaseModel):
    """What an account has of one asset."""

    asset: str
    available: str
    held: Annotated[str, Field(description="reserved by withdrawals")]
    pending: Annotated[str, Field(description="deposits still confirming")]


class Balances(BaseModel):
    """What an account has."""

    data: list[BalanceShape]


def visible(session: Tx, principal: Principal, name: str) -> Account:
    """Return the account if it exists for this key; raises NotFound."""
    account = service.get(session, name)
    if not principal.sees(account.id):
        raise NotFound("no such account")
    return account


def write_down(session: Tx, principal: Principal, action: str, subject: str) -> None:
    """Write into the journal what an operator or owner decided."""
    journal.write(session, actor=principal.key_id, action=action, subject=subject)


@routes.post("", status_code=201)
def open_account(body: AccountBody, session: Tx, _: Writer) -> AccountShape:
    """Open an account under a unique handle."""
    return AccountShape.of(
        service.open_account(
            session,
            handle=body.handle,
            kind=body.kind,
            external_id=body.external_id,
            metadata=body.metadata,
        )
    )


@routes.get("")
def list_accounts(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    status: Literal["active", "frozen"] | None = None,
    kind: Literal["person", "merchant"] | None = None,
    external_id: Annotated[Text | None, Query(max_length=80)] = None,
) -> Page[AccountShape]:
    """List accounts, newest first; an account's own key sees that account."""
    rows, more = page(
        session,
        Account,
        where,
        status=status,
        kind=kind,
        external_id=external_id,
        id=principal.account_id,
    )
    return Page(data=[AccountShape.of(row) for row in rows], has_more=more)


@routes.get("/{account}")
def get_account(account: Text, session: Tx, principal: Reader) -> AccountShape:
    """Find an account by id or by @handle."""
    return AccountShape.of(visible(session, principal, account))


@routes.post("/{account}/freeze")
def freeze(account: Text, session: Tx, principal: Writer) -> AccountShape:
    """Stop new debits and holds; what the chain decides still posts."""
    frozen = service.freeze(session, account)
    write_down(session, principal, "account.frozen", frozen.id)
    return AccountShape.of(frozen)


@routes.post("/{account}/unfreeze")
def unfreeze(account: Text, session: Tx, principal: Writer) -> AccountShape:
    """Let money leave the account again."""
    freed = service.unfreeze(session, account)
    write_down(session, principal, "account.unfrozen", freed.id)
    return AccountShape.of(freed)


@routes.get("/{account}/balances")
def balances(account: Text, session: Tx, principal: Reader) -> Balances:
    """Tell what is available, what is held and what is still confirming, by asset."""
    owner = visible(session, principal, account)
    confirming = deposits.confirming(session, owner.id)
    found = ledger.balances(session, owner.id)
    shapes = []
    for asset in ledger.assets(session):
        zero = Money(0, asset)
        balance = found.get(asset.code) or ledger.Balance(zero, zero)
        shapes.append(
            BalanceShape(
                asset=asset.code,
                available=str(balance.available),
                held=str(balance.held),
                pending=str(confirming.get(asset.code, zero)),
            )
        )
    return Balances(data=shapes)


@routes.get("/{account}/entries")
def statement(
    account: Text,
    session: Tx,
    principal: Reader,
    where: ListCursor,
    asset: Annotated[Text | None, Query(max_length=20)] = None,
) -> Page[Entry]:
    """Show the statement: every entry with its running balance and what caused it."""
    owner = visible(session, principal, account)
    rows, more = entries(
        session,
        owner.id,
        limit=where.limit,
        starting_after=where.starting_after,
        asset=asset,
        since=where.created_from,
        until=where.created_to,
    )
    return Page(data=rows, has_more=more)


@routes.post("/{account}/api_keys", status_code=201)
def issue_key(account: Text, body: KeyBody, session: Tx, principal: KeyWriter) -> KeyShape:
    """Make a key for the account. A key can only give scopes it has itself."""
    owner = visible(session, principal, account)
    principal.lend(body.scopes)
    key, secret = service.issue_key(
        session, account_id=owner.id, name=body.name, scopes=frozenset(body.scopes)
    )
    write_down(session, principal, "key.issued", key.id)
    return KeyShape.of(key, secret)


@routes.get("/{account}/api_keys")
def list_keys(
    account: Text, session: Tx, principal: KeyWriter, where: ListCursor
) -> Page[KeyShape]:
    """List the account's keys, without their secrets."""
    owner = visible(session, principal, account)
    rows, more = page(session, ApiKey, where, account_id=owner.id)
    return Page(data=[KeyShape.of(row) for row in rows], has_more=more)


@routes.post("/{account}/api_keys/{key}/revoke")
def revoke_key(account: Text, key: Text, session: Tx, principal: KeyWriter) -> KeyShape:
    """End a key now; doing it again changes nothing."""
    owner = visible(session, principal, account)
    write_down(session, principal, "key.revoked", key)
    return KeyShape.of(service.revoke_key(session, owner.id, key))


@routes.post("/{account}/api_keys/{key}/rotate", status_code=201)
def rotate_key(account: Text, key: Text, session: Tx, principal: KeyWriter) -> KeyShape:
    """Replace a key by a fresh one with the same scopes; the old one ends now."""
    owner = visible(session, principal, account)
    fresh, secret = service.rotate_key(session, owner.id, key)
    write_down(session, principal, "key.rotated", key)
    return KeyShape.of(fresh, secret)
