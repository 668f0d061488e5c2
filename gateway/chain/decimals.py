"""What a token tells of its decimals."""

from gateway.chain.artifacts import call_data
from gateway.chain.port import Node
from gateway.errors import Refused

DECIMALS_MAX = 36


def token_decimals(node: Node, contract: bytes) -> int:
    """Return what a token says of its decimals; raises Refused when it is no such contract."""
    answer = node.call(contract, call_data("decimals()")) if node.code(contract) else b""
    if len(answer) != 32:
        raise Refused(f"0x{contract.hex()} is no token that tells its decimals", field="contract")
    decimals = int.from_bytes(answer, "big")
    if decimals > DECIMALS_MAX:
        raise Refused(f"0x{contract.hex()} says it has {decimals} decimals", field="contract")
    return decimals
