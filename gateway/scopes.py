"""What an API key may do, and how its secret is stored."""

import hashlib
import secrets

ACCOUNT_SCOPES = frozenset(
    {
        "accounts:read",
        "addresses:write",
        "deposits:read",
        "events:read",
        "invoices:read",
        "invoices:write",
        "keys:write",
        "reports:read",
        "transfers:read",
        "transfers:write",
        "webhooks:read",
        "webhooks:write",
        "withdrawals:read",
        "withdrawals:write",
    }
)
OPERATOR_SCOPES = ACCOUNT_SCOPES | {
    "accounts:write",
    "inbox:read",
    "inbox:write",
    "operations:read",
    "operations:write",
    "withdrawals:approve",
}
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a fresh API key."""
    return f"sk_{secrets.token_urlsafe(SECRET_BYTES)}"


def secret_hash(secret: str) -> bytes:
    """Return what is stored of a key. A plain hash will do: the key has 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()
