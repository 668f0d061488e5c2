"""Native coin as events: chains with EIP-7708 write a Transfer for every movement of value.

The events are among the Transfer events that were read anyway, so nothing more is asked. Fees and
issuance have no event; what is not paid by a call stays for the balance probe.
"""

from gateway.chain.evm import Evm
from gateway.chain.port import Header, Log
from gateway.deposits import rules
from gateway.deposits.native.port import TOP_LEVEL, Move

SYSTEM_ADDRESS = "0xfffffffffffffffffffffffffffffffffffffffe"
"""Whose events these are (EIP-7708)."""


class TransferLogs:
    """Reads the events at hand."""

    name = "transfer_logs"

    def moves(self, node: Evm, headers: list[Header], logs: list[list[Log]]) -> list[list[Move]]:
        """Return every Transfer of the system address, in its transaction's order."""
        del node, headers
        return [moved(own) for own in logs]


def moved(logs: list[Log]) -> list[Move]:
    """Return one block's moves.

    A transaction's own value is moved, and told, before its code runs, so it is the first; a
    first one that a contract moved has that place too, and nothing else can have it.
    """
    found: list[Move] = []
    seen: dict[str, int] = {}
    for log in logs:
        if log.address_hex.lower() != SYSTEM_ADDRESS or log.removed:
            continue
        if rules.transfer_of(log.topics_hex, log.data_hex) is None:
            continue
        place = seen[log.tx_hash_hex] = seen.get(log.tx_hash_hex, -1) + 1
        sender, to = ("0x" + topic[rules.ADDRESS_AT :] for topic in log.topics_hex[1:])
        position = f"{TOP_LEVEL}.event{place}" if place else TOP_LEVEL
        found.append(Move(log.tx_hash_hex, position, sender, to, log.data_hex))
    return found
