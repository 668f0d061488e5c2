"""What counts as a payment, when it is final, and what a reorganisation makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.deposits import rules

FROM, TO = "0x" + "00" * 12 + "aa" * 20, "0x" + "00" * 12 + "bb" * 20
ONE = "0x" + "00" * 31 + "01"


def test_a_transfer_is_read() -> None:
    found = rules.transfer_of([rules.TRANSFER, FROM, TO], ONE)
    assert found == (b"\xaa" * 20, b"\xbb" * 20, 1)


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([rules.TRANSFER, FROM, TO, ONE], "0x"),
        ([rules.TRANSFER, FROM, TO, ONE], ONE),
        ([rules.TRANSFER], FROM + TO[2:] + ONE[2:]),
        ([rules.TRANSFER, FROM, TO], "0x"),
        ([rules.TRANSFER, FROM, TO], ONE + "00"),
        ([rules.TRANSFER, FROM, TO], "0x" + "00" * 32),
        (["0x" + "11" * 32, FROM, TO], ONE),
        ([], ONE),
    ],
    ids=[
        "erc721",
        "four topics",
        "not indexed",
        "no amount",
        "too long",
        "zero",
        "another event",
        "anonymous",
    ],
)
def test_what_only_looks_like_a_transfer_is_none(topics: list[str], data: str) -> None:
    assert rules.transfer_of(topics, data) is None


@given(st.integers(0, 10**9), st.integers(1, 300))
def test_a_payment_is_final_when_its_confirmations_are_reached(block: int, required: int) -> None:
    height = rules.final_at(block, required)
    assert rules.confirmations("confirming", block, height) == required
    assert rules.confirmations("confirming", block, height - 1) == required - 1


@pytest.mark.parametrize("status", ["orphaned", "reversed"])
def test_what_left_the_chain_has_no_confirmations(status: str) -> None:
    assert rules.confirmations(status, 5, 100) == 0


def test_confirmations_are_none_while_the_chain_is_below_the_payment() -> None:
    assert rules.confirmations("confirming", 5, 3) == 0
    assert rules.confirmations("confirming", 5, None) == 0


@pytest.mark.parametrize(
    ("status", "after", "epoch"),
    [("orphaned", "confirming", 1), ("reversed", "confirming", 2)],
)
def test_only_a_reversed_credit_begins_a_new_epoch(status: str, after: str, epoch: int) -> None:
    assert rules.seen_again(status, 1) == (after, epoch)


def test_a_block_that_leaves_orphans_or_reverses() -> None:
    assert rules.orphaned("confirming") == "orphaned"
    assert rules.orphaned("credited") == "reversed"


@given(st.integers(1, 10**30), st.integers(-(10**30), 10**30))
def test_a_reversal_takes_what_is_there_and_the_rest_is_owed(amount: int, available: int) -> None:
    taken, owed = rules.split(amount, available)
    assert taken + owed == amount
    assert 0 <= taken <= max(available, 0)
    assert owed == 0 or taken == max(available, 0)


@pytest.mark.parametrize(
    ("amount", "waiting", "credited"),
    [(5, 0, True), (4, 0, False), (4, 1, True), (2, 2, False)],
)
def test_small_payments_are_credited_together(amount: int, waiting: int, credited: bool) -> None:
    assert rules.together(amount, 5, waiting) is credited


HEIGHTS = st.builds(
    rules.Heights,
    st.integers(0, 200),
    st.none() | st.integers(0, 200),
    st.none() | st.integers(0, 200),
)
RULES = st.sampled_from([rules.Rule("safe"), rules.Rule("finalized")]) | st.builds(
    rules.Rule, st.just("blocks"), st.integers(1, 100)
)


@pytest.mark.parametrize(
    ("amount", "rule"),
    [
        (0, rules.Rule("blocks", 12)),
        (9, rules.Rule("blocks", 12)),
        (10, rules.Rule("blocks", 1)),
        (99, rules.Rule("blocks", 1)),
        (100, rules.Rule("finalized")),
        (10**30, rules.Rule("finalized")),
    ],
)
def test_an_amount_follows_the_highest_tier_it_reaches(amount: int, rule: rules.Rule) -> None:
    tiers = [rules.Tier(100, rules.Rule("finalized")), rules.Tier(10, rules.Rule("blocks", 1))]
    assert rules.rule_of(tiers, amount, rules.Rule("blocks", 12)) == rule
    assert rules.rule_of(tiers[::-1], amount, rules.Rule("blocks", 12)) == rule


@pytest.mark.parametrize(
    ("rule", "block", "heights", "final"),
    [
        (rules.Rule("blocks", 3), 8, rules.Heights(10), True),
        (rules.Rule("blocks", 3), 9, rules.Heights(10), False),
        (rules.Rule("blocks", 3), 9, rules.Heights(10, 10, 10), False),
        (rules.Rule("safe"), 8, rules.Heights(10, 8, 2), True),
        (rules.Rule("safe"), 9, rules.Heights(10, 8, 9), False),
        (rules.Rule("finalized"), 2, rules.Heights(10, 8, 2), True),
        (rules.Rule("finalized"), 3, rules.Heights(10, 8, 2), False),
        (rules.Rule("finalized"), 3, rules.Heights(10, 8, None), False),
        (rules.Rule("safe"), 0, rules.Heights(10**9, None, 10**9), False),
        (rules.Rule("safe"), 11, rules.Heights(10, 12, 12), False),
    ],
)
def test_each_rule_looks_at_its_own_height(
    rule: rules.Rule, block: int, heights: rules.Heights, final: bool
) -> None:
    assert rules.is_final(rule, block, heights) is final


@given(RULES, st.integers(0, 200), HEIGHTS)
def test_what_is_final_stays_so_as_the_chain_goes_on(
    rule: rules.Rule, block: int, heights: rules.Heights
) -> None:
    safe, finalized = (None if one is None else one + 1 for one in heights[1:])
    later = rules.Heights(heights.head + 1, safe, finalized)
    if rules.is_final(rule, block, heights):
        assert rules.is_final(rule, block, later)
        assert block <= heights.head


@pytest.mark.parametrize(
    ("finalized", "lowest"), [(None, 744), (900, 900), (0, 0), (1000, 1000), (5000, 1000)]
)
def test_a_reorganisation_goes_down_to_what_was_final(finalized: int | None, lowest: int) -> None:
    assert rules.lowest_ancestor(1000, finalized) == lowest
