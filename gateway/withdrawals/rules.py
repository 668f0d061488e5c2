"""Which status follows which, and what a withdrawal costs. Pure.

The table is the machine: what is not in it cannot happen.
"""

from decimal import ROUND_UP, Decimal

from gateway.errors import Conflict
from gateway.money import Asset, Money

REQUESTED, HELD, APPROVED, SENT = "requested", "held", "approved", "sent"
CONFIRMED, FAILED, REJECTED, CANCELLED = "confirmed", "failed", "rejected", "cancelled"
ENDS = frozenset({CONFIRMED, FAILED, REJECTED, CANCELLED})
UNSENT = (REQUESTED, HELD, APPROVED)
# Why a withdrawal waits that the chain may have paid already: a backup was restored.
BEHIND_CHAIN = "behind_chain"

# (from, what happens) -> to
MACHINE: dict[tuple[str, str], str] = {
    (REQUESTED, "hold"): HELD,
    (REQUESTED, "allow"): APPROVED,
    (REQUESTED, "refuse"): REJECTED,
    (REQUESTED, "cancel"): CANCELLED,
    (HELD, "approve"): APPROVED,
    (HELD, "reject"): REJECTED,
    (HELD, "cancel"): CANCELLED,
    (APPROVED, "cancel"): CANCELLED,
    (APPROVED, "send"): SENT,
    # a list that came since names its target
    (APPROVED, "hold"): HELD,
    (SENT, "confirm"): CONFIRMED,
    (SENT, "fail"): FAILED,
    # its whole transaction reverted, finally: it was not paid, and its number is free again
    (SENT, "replan"): APPROVED,
}

# Gas of a payout with one recipient, the dearest usual case: a new account for the native coin, a
# first holder of a proxied token. A batch is cheaper; who asks alone is not charged less.
PAYOUT_GAS = {"native": 62_000, "token": 70_000}
# Of an asset's decimals, those that a fee leaves alone: USDC cents, millionths of ETH.
FEE_DECIMALS_KEPT = 3


def follow(status: str, happening: str) -> str:
    """Return the next status; raises Conflict when this cannot happen now."""
    after = MACHINE.get((status, happening))
    if after is None:
        raise Conflict(f"the withdrawal is {status}", code="wrong_state")
    return after


def gas_price_wei(base_fee: int, tip: int) -> int:
    """Return what a unit of gas is expected to cost."""
    return base_fee + tip


def fee(*, kind: str, gas_price: int, asset: Asset, rate: Decimal, native_decimals: int) -> Money:
    """Return the fee for one payout, rounded up to a unit people read.

    `rate` is units of `asset` for one unit of the native coin, `native_decimals` the decimals
    the chain counts its native coin in.
    """
    cost = Decimal(PAYOUT_GAS[kind] * gas_price).scaleb(-native_decimals) * rate
    step = fee_step(asset)
    units = (cost.scaleb(asset.decimals) / step).to_integral_value(rounding=ROUND_UP)
    return Money(max(int(units), 1) * step, asset)


def fee_step(asset: Asset) -> int:
    """Return the base units a fee is a multiple of: a third of the decimals stays."""
    return int(10 ** (asset.decimals - asset.decimals // FEE_DECIMALS_KEPT))
