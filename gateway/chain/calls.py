"""Calls of our contracts for set-up, written from the ABI the compiler left, so a wrong name fails.

Only the command line uses this: web3 takes seconds to import, and what the workers send again and
again is packed by hand (payout.py, vaults.py) and held against the same ABI by a test.
"""

from functools import lru_cache
from typing import Any

from eth_utils.conversions import to_bytes
from web3 import Web3
from web3.contract import Contract

from gateway.chain.artifacts import artifact


@lru_cache(maxsize=8)
def contract_of(name: str) -> type[Contract]:
    """Return web3's view of one of our contracts."""
    return Web3().eth.contract(abi=artifact(name)["abi"])


def call_of(contract: str, function: str, *values: Any) -> bytes:
    """Return the call data of a function; raises web3's error for an unknown one."""
    return to_bytes(hexstr=contract_of(contract).encode_abi(function, args=list(values)))
