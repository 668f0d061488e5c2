"""Our contracts as the compiler left them in abi/: byte code to deploy, and calls to write."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak


@lru_cache(maxsize=16)
def artifact(contract: str) -> dict[str, Any]:
    """Return a contract's artifact: `abi`, `bytecode`, `deployedBytecode`."""
    text = (files("gateway.chain") / "abi" / f"{contract}.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def creation_code(contract: str, *types_and_values: tuple[str, Any]) -> bytes:
    """Return what creates a contract: its byte code and the constructor's arguments."""
    types = [kind for kind, _ in types_and_values]
    values = [value for _, value in types_and_values]
    return bytes.fromhex(artifact(contract)["bytecode"][2:]) + encode(types, values)


def call_data(signature: str, *values: Any) -> bytes:
    """Return a call such as `call_data("transfer(address,uint256)", to, amount)`."""
    types = signature[signature.index("(") + 1 : -1]
    return selector(signature) + encode(types.split(",") if types else [], values)


def selector(signature: str) -> bytes:
    """Return a function's first four bytes."""
    return keccak(text=signature)[:4]


def topic(signature: str) -> bytes:
    """Return an event's first topic."""
    return keccak(text=signature)
