"""Deposit addresses without a private key: CREATE2 vaults of our factory (EIP-1014), and sweeps.

An address depends on the factory, the salt and the vault's init code alone, so it is derived by
hashing, on any machine, and is the same on every chain where our factory is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from gateway.chain.artifacts import call_data, creation_code, selector, topic
from gateway.chain.port import Log

NATIVE = bytes(20)
"""How our contracts' calls and events name the native coin."""
SALT_DOMAIN = b"mizan deposit address 1\0"
SWEEP_TYPES = "address,address,bytes32[]"
SWEPT = topic("Swept(bytes32,address,address,uint256)")
SWEEP_FAILED = topic("SweepFailed(bytes32,address)")


@dataclass(frozen=True, slots=True)
class Swept:
    """One vault's money that arrived at `to`, in chain units; `token` None is the native coin."""

    salt: bytes
    token: bytes | None
    to: bytes
    amount: int
    log_index: int


@dataclass(frozen=True, slots=True)
class SweepFailed:
    """A vault that could not be swept; what it holds is still there."""

    salt: bytes
    token: bytes | None
    log_index: int


def create2(deployer: bytes, salt: bytes, code_hash: bytes) -> bytes:
    """Return the address of a contract created by CREATE2 (EIP-1014)."""
    return keccak(b"\xff" + deployer + salt + code_hash)[12:]


@lru_cache(maxsize=1)
def vault_code_hash() -> bytes:
    """Return the hash of the vault's init code, a constant of the factory."""
    return keccak(creation_code("Vault"))


def salt_of(owner_id: str) -> bytes:
    """Return the salt of an account's or an invoice's address, the same on every chain."""
    return keccak(SALT_DOMAIN + owner_id.encode())


def vault_address(factory: bytes, salt: bytes) -> bytes:
    """Return the deposit address of a salt."""
    return create2(factory, salt, vault_code_hash())


def sweep_call(token: bytes | None, to: bytes, salts: list[bytes]) -> bytes:
    """Return the factory call that empties vaults into `to`; the native coin goes along always."""
    return call_data(f"sweep({SWEEP_TYPES})", token or NATIVE, to, salts)


def read_sweep_call(data: bytes) -> tuple[bytes | None, bytes, list[bytes]] | None:
    """Return token (None: the native coin), destination and salts; None for any other call."""
    if data[:4] != selector(f"sweep({SWEEP_TYPES})"):
        return None
    try:
        token, to, salts = decode(SWEEP_TYPES.split(","), data[4:])
    except DecodingError:
        return None
    place = bytes.fromhex(token[2:])
    named = None if place == NATIVE else place
    return named, bytes.fromhex(to[2:]), [bytes(salt) for salt in salts]


def sweep_events(factory: bytes, logs: Iterable[Log]) -> tuple[list[Swept], list[SweepFailed]]:
    """Return what the factory says of a sweep in its transaction's logs."""
    swept, failed = [], []
    for log in logs:
        if log.address != factory or log.removed:
            continue
        topics = log.topics
        token = topics[2][12:] if len(topics) == 3 else NATIVE
        named = None if token == NATIVE else token
        if topics[0] == SWEPT:
            to, amount = log.data[12:32], int.from_bytes(log.data[32:64], "big")
            swept.append(Swept(topics[1], named, to, amount, log.log_index))
        elif topics[0] == SWEEP_FAILED:
            failed.append(SweepFailed(topics[1], named, log.log_index))
    return swept, failed
