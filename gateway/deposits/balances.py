"""The native coin of many addresses at one block, in one call where the node can do that."""

from typing import Any

from gateway.chain.evm import Evm
from gateway.chain.port import NodeError, tohex, unhex

WORD = 32
READER_ADDRESS = bytes.fromhex("6d697a616e".rjust(40, "f"))
"""Where the reader is put for the call; nothing is there, so nothing is hidden by it."""
READER = bytes.fromhex(
    "6000"  # PUSH1 0: the offset, in the call data and in the answer
    "5b"  # again:
    "803614"  # DUP1 CALLDATASIZE EQ
    "601457"  # PUSH1 end JUMPI
    "803531"  # DUP1 CALLDATALOAD BALANCE
    "8152"  # DUP2 MSTORE
    "602001"  # PUSH1 32 ADD
    "600256"  # PUSH1 again JUMP
    "5b"  # end:
    "6000f3"  # PUSH1 0 RETURN
)
"""Code that answers a list of addresses, a word each, with their balances, a word each."""


def balances(node: Evm, addresses: list[bytes], block_hash: bytes) -> list[int]:
    """Return the balances in wei, in order.

    By code that exists for this call only (a state override of eth_call, which geth brought up and
    most nodes have), else by a question for each address. Raises NodeAway; NodeError when the node
    no longer has that block's state, or not on its chain.
    """
    return read_at_once(node, addresses, block_hash) or node.balances(addresses, None, block_hash)


def read_at_once(node: Evm, addresses: list[bytes], block_hash: bytes) -> list[int] | None:
    """Return the balances, None where the node does not run the reader."""
    data = b"".join(address.rjust(WORD, b"\0") for address in addresses)
    call = {"to": tohex(READER_ADDRESS), "data": tohex(data)}
    at = {"blockHash": tohex(block_hash), "requireCanonical": True}
    override: Any = {tohex(READER_ADDRESS): {"code": tohex(READER)}}
    try:
        answer = unhex(node.ask("eth_call", [call, at, override], str))
    except NodeError:
        # what is wrong with the block itself, the plain question will say
        return None
    if len(answer) != len(data):
        return None
    return [
        int.from_bytes(answer[start : start + WORD], "big") for start in range(0, len(answer), WORD)
    ]
