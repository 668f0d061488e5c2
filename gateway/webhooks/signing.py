"""Sign a webhook as Standard Webhooks 1.0 says, so that any of its libraries verifies it."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

SECRET_BYTES = 32
PREFIX = "whsec_"


def new_secret() -> str:
    """Return a fresh signing secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(keys: Sequence[str], *, event_id: str, body: str, at: datetime) -> dict[str, str]:
    """Return the three headers; one signature per secret, the newest first."""
    signatures = [Webhook(key).sign(event_id, at, body) for key in keys]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
