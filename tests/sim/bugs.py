"""What a planted bug is, and who brings it to light."""

from enum import StrEnum

from tests.sim.planting import Edit
from tests.sim.scenes import Scene

NEVER_FINAL = "was credited and was never final"
LOST = "on the chain, and not credited"
NOT_THERE = "credited, and not on the chain"

STATUSES = "(rules.CONFIRMING, rules.CREDITED)"
AT_OLD = "and hash is not distinct from :old_hash"
"""Pieces of the product that several bugs are put into."""


class Villain(StrEnum):
    """Whom the worlds are about; NOBODY is a day without any."""

    NOBODY = "an ordinary day"
    SEVERAL = "several transfers in one transaction"
    REORG = "a reorganisation"
    DOUBLE_SPEND = "a double spend"
    MINED_AGAIN = "the same transaction, mined elsewhere"
    CLOCK = "a clock that jumps"
    LAG = "a node that is late"
    SLOW = "a node that hangs"
    EMPTY = "empty logs"
    LEFT_OUT = "a log that is left out"
    DUPLICATE = "duplicate logs"
    CAP = "logs that are cut off"
    TWO_NODES = "two nodes that disagree"
    ARCHIVE = "a node that tells old branches"
    CRASH = "a crash at any statement"
    SECOND = "a second watcher"
    REDIS = "a lost Redis"
    NEWCOMER = "an address that is paid at once"


class Bug:
    """What is wrong, who brings it to light, what the broken invariant says, and in which world."""

    def __init__(
        self, wrong: str, villain: Villain, breaks: str, scene: Scene, *edits: Edit
    ) -> None:
        self.wrong, self.villain, self.breaks = wrong, villain, breaks
        self.scene, self.edits = scene, edits

    def __str__(self) -> str:
        return f"{self.wrong}, shown by {self.villain}"
