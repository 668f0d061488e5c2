"""Open, find, freeze accounts; issue and revoke their keys."""

from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway import scopes as keys
from gateway.accounts import rules
from gateway.accounts.store import Account, ApiKey, find
from gateway.errors import AccountFrozen, Conflict, NotFound, Refused
from gateway.ids import new_id
from gateway.ledger import service as ledger


def open_account(
    session: Session,
    *,
    handle: str,
    kind: str,
    external_id: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Account:
    """Open an account. Raises Conflict when the handle or the external id is taken."""
    account = Account(
        id=new_id("acct"),
        handle=rules.clean_handle(handle),
        kind=kind,
        external_id=external_id,
        details=metadata or {},
    )
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError as error:
        if "external_id" in str(error.orig):
            raise Conflict("this external_id has an account", code="external_id_taken") from error
        raise Conflict(f"the handle {account.handle} is taken", code="handle_taken") from error
    return account


def get(session: Session, name: str) -> Account:
    """Return the account by id or @handle; raises NotFound."""
    account = find(session, name)
    if account is None:
        raise NotFound("no such account")
    return account


def get_active(session: Session, name: str) -> Account:
    """Return an account that money may leave; raises NotFound or AccountFrozen."""
    account = get(session, name)
    if account.status == "frozen":
        raise AccountFrozen("the account is frozen")
    return account


def freeze(session: Session, account_id: str) -> Account:
    """Stop new debits and holds of the account; what the chain decides still posts."""
    return set_status(session, account_id, "frozen")


def unfreeze(session: Session, account_id: str) -> Account:
    """Let money leave the account again."""
    return set_status(session, account_id, "active")


def freeze_credit(session: Session, account_id: str, frozen: bool) -> Account:
    """Let nobody pay into the account, or again; what the chain brings is kept apart for it."""
    account = get(session, account_id)
    account.credit_frozen = frozen
    ledger.freeze_credit(session, account.id, frozen)
    session.flush()
    return account


def set_status(session: Session, account_id: str, status: str) -> Account:
    """Set the status on the account and, in the same transaction, on its ledger accounts."""
    account = get(session, account_id)
    account.status = status
    ledger.freeze(session, account.id, status == "frozen")
    session.flush()
    return account


def issue_key(
    session: Session, *, account_id: str | None, name: str, scopes: frozenset[str]
) -> tuple[ApiKey, str]:
    """Make a key; returns it with its secret, which is stored nowhere. Raises Refused."""
    allowed = keys.OPERATOR_SCOPES if account_id is None else keys.ACCOUNT_SCOPES
    unknown = sorted(scopes - allowed)
    if unknown or not scopes:
        raise Refused(
            f"scopes are some of {', '.join(sorted(allowed))}", code="unknown_scope", field="scopes"
        )
    secret = keys.new_secret()
    key = ApiKey(
        id=new_id("key"),
        account_id=account_id,
        name=name,
        hash=keys.secret_hash(secret),
        scopes=sorted(scopes),
    )
    session.add(key)
    session.flush()
    session.refresh(key)
    return key, secret


def own_key(session: Session, account_id: str, key_id: str) -> ApiKey:
    """Return a key of this account; raises NotFound."""
    key = session.get(ApiKey, key_id)
    if key is None or key.account_id != account_id:
        raise NotFound("no such key")
    return key


def revoke_key(session: Session, account_id: str, key_id: str) -> ApiKey:
    """End a key; doing it again changes nothing."""
    key = own_key(session, account_id, key_id)
    key.revoked_at = key.revoked_at or datetime.now(UTC)
    session.flush()
    return key


def rotate_key(session: Session, account_id: str, key_id: str) -> tuple[ApiKey, str]:
    """Replace a key by a fresh one with the same scopes. Raises Conflict if it is revoked."""
    old = own_key(session, account_id, key_id)
    if old.revoked_at is not None:
        raise Conflict("this key is revoked", code="wrong_state")
    revoke_key(session, account_id, key_id)
    return issue_key(session, account_id=account_id, name=old.name, scopes=frozenset(old.scopes))
