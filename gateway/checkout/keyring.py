"""The key that signs payment instructions: in one file, read by the API alone.

The first key of the file signs. Those before it stay published without their secret half, so that
what they signed can still be verified. It signs words for payers: no key of it moves money.
"""

import base64
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.settings import settings

FORMER_KEPT_MAX = 20
FILE = "page-keys.json"


def base64url(data: bytes) -> str:
    """Write bytes as JOSE does: base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """Read what base64url() wrote."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of this gateway: `public` newest first, `secret` the newest one's other half."""

    secret: Ed25519PrivateKey | None
    public: tuple[bytes, ...]

    def sign(self, message: bytes) -> tuple[str, bytes] | None:
        """Return the key's id and its Ed25519 signature (RFC 8032); None without a key."""
        if self.secret is None:
            return None
        return key_id(self.public[0]), self.secret.sign(message)


EMPTY = Keyring(None, ())


def key_id(public: bytes) -> str:
    """Return the name of a key: its JWK thumbprint (RFC 7638; RFC 8037, A.3)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": base64url(public)}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url(hashlib.sha256(canonical.encode()).digest())


def place() -> Path:
    """Return where the file is: MIZAN_PAGE_KEYS, else in the gateway's own folder."""
    return settings().page_keys or settings().home / FILE


def keyring() -> Keyring:
    """Return the keys as the file has them now; none where production was given no file.

    Development makes its file itself. Raises ValueError for a file that is none of ours.
    """
    path = place()
    if not path.exists():
        if not settings().development:
            return EMPTY
        begin(path)
    return read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def read(path: Path, _changed: int) -> Keyring:
    """Read the file; once for each time it was written."""
    try:
        keys: list[dict[str, Any]] = json.loads(path.read_text())["keys"]
        secret = Ed25519PrivateKey.from_private_bytes(bytes_of(keys[0]["d"]))
        public = tuple(bytes_of(key["x"]) for key in keys)
        for one in public:
            Ed25519PublicKey.from_public_bytes(one)
    except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} holds no page keys") from error
    if raw(secret.public_key()) != public[0]:
        raise ValueError(f"{path}: the halves of its first key do not belong together")
    return Keyring(secret, public)


def raw(public: Ed25519PublicKey) -> bytes:
    """Return the 32 bytes of a public key."""
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def new_key() -> dict[str, str]:
    """Make a key, as the file has it: `d` is the secret half (RFC 8037, 2)."""
    secret = Ed25519PrivateKey.generate()
    seed = secret.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return {"d": base64url(seed), "x": base64url(raw(secret.public_key()))}


def begin(path: Path) -> None:
    """Make the file with its first key, unless another process was faster."""
    draft = write_draft(path, [new_key()])
    try:
        os.link(draft, path)
    except FileExistsError:
        return  # the other one's key is as good
    finally:
        draft.unlink()


def rotate(path: Path) -> Keyring:
    """Put a new key first and forget the secret half of the one before; returns the keys."""
    former = read(path, path.stat().st_mtime_ns).public if path.exists() else ()
    kept = [{"x": base64url(public)} for public in former[:FORMER_KEPT_MAX]]
    os.replace(write_draft(path, [new_key(), *kept]), path)
    return read(path, path.stat().st_mtime_ns)


def write_draft(path: Path, keys: list[dict[str, str]]) -> Path:
    """Write the keys beside `path`, for their owner's eyes alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    with open(opened, "w") as file:
        json.dump({"keys": keys}, file)
        file.flush()
        os.fsync(file.fileno())
    return Path(draft)
