"""Calls of ours are read back as they were written; any other call is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chain import payout, vaults
from gateway.chain.artifacts import call_data

PLACE = st.binary(min_size=20, max_size=20).filter(any)
WORDS = st.lists(st.binary(min_size=32, max_size=32), max_size=5)
APPROVAL = st.builds(payout.Approval, st.integers(0, 2**64), st.binary(min_size=64, max_size=64))


@given(st.none() | PLACE, st.integers(0, 2**64), WORDS, st.none() | APPROVAL)
def test_a_batch_is_read_as_it_was_written(
    token: bytes | None, seq: int, payments: list[bytes], approval: payout.Approval | None
) -> None:
    call = payout.pay_call(token, seq, payments, approval)
    assert payout.read_pay_call(call) == payout.Batch(token, seq, payments)
    assert vaults.read_sweep_call(call) is None
    assert payout.read_pay_call(call[: len(call) // 2]) is None


@given(st.none() | PLACE, PLACE, WORDS)
def test_a_sweep_is_read_as_it_was_written(
    token: bytes | None, to: bytes, salts: list[bytes]
) -> None:
    call = vaults.sweep_call(token, to, salts)
    assert vaults.read_sweep_call(call) == (token, to, salts)
    assert payout.read_pay_call(call) is None
    assert vaults.read_sweep_call(call[:50]) is None


@pytest.mark.parametrize(
    "call",
    [b"", b"\0" * 4, call_data("withdraw(address,address,uint256)", b"1" * 20, b"2" * 20, 3)],
)
def test_another_call_is_none_of_ours(call: bytes) -> None:
    assert payout.read_pay_call(call) is None
    assert vaults.read_sweep_call(call) is None
