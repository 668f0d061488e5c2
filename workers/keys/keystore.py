"""Keys in encrypted files (Web3 Secret Storage), decrypted on first use and kept in memory only."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from coincurve import PrivateKey
from eth_account import Account
from eth_account.signers.local import LocalAccount

from gateway.chain.address import show_address
from gateway.chain.signature import shorten

log = structlog.get_logger()


@lru_cache(maxsize=64)
def find(address: bytes, place: Path | None, password: str) -> LocalAccount | None:
    """Return the key of an address, None if no file has it. Raises ValueError: wrong password."""
    for file in files(place):
        kept = json.loads(file.read_text())
        if bytes.fromhex(str(kept.get("address", "")).removeprefix("0x")) == address:
            account: LocalAccount = Account.from_key(Account.decrypt(kept, password))
            log.info("key.loaded", address=show_address(address))
            return account
    return None


def files(place: Path | None) -> list[Path]:
    """Return the keystore's files: a folder of them, or one."""
    if place is None:
        return []
    return sorted(place.glob("*.json")) if place.is_dir() else [place]


def sign_transaction(key: LocalAccount, fields: dict[str, Any]) -> bytes:
    """Return the raw transaction, signed."""
    to_sign: dict[str, Any] = {**fields, "to": show_address(fields["to"])}
    return bytes(key.sign_transaction(to_sign).raw_transaction)


def sign_digest(key: LocalAccount, digest: bytes) -> bytes:
    """Return a signature over 32 bytes, in 64 (EIP-2098)."""
    signed = PrivateKey(bytes(key.key)).sign_recoverable(digest, hasher=None)
    r, s = (int.from_bytes(signed[start : start + 32], "big") for start in (0, 32))
    return shorten(r, s, parity=signed[64])
