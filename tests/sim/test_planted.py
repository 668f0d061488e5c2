"""Bugs that are planted on purpose, and what of the simulator notices each of them.

A world that has its bug must fail, by the invariant that is named; without one it must not. With
MIZAN_PLANTED_WORLDS random worlds look for each bug, too, so many at most: what they do not come
upon is told, and says how rare it is, not that anything is wrong.
"""

import ast
import inspect
import sys
from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sim import chain_rules, invariants, machine
from tests.sim.bugs import Bug, Villain
from tests.sim.bugs_of_the_chain import OF_THE_CHAIN
from tests.sim.bugs_of_the_watcher import OF_THE_WATCHER
from tests.sim.machine import Worlds
from tests.sim.run import PLANTED, PLANTED_WORLDS, RULES_EACH, SEED
from tests.sim.scenes import Scene, Stagehand
from tests.sim.stage import STATS

BUGS = (*OF_THE_CHAIN, *OF_THE_WATCHER)
REST_STEPS = 40


@pytest.fixture
def ground(
    database: str, redis_url: str, quiet: None, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """Where bugs are planted; what is planted goes with the test, the database with it."""
    return monkeypatch


def played(scene: Scene, ground: pytest.MonkeyPatch) -> None:
    """Do what a world is about, then let it rest; what a bug keeps from that is given up soon."""
    ground.setattr(machine, "REST_STEPS_MAX", REST_STEPS)
    world = Stagehand()
    try:
        scene(world)
    finally:
        world.teardown()


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_a_world_tells_that(bug: Bug, ground: pytest.MonkeyPatch) -> None:
    for edit in bug.edits:
        edit.plant(ground)
    with pytest.raises(AssertionError, match=bug.breaks):
        played(bug.scene, ground)


def test_the_same_worlds_are_right_without_a_bug(ground: pytest.MonkeyPatch) -> None:
    for scene in {bug.scene: None for bug in BUGS}:
        played(scene, ground)


def test_each_villain_and_each_invariant_has_a_bug() -> None:
    assert {bug.villain for bug in BUGS} == set(Villain)
    for said in assertions():
        assert any(bug.breaks in said for bug in BUGS), f"nothing breaks {said!r}"


def assertions() -> list[str]:
    """Return what every assertion about a world says."""
    said = []
    for module in (invariants, chain_rules, machine):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Assert):
                assert node.msg is not None, f"line {node.lineno} of {module.__name__} says nothing"
                said.append(told(node.msg))
    return said


def told(message: ast.expr) -> str:
    """Return what a message says, each value as 0."""
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in parts)


class Telling(Worlds):
    """Worlds that remember which assertions failed."""

    told: ClassVar[list[AssertionError]] = []

    def teardown(self) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, AssertionError):
            self.told.append(error)
        try:
            super().teardown()
        except AssertionError as late:
            self.told.append(late)
            raise


def random_worlds() -> str:
    """Play worlds until one fails; returns how they ended."""
    Telling.told.clear()
    STATS.clear()
    rules = settings(
        max_examples=PLANTED_WORLDS,
        stateful_step_count=RULES_EACH,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(SEED)(Telling), settings=rules)
    except Exception as error:  # what a world with a bug ends with is what is to be told
        return f"{type(error).__name__}: {error}"
    return "all is right"


@pytest.mark.skipif(not PLANTED_WORLDS, reason="make nightly looks for them in random worlds")
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_random_worlds_tell_that(
    bug: Bug, ground: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    for edit in bug.edits:
        edit.plant(ground)
    end = random_worlds()
    if not Telling.told:
        pytest.xfail(f"{STATS['worlds']} worlds by MIZAN_SEED={SEED} do not tell: {end}")
    print(f"{STATS['worlds']} worlds by MIZAN_SEED={SEED} tell: {Telling.told[0]}")
    record_property(PLANTED, {str(bug): STATS["worlds"]})
