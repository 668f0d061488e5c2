"""The payout vault's calls and events: payments packed in words, one call for a whole batch.

A payment is one word: the recipient in the high 20 bytes, the amount in the low 12 (units of the
chain). A recipient that could not be paid is logged as `Failed(seq, payment)` by the vault.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from gateway.chain.artifacts import call_data, topic
from gateway.chain.port import Log
from gateway.errors import Refused

AMOUNT_BYTES = 12
AMOUNT_MAX = 2 ** (8 * AMOUNT_BYTES) - 1
WORD = 32
FAILED = topic("Failed(uint256,bytes32)")
PAID = topic("Paid(address,uint256,address,uint256,uint256)")


def payment(to: bytes, units: int) -> bytes:
    """Pack one payment. Raises Refused when the amount needs more than 96 bits."""
    if not 0 < units <= AMOUNT_MAX:
        raise Refused(
            "the amount is more than one payment can carry", code="invalid_amount", field="amount"
        )
    return to + units.to_bytes(AMOUNT_BYTES, "big")


def pay_call(token: bytes | None, seq: int, payments: Sequence[bytes]) -> bytes:
    """Return the call data that pays a batch; `token` None is the native coin."""
    if token is None:
        return call_data("payNative(uint256,bytes32[])", seq, list(payments))
    return call_data("payToken(address,uint256,bytes32[])", token, seq, list(payments))


def seq_call(operator: bytes) -> bytes:
    """Return the call data that asks for an operator's next sequence number."""
    return call_data("seq(address)", operator)


def read_seq(answer: bytes) -> int:
    """Read the answer to `seq_call`."""
    return int.from_bytes(answer[:WORD], "big")


def failed_payments(logs: Iterable[Log], vault: bytes, seq: int) -> Counter[bytes]:
    """Return the payments of batch `seq` that the vault passed over, each as often as it was."""
    wanted = (FAILED, seq.to_bytes(WORD, "big"))
    return Counter(
        log.data[:WORD] for log in logs if log.address == vault and log.topics[:2] == wanted
    )


def was_paid(logs: Iterable[Log], vault: bytes, operator: bytes, seq: int) -> bool:
    """True if the vault says it ran batch `seq` of this operator: a status alone proves little."""
    wanted = (PAID, operator.rjust(WORD, b"\0"), seq.to_bytes(WORD, "big"))
    return any(log.address == vault and log.topics[:3] == wanted for log in logs)
