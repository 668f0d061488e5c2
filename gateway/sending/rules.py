"""What may be sent, for how much gas, and in which order states follow. Pure.

Fees are wei a unit of gas, as EIP-1559 has them: `tip` is the priority fee, `cap` the most a unit
may cost. Sources: EIP-1559 (fees), EIP-7825 (gas of one transaction).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

BATCH_MAX = 100
GAS_MAX = 2**24  # EIP-7825: no transaction may carry more
GAS_HEADROOM_PERCENT = 120
GWEI = 10**9
TIP_MIN_WEI = 1
CAP_MAX_WEI = 1_000 * GWEI
FEE_MAX_WEI = 10**18
# How many base fees the cap leaves room for: the base fee can double in six blocks (EIP-1559).
BASE_FEES_COVERED = 2
# A pool replaces only what pays clearly more on both fees; 12.5 % passes every client.
BUMP_NUMERATOR, BUMP_DENOMINATOR = 1125, 1000
# Payouts of one signer whose block is not known yet. More would be safe, because a sequence
# number is used once; one keeps a revert from taking others along.
UNMINED_MAX = 1

KNOWN = (
    "already known",
    "known transaction",
    "already imported",
    "same hash was already imported",
)
CONSUMED = ("nonce too low", "nonce is too low", "oldnonce")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Fees:
    """What a unit of gas may cost, wei."""

    tip: int
    cap: int


def fees(base_fee: int, tip: int) -> Fees:
    """Return fees that stay valid while the base fee rises for a few blocks."""
    tip = max(tip, TIP_MIN_WEI)
    return Fees(tip=tip, cap=tip + BASE_FEES_COVERED * base_fee)


def bumped(old: Fees, fresh: Fees) -> Fees:
    """Return fees that replace a transaction of the same nonce in every client's pool."""
    return Fees(tip=max(raised(old.tip), fresh.tip), cap=max(raised(old.cap), fresh.cap))


def raised(fee: int) -> int:
    """Return the fee times 1.125, rounded up, plus one."""
    return -(-fee * BUMP_NUMERATOR // BUMP_DENOMINATOR) + 1


def gas_limit(estimate: int) -> int | None:
    """Return the gas to send with, None when no transaction can carry it: split the batch."""
    gas = estimate * GAS_HEADROOM_PERCENT // 100
    if gas <= GAS_MAX:
        return gas
    return GAS_MAX if estimate * 105 // 100 <= GAS_MAX else None


def refusal_of_fees(*, gas: int, tip: int, cap: int) -> str | None:
    """Return why these fees are beyond what a signer signs, None if they are not."""
    if not 0 < gas <= GAS_MAX:
        return "gas_out_of_range"
    if not 0 <= tip <= cap:
        return "tip_above_cap"
    if cap > CAP_MAX_WEI or gas * cap > FEE_MAX_WEI:
        return "fee_above_ceiling"
    return None


def fitting(items: Sequence[tuple[Item, int]], room: int, most: int = BATCH_MAX) -> list[Item]:
    """Return the items whose amounts fit into `room`, in order; one too large is passed over."""
    chosen: list[Item] = []
    for item, amount in items:
        if amount <= room and len(chosen) < most:
            chosen.append(item)
            room -= amount
    return chosen


def confirmations(head: int, block: int) -> int:
    """Return the depth of a block: the newest block has one confirmation."""
    return max(0, head - block + 1)


def outcome(error: str | None) -> str:
    """Name what a node's answer to a raw transaction means for us.

    "sent" and "known" are alike; "consumed" is settled by the nonce; whatever else, a timeout
    included, counts as sent, because it may have been.
    """
    if error is None:
        return "sent"
    said = error.lower()
    if any(words in said for words in KNOWN):
        return "known"
    if any(words in said for words in CONSUMED):
        return "consumed"
    if "underpriced" in said or "less than block base fee" in said:
        return "underpriced"
    if "insufficient funds" in said:
        return "no_gas_money"
    return "uncertain"
