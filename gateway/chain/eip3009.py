"""Transfers that a token makes on its holder's signature (EIP-3009), typed and hashed (EIP-712).

Times are seconds since 1970, values base units of the token. Nothing here signs.
"""

from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from gateway.chain import signature
from gateway.chain.address import show_address
from gateway.chain.artifacts import call_data, selector
from gateway.chain.port import Node, NodeError, tohex

TYPE = "TransferWithAuthorization"
FIELDS = (
    ("from", "address"),
    ("to", "address"),
    ("value", "uint256"),
    ("validAfter", "uint256"),
    ("validBefore", "uint256"),
    ("nonce", "bytes32"),
)
DOMAIN_FIELDS = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
SPLIT = ("uint8", "bytes32", "bytes32")
"""The signature as v, r, s."""
TRANSFER = f"transferWithAuthorization({','.join([kind for _, kind in FIELDS] + list(SPLIT))})"
SIGNATURE_BYTES = 65
V_OF_EVEN = 27
UINT256_MAX = 2**256 - 1


@dataclass(frozen=True, slots=True)
class Domain:
    """Which token on which chain a signature is for."""

    name: str
    version: str
    chain_id: int
    contract: bytes

    @property
    def separator(self) -> bytes:
        """Return the domain's hash (EIP-712)."""
        return keccak(
            encode(
                ["bytes32", "bytes32", "bytes32", "uint256", "address"],
                [
                    type_hash("EIP712Domain", DOMAIN_FIELDS),
                    keccak(text=self.name),
                    keccak(text=self.version),
                    self.chain_id,
                    self.contract,
                ],
            )
        )


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a holder signs: so much to there, once per nonce, after one time, before another."""

    payer: bytes
    to: bytes
    value: int
    valid_after: int
    valid_before: int
    nonce: bytes

    @property
    def values(self) -> list[Any]:
        """Return the fields in the order of the type."""
        times = [self.valid_after, self.valid_before]
        return [self.payer, self.to, self.value, *times, self.nonce]

    def digest(self, domain: Domain) -> bytes:
        """Return the 32 bytes that are signed (EIP-712)."""
        kinds = ["bytes32", *(kind for _, kind in FIELDS)]
        struct = keccak(encode(kinds, [type_hash(TYPE, FIELDS), *self.values]))
        return keccak(b"\x19\x01" + domain.separator + struct)

    def signed_by(self, domain: Domain, signed: bytes) -> bytes | None:
        """Return the address whose key made the 65 bytes r, s, v; None if it is nobody's."""
        if len(signed) != SIGNATURE_BYTES:
            return None
        r, s = int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:64], "big")
        return signature.recover(self.digest(domain), r, s, parity(signed[64]))

    def call(self, signed: bytes) -> bytes:
        """Return the token's call that makes the transfer; anybody may send it."""
        v = V_OF_EVEN + parity(signed[64])
        return call_data(TRANSFER, *self.values, v, signed[:32], signed[32:64])


def parity(v: int) -> int:
    """Return the parity that a signature's last byte says: 27 and 28, or 0 and 1 as some write."""
    return v - V_OF_EVEN if v >= V_OF_EVEN else v


def type_hash(name: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    """Return the hash of a type (EIP-712)."""
    return keccak(text=f"{name}({','.join(f'{kind} {field}' for field, kind in fields)})")


def typed_data(domain: Domain, wanted: Authorization) -> dict[str, Any]:
    """Return what a wallet is asked to sign by eth_signTypedData_v4."""
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in DOMAIN_FIELDS],
            TYPE: [{"name": name, "type": kind} for name, kind in FIELDS],
        },
        "primaryType": TYPE,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": show_address(domain.contract),
        },
        "message": {
            "from": show_address(wanted.payer),
            "to": show_address(wanted.to),
            "value": str(wanted.value),
            "validAfter": str(wanted.valid_after),
            "validBefore": str(wanted.valid_before),
            "nonce": tohex(wanted.nonce),
        },
    }


def read_transfer(data: bytes) -> Authorization | None:
    """Return the authorization of a token's call, None for any other call."""
    if data[:4] != selector(TRANSFER):
        return None
    try:
        found = decode([kind for _, kind in FIELDS], data[4:])
    except DecodingError:
        return None
    payer, to, value, after, before, nonce = found
    places = bytes.fromhex(payer[2:]), bytes.fromhex(to[2:])
    return Authorization(*places, int(value), int(after), int(before), bytes(nonce))


def is_used(node: Node, contract: bytes, payer: bytes, nonce: bytes) -> bool:
    """True if the token has seen this payer's nonce, used or cancelled. Raises NodeAway."""
    answer = node.call(contract, call_data("authorizationState(address,bytes32)", payer, nonce))
    return any(answer)


def separator_of(node: Node, contract: bytes) -> bytes | None:
    """Return the domain's hash as the token has it now; None if it tells none. Raises NodeAway."""
    try:
        answer = node.call(contract, call_data("DOMAIN_SEPARATOR()"))
    except NodeError:
        return None
    return answer if len(answer) == 32 else None


def domain_of(node: Node, contract: bytes, chain_id: int) -> Domain | None:
    """Return the domain a token tells, by EIP-5267 or as USDC does by name() and version().

    None unless its DOMAIN_SEPARATOR() is this domain's, and it knows authorizations.
    Raises NodeAway.
    """
    told = by_5267(node, contract, chain_id) or by_names(node, contract, chain_id)
    if told is None or separator_of(node, contract) != told.separator:
        return None
    try:
        is_used(node, contract, bytes(20), bytes(32))
    except NodeError:
        return None
    return told


def by_5267(node: Node, contract: bytes, chain_id: int) -> Domain | None:
    """Return the domain of eip712Domain() (EIP-5267), None if there is no such function."""
    kinds = ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"]
    try:
        found = decode(kinds, node.call(contract, call_data("eip712Domain()")))
    except (NodeError, DecodingError):
        return None
    return Domain(found[1], found[2], chain_id, contract)


def by_names(node: Node, contract: bytes, chain_id: int) -> Domain | None:
    """Return the domain made of name() and version(), None if one is missing."""
    try:
        name, version = (
            decode(["string"], node.call(contract, call_data(f"{question}()")))[0]
            for question in ("name", "version")
        )
    except (NodeError, DecodingError):
        return None
    return Domain(name, version, chain_id, contract)
