"""When hot and cold funds should move: never too much, never to and fro."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.treasury.rules import Position, Proposal, lacking, proposal, spare

UNITS = st.integers(0, 60)
STEPS = st.sampled_from([1, 2, 7])
"""Ledger units of one unit of the chain."""


@st.composite
def positions(draw: st.DrawFn) -> Position:
    least, target, most = sorted(draw(st.tuples(UNITS, UNITS, UNITS)))
    return Position(
        hot=draw(st.integers(-20, 200)),
        leaving=draw(UNITS),
        waiting=draw(UNITS),
        coming=draw(UNITS),
        treasury=draw(st.integers(-20, 200)),
        target=target,
        least=least,
        most=draw(st.one_of(st.none(), st.just(most))),
        seen=draw(st.one_of(st.none(), st.integers(0, 200))),
    )


def after(position: Position, made: Proposal) -> Position:
    """The position when the proposal was signed, mined and booked."""
    units = made.units if made.direction == "refill" else -made.units
    seen = None if position.seen is None else position.seen + units
    return replace(
        position, hot=position.hot + units, treasury=position.treasury - units, seen=seen
    )


@given(positions(), STEPS)
def test_a_proposal_can_be_signed_as_it_is(position: Position, step: int) -> None:
    made = proposal(position, step)
    if made is None:
        return
    assert made.units > 0
    assert made.units % step == 0
    if made.direction == "refill":
        assert made.units <= position.treasury
    else:
        assert made.units <= position.free - position.waiting - position.target


@given(positions(), STEPS)
def test_what_was_done_is_not_asked_again_and_never_undone(position: Position, step: int) -> None:
    made = proposal(position, step)
    if made is None:
        return
    left = after(position, made)
    again = proposal(left, step)
    if made.direction == "refill" and made.units < lacking(position):
        assert left.treasury < step  # the treasury had no more
    assert again is None


@given(positions())
def test_a_refill_pays_what_waits_and_leaves_the_target(position: Position) -> None:
    made = proposal(position)
    if made is None or made.direction != "refill" or made.units < lacking(position):
        return
    spendable = position.free if position.seen is None else position.seen
    assert spendable + position.coming - position.waiting < position.least
    assert spendable + made.units + position.coming - position.waiting == position.target


@given(positions())
def test_a_drain_begins_above_the_most_and_leaves_the_target(position: Position) -> None:
    made = proposal(position)
    if made is None or made.direction != "drain":
        return
    spendable = position.free if position.seen is None else min(position.free, position.seen)
    assert position.most is not None
    assert spendable - position.waiting > position.most
    assert spendable - position.waiting - made.units == position.target


@given(positions())
def test_between_least_and_most_nothing_moves(position: Position) -> None:
    spendable = position.free if position.seen is None else position.seen
    most = spendable if position.most is None else position.most
    if position.least <= spendable - position.waiting <= most:
        assert (proposal(position), lacking(position), spare(position)) == (None, 0, 0)


def test_a_refill_that_arrived_and_is_in_no_book_is_not_asked_for_twice() -> None:
    position = Position(
        hot=0, leaving=0, waiting=5, coming=0, treasury=100, target=10, least=5, seen=None
    )
    assert proposal(position) == Proposal("refill", 15)
    assert proposal(replace(position, seen=15)) is None


def test_what_sweeps_bring_is_not_asked_of_the_treasury() -> None:
    position = Position(hot=0, leaving=0, waiting=5, coming=15, treasury=100, target=10, least=10)
    assert proposal(position) is None
    assert proposal(replace(position, coming=14)) == Proposal("refill", 1)
