"""A signed payment is taken only if it is right in every way."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.gasless.rules import (
    ATTEMPTS_MAX,
    PAYER_FAILURES_MAX,
    VALID_SECONDS_MAX,
    VALID_SECONDS_MIN,
    Asked,
    Given,
    refusal,
)

NOW = 1_000_000
SHOP, PAYER, THIEF = (bytes([n] * 20) for n in (1, 2, 3))
ASKED = Asked(
    to=SHOP,
    due=100,
    least=10,
    payable=True,
    attempts=0,
    payer_failures=0,
    live=False,
    listed=False,
)
GIVEN = Given(
    payer=PAYER,
    signer=PAYER,
    to=SHOP,
    value=100,
    valid_after=0,
    valid_before=NOW + VALID_SECONDS_MIN,
)


def code(asked: Asked, given: Given) -> str | None:
    found = refusal(asked, given, NOW)
    return None if found is None else found.code


def test_what_is_right_is_taken() -> None:
    assert code(ASKED, GIVEN) is None
    most = replace(ASKED, attempts=ATTEMPTS_MAX - 1, due=10**30)
    assert code(most, replace(GIVEN, value=10**30)) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"payable": False}, "wrong_state"),
        ({"live": True}, "authorization_pending"),
        ({"attempts": ATTEMPTS_MAX}, "too_many"),
        ({"payer_failures": PAYER_FAILURES_MAX}, "too_many"),
        ({"listed": True}, "payer_refused"),
        ({"to": THIEF}, "wrong_to"),
        ({"due": 101}, "value_too_small"),
        ({"least": 101}, "not_worth_gas"),
    ],
)
def test_what_the_invoice_does_not_ask_is_refused(
    changes: dict[str, object], expected: str
) -> None:
    assert code(replace(ASKED, **changes), GIVEN) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"signer": THIEF}, "wrong_signature"),
        ({"signer": None}, "wrong_signature"),
        ({"to": THIEF}, "wrong_to"),
        ({"value": 99}, "value_too_small"),
        ({"value": 101}, "value_too_large"),
        ({"valid_after": NOW}, "not_valid_yet"),
        ({"valid_before": NOW + VALID_SECONDS_MIN - 1}, "valid_too_short"),
        ({"valid_before": NOW + VALID_SECONDS_MAX + 1}, "valid_too_long"),
    ],
)
def test_what_is_signed_otherwise_is_refused(changes: dict[str, object], expected: str) -> None:
    assert code(ASKED, replace(GIVEN, **changes)) == expected  # type: ignore[arg-type]


@given(
    value=st.integers(0, 200),
    least=st.integers(0, 200),
    due=st.integers(1, 200),
    before=st.integers(NOW - VALID_SECONDS_MAX, NOW + 2 * VALID_SECONDS_MAX),
    signer=st.sampled_from((PAYER, THIEF, None)),
)
def test_nothing_is_taken_that_is_wrong(
    value: int, least: int, due: int, before: int, signer: bytes | None
) -> None:
    asked = replace(ASKED, least=least, due=due)
    given = replace(GIVEN, value=value, valid_before=before, signer=signer)
    in_time = NOW + VALID_SECONDS_MIN <= before <= NOW + VALID_SECONDS_MAX
    right = value == due >= least and in_time and signer == PAYER
    assert (code(asked, given) is None) == right
