"""Bugs that are planted on purpose, and what of the simulator notices each of them.

A world that has its bug must fail, by the invariant that is named; without one it must not. With
MIZAN_PLANTED_WORLDS random worlds look for each bug, too, so many at most.
"""

import ast
import inspect
import sys
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sim import chain_rules, invariants, machine
from tests.sim.bugs import Bug, Villain
from tests.sim.bugs_of_the_chain import OF_THE_CHAIN
from tests.sim.bugs_of_the_watcher import OF_THE_WATCHER
from tests.sim.machine import Worlds
from tests.sim.run import PLANTED_WORLDS, SEED
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


@pytest.mark.skipif(not PLANTED_WORLDS, reason="make nightly looks for them in random worlds")
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_random_worlds_tell_that(bug: Bug, ground: pytest.MonkeyPatch) -> None:
    for edit in bug.edits:
        edit.plant(ground)
    failures: list[AssertionError] = []

    class Told(Worlds):
        def teardown(self) -> None:
            try:
                failures.extend(
                    one for one in (sys.exc_info()[1],) if isinstance(one, AssertionError)
                )
                super().teardown()
            except AssertionError as error:
                failures.append(error)
                raise

    STATS.clear()
    rules = settings(
        max_examples=PLANTED_WORLDS,
        stateful_step_count=12,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with suppress(Exception):
        run_state_machine_as_test(seed(SEED)(Told), settings=rules)
    assert failures, f"{STATS['worlds']} worlds by seed {SEED} do not tell"
    print(f"{STATS['worlds']} worlds by seed {SEED} tell: {str(failures[0])[:300]}")
