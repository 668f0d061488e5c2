"""How many worlds a run plays, by which seed, and what it says of them in the end."""

import os
import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

WORLDS = int(os.environ.get("MIZAN_WORLDS", "100"))
ANVIL_WORLDS = int(os.environ.get("MIZAN_ANVIL_WORLDS", "3"))
PLANTED_WORLDS = int(os.environ.get("MIZAN_PLANTED_WORLDS", "0"))
SEED = int(os.environ.get("MIZAN_SEED", "0")) or random.SystemRandom().getrandbits(32)
RULES_EACH = 12
"""What happens in a world, at most."""
SCRIPTED, ANVIL = "worlds of a scripted chain", "worlds of Anvil"
PLANTED = "random worlds until a planted bug is told"
"""The properties of a test's report that say what happened in its worlds."""


def one_seed() -> None:
    """Have every process of this run begin with the same seed."""
    os.environ["MIZAN_SEED"] = str(SEED)


def seen(reports: Iterable[Any]) -> dict[str, Counter[str]]:
    """Return what all tests together saw, by the kind of their worlds."""
    together: dict[str, Counter[str]] = {name: Counter() for name in (SCRIPTED, ANVIL, PLANTED)}
    for report in reports:
        if getattr(report, "when", None) == "call":
            for name, what in report.user_properties:
                if name in together:
                    together[name].update(what)
    return {name: what for name, what in together.items() if what}
