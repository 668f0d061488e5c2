"""When money should move between the payout vault and the treasury, and how much. Pure.

Amounts are ledger units. What the vault should hold is `least` <= `target` <= `most`, counted after
everything that waits is paid.
"""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["refill", "drain"]


@dataclass(frozen=True, slots=True)
class Position:
    """One asset on one chain: `hot` and `treasury` by the ledger, `leaving` of it sent and not
    final, `waiting` approved withdrawals, `coming` what sweeps can bring to the vault.

    `seen`: what the node says the vault can still spend, None while it is away.
    """

    hot: int
    leaving: int
    waiting: int
    coming: int
    treasury: int
    target: int
    least: int = 0
    most: int | None = None
    seen: int | None = None

    @property
    def free(self) -> int:
        """What the vault can still spend, by the ledger."""
        return self.hot - self.leaving


@dataclass(frozen=True, slots=True)
class Proposal:
    """Move `units` from the treasury to the vault (refill), or back (drain)."""

    direction: Direction
    units: int


def lacking(position: Position) -> int:
    """Return what the vault lacks to its target once it is below its least; 0 while it is not.

    The node's word counts where there is one: a refill may have arrived that no book knows yet.
    """
    spendable = position.free if position.seen is None else position.seen
    after = spendable + position.coming - position.waiting
    return position.target - after if after < position.least else 0


def spare(position: Position) -> int:
    """Return what is above the target once the vault holds more than its most; else 0."""
    spendable = position.free if position.seen is None else min(position.free, position.seen)
    left = spendable - position.waiting
    return left - position.target if position.most is not None and left > position.most else 0


def proposal(position: Position, step: int = 1) -> Proposal | None:
    """Return what should move now: whole `step`s, never more than there is; None: nothing.

    `step` is what one unit of the chain is in the ledger's.
    """
    wanted = -(-lacking(position) // step) * step
    refill = min(wanted, max(0, position.treasury) // step * step)
    if refill:
        return Proposal("refill", refill)
    drain = spare(position) // step * step
    return Proposal("drain", drain) if drain else None
