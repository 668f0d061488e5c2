"""Hold what was signed against what was asked, whoever signed it: field by field, then the key."""

from typing import Any

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak

from gateway.chain.address import show_address
from gateway.chain.signature import recover
from gateway.sending.call import Signed, SignerRefuses

DYNAMIC_FEE = b"\x02"
"""The type of a transaction with a tip and a cap (EIP-1559), and the order of its fields."""
FIELDS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data")
ITEMS = (*FIELDS, "accessList", "v", "r", "s")
SHORT_STRING, LONG_STRING, SHORT_LIST, LONG_LIST = 0x80, 0xB8, 0xC0, 0xF8
LENGTH_BYTES_MAX = 4


def checked(raw: bytes, address: bytes, fields: dict[str, Any]) -> Signed:
    """Return signed bytes that are this transaction, signed by this address, and nothing else.

    Raises SignerRefuses, naming what differs.
    """
    if raw[:1] != DYNAMIC_FEE:
        raise SignerRefuses("signed_other_type")
    found = dict(zip(ITEMS, items(raw[1:]), strict=False))
    if len(found) != len(ITEMS):
        raise SignerRefuses("signed_unreadable")
    for name in FIELDS:
        asked = fields[name]
        if found[name] != (asked if isinstance(asked, bytes) else shortest(asked)):
            raise SignerRefuses(f"signed_other_{name}")
    if found["accessList"]:
        raise SignerRefuses("signed_other_accessList")
    parity, r, s = (int.from_bytes(found[name], "big") for name in ("v", "r", "s"))
    ours = {**fields, "accessList": (), "to": show_address(fields["to"])}
    if recover(bytes(TypedTransaction.from_dict(ours).hash()), r, s, parity) != address:
        raise SignerRefuses("signed_by_another_key")
    # whatever was read above: only the one encoding of our own fields goes out
    if TypedTransaction.from_dict({**ours, "v": parity, "r": r, "s": s}).encode() != raw:
        raise SignerRefuses("signed_unreadable")
    return Signed(raw=raw, hash=keccak(raw))


def shortest(number: int) -> bytes:
    """Return a quantity as RLP has it: big-endian, without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def items(body: bytes) -> list[bytes]:
    """Return the items of an RLP list; a list among them as its bytes. Raises SignerRefuses."""
    start, length = extent(body, 0)
    found, place, end = [], start, start + length
    if body[:1] < bytes([SHORT_LIST]) or end != len(body):
        raise SignerRefuses("signed_unreadable")
    while place < end:
        first, size = extent(body, place)
        found.append(body[first : first + size])
        place = first + size
    return found


def extent(body: bytes, place: int) -> tuple[int, int]:
    """Return where the content of the RLP item at `place` begins and its length in bytes."""
    head = body[place] if place < len(body) else 0
    if head < SHORT_STRING:
        return place, 1
    base, long = (SHORT_STRING, LONG_STRING) if head < SHORT_LIST else (SHORT_LIST, LONG_LIST)
    if head < long:
        return place + 1, head - base
    width = head - long + 1
    if width > LENGTH_BYTES_MAX:
        raise SignerRefuses("signed_unreadable")
    return place + 1 + width, int.from_bytes(body[place + 1 : place + 1 + width], "big")
