"""A nonce has one payload: what may be signed for it again, and what may not."""

import pytest

from gateway.sending import second
from gateway.sending.rules import raised
from gateway.sending.second import Offer, Signed

SELF, VAULT, DATA = b"\x01" * 20, b"\x02" * 20, b"\xaa" * 36
CALL, OTHER = b"\x0c" * 32, b"\x0d" * 32
FIRST = Signed(tip=100, cap=1_000, cancels=False)
DEARER = Signed(tip=raised(100), cap=raised(1_000), cancels=False)
CANCEL = Signed(tip=raised(100), cap=raised(1_000), cancels=True)


def offer(
    *, to: bytes = VAULT, data: bytes = DATA, value: int = 0, call: bytes = CALL, times: int = 1
) -> Offer:
    tip, cap = 100, 1_000
    for _ in range(times):
        tip, cap = raised(tip), raised(cap)
    return Offer(to=to, data=data, value=value, tip=tip, cap=cap, call=call)


def cancel(times: int = 1, value: int = 0, data: bytes = b"", to: bytes = SELF) -> Offer:
    return offer(to=to, data=data, value=value, call=OTHER, times=times)


CASES = [
    ("the same call for more", offer(), [FIRST], None),
    ("the same call for more than its dearest", offer(times=2), [DEARER, FIRST], None),
    ("a cancel", cancel(), [FIRST], None),
    ("a cancel of what was raised", cancel(2), [DEARER, FIRST], None),
    ("a cancel for more", cancel(2), [CANCEL, FIRST], None),
    ("another call", offer(call=OTHER), [FIRST], "call_differs_from_first"),
    ("another target with nothing", cancel(to=VAULT), [FIRST], "call_differs_from_first"),
    ("data to ourselves", cancel(data=b"\x00"), [FIRST], "call_differs_from_first"),
    ("a cancel with value", cancel(value=1), [FIRST], "call_differs_from_first"),
    ("the same price", offer(times=0), [FIRST], "does_not_replace"),
    ("a cancel that replaces nothing", cancel(times=0), [FIRST], "does_not_replace"),
    ("more than the first, less than the dearest", offer(), [DEARER, FIRST], "does_not_replace"),
    ("the call after a cancel", offer(times=2), [CANCEL, FIRST], "already_cancelled"),
]


@pytest.mark.parametrize(
    ("name", "proposed", "before", "why"), CASES, ids=[case[0] for case in CASES]
)
def test_a_nonce_has_one_payload(
    name: str, proposed: Offer, before: list[Signed], why: str | None
) -> None:
    assert second.refusal(proposed, signer=SELF, first_call=CALL, before=before) == why, name


@pytest.mark.parametrize(("tip", "cap"), [(0, -1), (-1, 0)])
def test_both_fees_must_be_higher(tip: int, cap: int) -> None:
    fair = offer()
    low = Offer(fair.to, fair.data, 0, fair.tip + tip, fair.cap + cap, fair.call)
    said = second.refusal(low, signer=SELF, first_call=CALL, before=[FIRST])
    assert said == "does_not_replace"
