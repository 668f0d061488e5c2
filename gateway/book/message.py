"""The message whose signature proves an address (EIP-4361), and the check of the signature.

A plain account signs it as a personal message (EIP-191); a contract says itself what is a good
signature (ERC-1271), on its own chain: the same address elsewhere proves nothing.
"""

from datetime import datetime
from urllib.parse import urlsplit

from coincurve import PublicKey
from eth_utils.crypto import keccak

from gateway.chain.address import show_address
from gateway.chain.artifacts import call_data
from gateway.chain.port import Node, NodeError

STATEMENT = "I control this address and take my withdrawals to it."
SIGNATURE_BYTES = 65
MAGIC = bytes.fromhex("1626ba7e")
"""What isValidSignature(bytes32,bytes) returns for a good signature (ERC-1271)."""
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def write(
    *, base_url: str, address: bytes, chain_id: int, nonce: str, at: datetime, until: datetime
) -> str:
    """Return the text to sign."""
    return (
        f"{urlsplit(base_url).netloc} wants you to sign in with your Ethereum account:\n"
        f"{show_address(address)}\n\n{STATEMENT}\n\n"
        f"URI: {base_url}\nVersion: 1\nChain ID: {chain_id}\nNonce: {nonce}\n"
        f"Issued At: {at:%Y-%m-%dT%H:%M:%SZ}\nExpiration Time: {until:%Y-%m-%dT%H:%M:%SZ}"
    )


def digest(message: str) -> bytes:
    """Return what is signed of a personal message (EIP-191, version 0x45)."""
    body = message.encode()
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(body)).encode() + body)


def signer_of(hash_: bytes, signature: bytes) -> bytes | None:
    """Return the address whose key signed a hash; None for what is no signature (EIP-2: low s)."""
    if len(signature) != SIGNATURE_BYTES:
        return None
    recovery = signature[64] - 27 if signature[64] >= 27 else signature[64]
    if recovery not in (0, 1) or int.from_bytes(signature[32:64], "big") > HALF_ORDER:
        return None
    try:
        key = PublicKey.from_signature_and_message(
            signature[:64] + bytes([recovery]), hash_, hasher=None
        )
    except ValueError:
        return None
    return keccak(key.format(compressed=False)[1:])[12:]


def is_signed_by(node: Node, address: bytes, message: str, signature: bytes) -> bool:
    """True if the holder of an address signed the message. Raises NodeAway."""
    hash_ = digest(message)
    if signer_of(hash_, signature) == address:
        return True
    if not node.code(address):
        return False
    try:
        answer = node.call(address, call_data("isValidSignature(bytes32,bytes)", hash_, signature))
    except NodeError:
        return False
    return answer[:4] == MAGIC
