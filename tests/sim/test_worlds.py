"""Worlds in which everything goes wrong, and books that must be right in each of them.

MIZAN_WORLDS says how many; a failing world is shrunk and printed, with what reproduces it. What
happened in all of them is told at the end of the run.
"""

import time
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sim.machine import Worlds
from tests.sim.run import RULES_EACH, SCRIPTED, SEED, WORLDS
from tests.sim.stage import STATS

A_BATCH = 50
"""Worlds in one database: the proofs of the ledger read all of it after each."""
SO_FAR: Counter[str] = Counter()
"""Of all batches in this process: one alone may be without a reversal."""


@pytest.mark.serial
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("batch", range(-(-WORLDS // A_BATCH)))
def test_no_world_loses_or_doubles_anything(
    database: str,
    redis_url: str,
    quiet: None,
    record_property: Callable[[str, object], None],
    batch: int,
) -> None:
    worlds = min(A_BATCH, WORLDS - batch * A_BATCH)
    rules = settings(
        max_examples=worlds,
        stateful_step_count=RULES_EACH,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    print(f"MIZAN_SEED={SEED} repeats this; batch {batch} begins with seed {SEED + batch}")
    began = time.monotonic()
    STATS.clear()
    try:
        run_state_machine_as_test(seed(SEED + batch)(Worlds), settings=rules)
    finally:
        STATS["seconds"] = round(time.monotonic() - began)
        record_property(SCRIPTED, dict(STATS))
    assert worlds < A_BATCH or STATS["credits"] > worlds
    SO_FAR.update(worlds=worlds, reversals=STATS["reversals"])
    assert SO_FAR["worlds"] <= A_BATCH or SO_FAR["reversals"] > 0, "no world takes a credit back"
