"""Contracts that move native coin in every way there is, for the tests of what sees it."""

from tests.chain.money_in import created, hexed
from tests.conftest import TestNode

COPY_AND_RETURN = "60{size:02x}600c60003960{size:02x}6000f3"
TO = "600035"  # PUSH1 0 CALLDATALOAD: the address in the call data
NO_DATA = "6000600060006000"  # nothing in, nothing out
CALL, CALLCODE = "5af150", "5af250"  # GAS CALL POP
CALLVALUE, SELFBALANCE = "34", "47"
HASH_FIRST = NO_DATA + "60025afa50"  # STATICCALL of the SHA-256 precompile


def runtime(*parts: str) -> str:
    """Return the code that makes a contract of these instructions."""
    code = "".join(parts) + "00"
    return "0x" + COPY_AND_RETURN.format(size=len(code) // 2) + code


FORWARD_AFTER_PRECOMPILE = runtime(HASH_FIRST, NO_DATA, CALLVALUE, TO, CALL)
FORWARD_BY_CALLCODE = runtime(NO_DATA, CALLVALUE, TO, CALLCODE)
GIVE_ALL = runtime(NO_DATA, SELFBALANCE, TO, CALL)
"""Gives all it has: how much that is depends on what came before."""


def contract(anvil: TestNode, code: str) -> bytes:
    """Create a contract in a block of its own."""
    return created(anvil, {"data": code})


def pay_through(
    anvil: TestNode, through: bytes, to: bytes, value: int, sender: int = 8, **fields: str
) -> str:
    """Put a call of one of these contracts into the pool; returns its hash."""
    asked = {
        "from": anvil.accounts()[sender],
        "to": hexed(through),
        "data": hexed(to.rjust(32, b"\0")),
        "value": hex(value),
        "gas": hex(300_000),
        **fields,
    }
    return str(anvil.call("eth_sendTransaction", asked))
