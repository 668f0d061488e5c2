"""Worlds that once were wrong, each as short as it could be made."""

import pytest

from tests.sim.machine import Worlds


@pytest.fixture
def world(database: str, redis_url: str, quiet: None) -> Worlds:
    return Worlds()


def begun(
    world: Worlds, *, endpoints: int = 1, tags: bool = False, confirmations: int = 4
) -> Worlds:
    world.begin(
        endpoints=endpoints,
        confirmations=confirmations,
        finalized_lag=5,
        minimum=1,
        tags=tags,
        internal=False,
        archive=False,
        tag=None,
    )
    return world


@pytest.mark.parametrize("at", range(1, 10, 2))
def test_one_that_is_overtaken_while_it_walks_back_calls_nobody(world: Worlds, at: int) -> None:
    """The other process has taken back what the first one compares with: that is no deep fork."""
    begun(world).busy()
    world.two_followers(at=at, most=1, instead=False, fates=("same",))
    world.teardown()


def test_one_endpoint_that_calls_its_newest_block_final_is_not_believed(world: Worlds) -> None:
    begun(world, endpoints=2, tags=True).lie(place=0, kind="early", depth=1)
    world.teardown()


@pytest.mark.parametrize("at", [60, 75, 90])
def test_what_a_dead_process_left_is_not_credited_while_another_chain_is_shown(
    world: Worlds, at: int
) -> None:
    begun(world, tags=True).deep_fork(below=1, steps=3, at=at)
    world.teardown()


def test_silence_about_a_token_nobody_lists_is_noticed_too(world: Worlds) -> None:
    begun(world, endpoints=2).lie(place=0, kind="empty_logs", depth=1)
    world.mine_now([[[(0, "junk", 1_000)]]], again=False)
    world.catch_up()
    world.teardown()


def test_who_only_rests_keeps_a_late_one_from_taking_back(world: Worlds) -> None:
    """The other endpoint did not answer for a moment: it is not read yet, and it can tell."""
    begun(world, endpoints=2, confirmations=1).busy()
    world.catch_up()
    world.trouble(place=1, kind="down")
    world.steps(2)
    world.heal()
    world.trouble(place=0, kind="lag")
    world.steps(10)
    world.books_are_honest()
    world.teardown()


@pytest.mark.parametrize("kind", ["foreign_logs", "duplicate_logs"])
def test_what_no_block_could_tell_is_no_disagreement(world: Worlds, kind: str) -> None:
    """The endpoint that says it is benched, and it alone: the other one goes on."""
    begun(world, endpoints=2).busy()
    world.catch_up()
    world.trouble(place=1, kind=kind)
    world.catch_up()
    assert world.is_at_head()
    assert world.follower.pool.healthy() == [world.follower.pool.nodes[0]]
    world.teardown()


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("before", [0, 4, 12])
def test_who_steps_back_for_a_moment_does_not_leave_a_liar_alone(
    world: Worlds, before: int, place: int
) -> None:
    begun(world, endpoints=2, confirmations=1).quiet(blocks=6, seconds=0)
    world.catch_up()
    world.quiet(blocks=1, seconds=0)
    world.busy()
    world.lie(place=place, kind="fork", depth=1)
    world.steps(before)
    world.rollback(depth=3)
    world.books_are_honest()
    world.teardown()
