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
# Transactions of one signer whose block is not known yet: what a pool keeps executable of one
# account (geth's AccountSlots). A revert takes those behind it along; they are planned again.
UNMINED_MAX = 16

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


def gas_limit(estimate: int, most: int = GAS_MAX) -> int | None:
    """Return the gas to send with, None when no transaction can carry it: split the batch.

    `most` is what a block holds, where that is less than what a transaction may carry.
    """
    gas, most = estimate * GAS_HEADROOM_PERCENT // 100, min(most, GAS_MAX)
    if gas <= most:
        return gas
    return most if estimate * 105 // 100 <= most else None


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
