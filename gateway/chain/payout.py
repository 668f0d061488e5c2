"""The payout vault's calls and events: payments packed in words, one call for a whole batch.

A payment is one word: the recipient in the high 20 bytes, the amount in the low 12 (units of the
chain). A recipient that could not be paid is logged as `Failed(seq, payment)` by the vault. A vault
with an approver takes a batch only with the approver's signature over it (EIP-712).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from gateway.chain.artifacts import artifact, call_data, selector, topic
from gateway.chain.port import Log, Node
from gateway.chain.store import Chain
from gateway.errors import Refused

AMOUNT_BYTES = 12
AMOUNT_MAX = 2 ** (8 * AMOUNT_BYTES) - 1
WORD = 32
FAILED = topic("Failed(uint256,bytes32)")
PAID = topic("Paid(address,uint256,address,uint256,uint256)")


DOMAIN_TYPE = keccak(
    text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
DOMAIN_NAME, DOMAIN_VERSION = keccak(text="Mizan payout vault"), keccak(text="1")
PAYOUT_TYPE = keccak(
    text="Payout(address operator,uint256 sequence,address token,bytes32[] payments,"
    "uint256 deadline)"
)
NATIVE = bytes(20)
APPROVAL_GAS = 12_000
"""What checking an approval costs at most: 9,200 were measured with a hundred payments."""


@dataclass(frozen=True, slots=True)
class Approval:
    """The approver's word: good until `deadline` (Unix seconds), signed in 64 bytes (EIP-2098)."""

    deadline: int
    signature: bytes


def payment(to: bytes, units: int) -> bytes:
    """Pack one payment. Raises Refused when the amount needs more than 96 bits."""
    if not 0 < units <= AMOUNT_MAX:
        raise Refused(
            "the amount is more than one payment can carry", code="invalid_amount", field="amount"
        )
    return to + units.to_bytes(AMOUNT_BYTES, "big")


def pay_call(
    token: bytes | None, seq: int, payments: Sequence[bytes], approval: Approval | None = None
) -> bytes:
    """Return the call data that pays a batch; `token` None is the native coin."""
    name, values = "payNative", [seq, list(payments)]
    kinds = "uint256,bytes32[]"
    if token is not None:
        name, values, kinds = "payToken", [token, *values], f"address,{kinds}"
    if approval is not None:
        kinds += ",uint256,bytes32,bytes32"
        values += [approval.deadline, approval.signature[:WORD], approval.signature[WORD:]]
    return call_data(f"{name}({kinds})", *values)


PAY_TYPES = ("uint256,bytes32[]", "uint256,bytes32[],uint256,bytes32,bytes32")
"""A batch's call without and with an approval; a token's has the token before it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as a call to the vault carries it; `token` None is the native coin."""

    token: bytes | None
    seq: int
    payments: list[bytes]


def read_pay_call(data: bytes) -> Batch | None:
    """Return the batch of a call that `pay_call` wrote; None for any other call."""
    for kinds in PAY_TYPES:
        for name, types in (("payNative", kinds), ("payToken", f"address,{kinds}")):
            if data[:4] != selector(f"{name}({types})"):
                continue
            try:
                values = list(decode(types.split(","), data[4:]))
            except DecodingError:
                return None
            token = bytes.fromhex(values.pop(0)[2:]) if name == "payToken" else None
            return Batch(token, values[0], [bytes(one) for one in values[1]])
    return None


def approval_digest(
    *,
    chain_id: int,
    vault: bytes,
    operator: bytes,
    seq: int,
    token: bytes | None,
    payments: Sequence[bytes],
    deadline: int,
) -> bytes:
    """Return what an approver signs for a batch (EIP-712): this vault, chain and operator only."""
    domain = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, chain_id, vault],
        )
    )
    content = keccak(
        encode(
            ["bytes32", "address", "uint256", "address", "bytes32", "uint256"],
            [PAYOUT_TYPE, operator, seq, token or NATIVE, keccak(b"".join(payments)), deadline],
        )
    )
    return keccak(b"\x19\x01" + domain + content)


def estimate(node: Node, chain: Chain, *, operator: bytes, data: bytes) -> int:
    """Return the gas a batch needs now; `data` is its call without an approval.

    A vault with an approver is asked as if it had none, and the approval's gas is added: it does
    not exist yet. Raises NodeError when the batch would revert, NodeAway.
    """
    if chain.payout_approver is None:
        return node.estimate_gas(sender=operator, to=chain.payout_vault, data=data)
    plain = bytes.fromhex(artifact("PayoutVault")["deployedBytecode"][2:])
    gas = node.estimate_gas(sender=operator, to=chain.payout_vault, data=data, code=plain)
    return gas + APPROVAL_GAS


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
