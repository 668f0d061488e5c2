"""EVM addresses: twenty bytes inside, EIP-55 checksummed text outside."""

import re

from eth_utils.address import to_checksum_address

from gateway.errors import InvalidAddress

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def parse_address(text: str, field: str = "to_address") -> bytes:
    """Read an address; lower case is valid, mixed case must carry its checksum (EIP-55).

    Raises InvalidAddress.
    """
    if not ADDRESS.fullmatch(text):
        raise InvalidAddress("an address is 0x and 40 hexadecimal digits", field=field)
    digits = text[2:]
    if digits != digits.lower() and text != to_checksum_address(text):
        raise InvalidAddress("the checksum is wrong: look for a typing mistake", field=field)
    return bytes.fromhex(digits)


def show_address(address: bytes) -> str:
    """Write an address with its EIP-55 checksum."""
    return to_checksum_address(address)
