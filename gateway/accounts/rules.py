"""What a handle may look like."""

import re

from gateway.errors import Refused

HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,30}[a-z0-9])?", re.ASCII)
RESERVED = frozenset({"admin", "house", "mizan", "operator", "root", "support", "system"})


def clean_handle(text: str) -> str:
    """Return the handle in its one form: lower case, no @. Raises Refused.

    ASCII only: look-alike letters of other scripts would let one handle pass for another.
    """
    handle = text.removeprefix("@").lower()
    if not HANDLE.fullmatch(handle):
        raise Refused(
            "a handle has 1 to 32 letters a-z, digits, dot, dash or underscore,"
            " and begins and ends with a letter or digit",
            code="invalid_handle",
            field="handle",
        )
    if handle in RESERVED:
        raise Refused(f"the handle {handle} is reserved", code="handle_reserved", field="handle")
    return handle
