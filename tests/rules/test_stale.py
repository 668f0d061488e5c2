"""When a chain's newest block is too old to take payments by."""

import pytest

from gateway.chain.rules import stale


@pytest.mark.parametrize(
    ("age", "block_seconds", "expected"),
    [
        (None, 1, True),
        (-30, 1, False),
        (15, 1, False),
        (15.1, 1, True),
        (16, 0.25, True),
        (119, 12, False),
        (120.5, 12, True),
    ],
)
def test_ten_block_times_and_at_least_fifteen_seconds(
    age: float | None, block_seconds: float, expected: bool
) -> None:
    assert stale(age, block_seconds) is expected
