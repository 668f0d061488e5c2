"""Webhooks: what arrives is believed only after its signature (Standard Webhooks 1.0)."""

from collections.abc import Mapping

import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

from mizan_client.errors import MizanError
from mizan_client.models import Event


class SignatureInvalid(MizanError):
    """Nobody who knows the secret signed this, or it was signed more than five minutes ago."""


def verify(body: bytes | str, headers: Mapping[str, str], secret: str) -> Event:
    """Return the event of a request; raises SignatureInvalid, and ValueError for what is no secret.

    `body` as it came, before anything parsed it; `secret` is the endpoint's `whsec_…`.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    known = Webhook(secret)
    try:
        known.verify(body, lower)
    except (WebhookVerificationError, ValueError) as error:  # ValueError: no UTF-8, no base64
        raise SignatureInvalid(str(error)) from error
    return msgspec.json.decode(body, type=Event)
