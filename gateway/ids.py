"""Public ids: a prefix that names the noun, then 26 characters that sort by time of creation.

The body is a UUIDv7 (RFC 9562) in Crockford's base 32, so the newest object has the greatest id.
"""

import secrets
import time
from datetime import datetime

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
RANDOM_BITS = 74


def new_id(prefix: str) -> str:
    """Return a new id such as `acct_01JD…`, unique without asking anybody."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(RANDOM_BITS)
    version_and_variant = (milliseconds << 80) | (0x7 << 76) | (random >> 62 << 64)
    number = version_and_variant | (0b10 << 62) | (random & ((1 << 62) - 1))
    return f"{prefix}_{base32(number)}"


def first_id(prefix: str, moment: datetime) -> str:
    """Return the least id that new_id() can make at that moment, to find what is older by it."""
    return f"{prefix}_{base32(int(moment.timestamp() * 1000) << 80)}"


def base32(number: int) -> str:
    """Write a 128-bit number in Crockford's base 32, greatest digit first."""
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(LENGTH)))
