"""Secrets at rest: sealed with the application's key, so that a copy of the database signs nothing.

AES-256-GCM (NIST SP 800-38D) with a fresh 96-bit nonce each; the endpoint's id is authenticated
with it, so a sealed secret cannot be moved to another row. The name of the key stands in front:
several keys may be given, of which the first seals and all open.
"""

import base64
import binascii
import hashlib
import secrets
import tempfile
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.settings import settings

KEY_BYTES = 32
NONCE_BYTES = 12
NAME_CHARACTERS = 8
PREFIX = "sealed:"
FILE = "webhook-key"


class Unsealable(Exception):
    """The secret was sealed with a key this process was not given, or was tampered with."""


def seal(secret: str, *, endpoint_id: str) -> str:
    """Return the secret as it is stored. Raises RuntimeError without a key."""
    name, key = next(iter(keys().items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, secret.encode(), endpoint_id.encode())
    return f"{PREFIX}{name}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(stored: str, *, endpoint_id: str) -> str:
    """Return the secret; one stored before secrets were sealed is as it is. Raises Unsealable."""
    if not stored.startswith(PREFIX):
        return stored
    name, _, body = stored.removeprefix(PREFIX).partition(":")
    key = keys().get(name)
    if key is None:
        raise Unsealable(f"no key {name!r} was given to open the secret of {endpoint_id}")
    try:
        blob = base64.b64decode(body)
        opened = AESGCM(key).decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], endpoint_id.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable(f"the secret of {endpoint_id} is not what was sealed") from error
    return opened.decode()


def keys() -> dict[str, bytes]:
    """Return the keys by name, the sealing one first.

    They are in MIZAN_WEBHOOK_KEYS (or the file it names); development makes one and keeps it in the
    gateway's own folder. Raises RuntimeError in production without one.
    """
    given = settings().webhook_secret_keys
    if given:
        return parsed(given)
    if not settings().development:
        raise RuntimeError("production needs MIZAN_WEBHOOK_KEYS to seal webhook secrets")
    return parsed(made(settings().home / FILE))


@lru_cache(maxsize=8)
def parsed(given: str) -> dict[str, bytes]:
    """Read keys in base64, separated by spaces. Raises ValueError for one of another length."""
    found = {}
    for text in given.split():
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError("a webhook key is base64") from error
        if len(key) != KEY_BYTES:
            raise ValueError(f"a webhook key has {KEY_BYTES} bytes")
        found[hashlib.sha256(key).hexdigest()[:NAME_CHARACTERS]] = key
    return found


@lru_cache(maxsize=8)
def made(path: Path) -> str:
    """Return development's key, made by whichever process asks first."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:  # mode 0600
            draft.write(new_key())
            draft.flush()
            try:
                path.hardlink_to(draft.name)  # fails where another process was first
            except FileExistsError:
                return path.read_text().strip()
    return path.read_text().strip()


def new_key() -> str:
    """Return a fresh key as MIZAN_WEBHOOK_KEYS takes it."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
