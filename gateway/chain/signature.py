"""Whose key signed: an address recovered from a signature over 32 bytes. No key is here."""

from coincurve import PublicKey
from eth_utils.crypto import keccak

HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Of the two values of s that a signature can have, the higher is refused (EIP-2)."""
PARITY = 1 << 255


def recover(digest: bytes, r: int, s: int, parity: int) -> bytes | None:
    """Return the address that signed the digest, None if it is nobody's signature or s is high."""
    if not (0 < s <= HALF_ORDER and 0 < r < 2**256 and parity in (0, 1)):
        return None
    joined = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        key = PublicKey.from_signature_and_message(joined, digest, hasher=None)
    except ValueError:
        return None
    return keccak(key.format(compressed=False)[1:])[-20:]


def shorten(r: int, s: int, parity: int) -> bytes:
    """Return a signature in 64 bytes: the parity is the highest bit of s (EIP-2098)."""
    return r.to_bytes(32, "big") + (s | parity * PARITY).to_bytes(32, "big")


def recover_short(digest: bytes, signature: bytes) -> bytes | None:
    """Return the address that signed the digest, as `recover`, from 64 bytes (EIP-2098)."""
    last = int.from_bytes(signature[32:64], "big")
    return recover(digest, int.from_bytes(signature[:32], "big"), last % PARITY, last // PARITY)
