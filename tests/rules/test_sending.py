"""Fees, batches and states: the rules of money out, without a database."""

from decimal import Decimal

import pytest

from gateway.errors import Conflict
from gateway.money import Asset
from gateway.sending import rules
from gateway.withdrawals import rules as withdrawals

USDC, ETH = Asset("USDC", 6), Asset("ETH", 18)
GWEI = 10**9


@pytest.mark.parametrize("old", [1, 7, 8, 1000, 10**9 + 1])
def test_a_bump_is_more_than_an_eighth_on_both_fees(old: int) -> None:
    new = rules.bumped(rules.Fees(old, 2 * old), rules.Fees(0, 0))
    assert new.tip * 8 > old * 9
    assert new.cap * 8 > 2 * old * 9


def test_a_bump_follows_a_market_that_rose_further() -> None:
    assert rules.bumped(rules.Fees(1, 2), rules.Fees(50, 90)) == rules.Fees(50, 90)


def test_the_cap_leaves_room_for_a_doubled_base_fee() -> None:
    assert rules.fees(10 * GWEI, GWEI) == rules.Fees(GWEI, 21 * GWEI)


def test_no_gas_limit_is_beyond_what_a_transaction_may_carry() -> None:
    assert rules.gas_limit(100_000) == 120_000
    assert rules.gas_limit(15_500_000) == rules.GAS_MAX == 2**24
    assert rules.gas_limit(16_700_000) is None


@pytest.mark.parametrize(
    ("gas", "tip", "cap"),
    [(0, 1, 2), (2**24 + 1, 1, 2), (21_000, 3, 2), (21_000, 1, 1001 * GWEI), (2**24, 1, 61 * GWEI)],
)
def test_fees_beyond_the_ceilings_are_refused(gas: int, tip: int, cap: int) -> None:
    assert rules.refusal_of_fees(gas=gas, tip=tip, cap=cap) is not None


def test_fees_within_the_ceilings_pass() -> None:
    assert rules.refusal_of_fees(gas=3_000_000, tip=GWEI, cap=300 * GWEI) is None


def test_a_batch_takes_what_fits_in_order_and_passes_over_what_does_not() -> None:
    items = [("a", 50), ("b", 60), ("c", 40), ("d", 20)]
    assert rules.fitting(items, 100) == ["a", "c"]
    assert rules.fitting(items, 10) == []
    assert len(rules.fitting([(n, 0) for n in range(200)], 0)) == rules.BATCH_MAX


def test_the_newest_block_is_one_confirmation() -> None:
    assert [rules.confirmations(head, 10) for head in (9, 10, 12)] == [0, 1, 3]


def test_no_end_of_a_withdrawal_is_left_again() -> None:
    starts = {start for start, _ in withdrawals.MACHINE}
    assert not starts & withdrawals.ENDS


def test_only_an_approved_withdrawal_is_sent_and_only_a_sent_one_ends_on_chain() -> None:
    machine = withdrawals.MACHINE
    assert [start for start, happening in machine if happening == "send"] == ["approved"]
    for happening in ("confirm", "fail", "replan"):
        assert [start for start, found in machine if found == happening] == ["sent"]
    with pytest.raises(Conflict):
        withdrawals.follow("sent", "cancel")


@pytest.mark.parametrize(
    ("asset", "kind", "rate", "shown"),
    [(USDC, "token", Decimal(2000), "0.15"), (ETH, "native", Decimal(1), "0.000063")],
)
def test_a_fee_is_rounded_up_to_what_people_read(
    asset: Asset, kind: str, rate: Decimal, shown: str
) -> None:
    fee = withdrawals.fee(kind=kind, gas_price=GWEI + 1, asset=asset, rate=rate, native_decimals=18)
    assert str(fee) == shown


def test_a_fee_is_never_nothing() -> None:
    fee = withdrawals.fee(
        kind="token", gas_price=0, asset=USDC, rate=Decimal(1), native_decimals=18
    )
    assert str(fee) == "0.01"
