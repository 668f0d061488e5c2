"""When a vault is swept, and when a signer lacks gas: decisions without a database or a node."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sending.sweep_rules import (
    Content,
    Terms,
    chosen,
    gas_missing,
    gas_share,
    least_worth,
    needed,
    payable,
    reason,
)

GWEI = 10**9
DOLLAR = 10**6
DAY = 86_400
TERMS = Terms(worth_gas=Decimal(10), age_seconds=7 * DAY)

units = st.integers(min_value=1, max_value=10**30)
gas = st.integers(min_value=21_000, max_value=2**24)
prices = st.integers(min_value=1, max_value=1_000 * GWEI)
counts = st.integers(min_value=1, max_value=100)
rates = st.decimals(min_value="0.000001", max_value="1000000", places=6)
factors = st.decimals(min_value="0.01", max_value="1000", places=2)
vaults = st.lists(
    st.builds(
        Content,
        address=st.binary(min_size=20, max_size=20),
        salt=st.just(b""),
        unswept=units,
        age_seconds=st.integers(min_value=0, max_value=30 * DAY),
    ),
    max_size=12,
)


def least(
    share: Fraction, terms: Terms = TERMS, rate: Decimal | None = Decimal(2_000), decimals: int = 6
) -> int | None:
    return least_worth(share, terms, rate=rate, coin_decimals=18, decimals=decimals)


def test_ten_times_a_share_in_dollars() -> None:
    # 5,000,000 gas at 20 gwei for 100 vaults: 0.001 ETH each, 2 dollars at 2,000
    share = gas_share(5_000_000, 20 * GWEI, 100)
    assert share == 10**15
    assert least(share) == 20 * DOLLAR


def test_the_coin_itself_is_compared_without_a_price() -> None:
    assert least(Fraction(10**15), rate=Decimal(1), decimals=18) == 10**16


def test_a_part_of_a_unit_counts_as_a_whole_one() -> None:
    assert least(Fraction(1)) == 1
    assert least(Fraction(10**15) + 1) == 20 * DOLLAR + 1


def test_without_a_rate_nothing_is_guessed() -> None:
    assert least(Fraction(10**15), rate=None) is None
    assert reason(Content(b"", b"", 10**30), None, TERMS) is None


def test_zero_times_the_gas_needs_neither_rate_nor_worth() -> None:
    everything = Terms(worth_gas=Decimal(0), age_seconds=DAY)
    assert least(Fraction(10**18), everything, rate=None) == 1


@pytest.mark.parametrize(
    ("unswept", "age", "why"),
    [
        (20, 0, "worth"),
        (19, 0, None),
        (19, 7 * DAY - 1, None),
        (19, 7 * DAY, "age"),
        (20, 7 * DAY, "worth"),
    ],
)
def test_worth_and_age_each_suffice(unswept: int, age: int, why: str | None) -> None:
    assert reason(Content(b"", b"", unswept, age), 20, TERMS) == why


def test_need_takes_the_fullest_and_only_as_many_as_it_takes() -> None:
    contents = [Content(bytes([n]), b"", n) for n in (10, 50, 30)]
    assert [one.unswept for one in needed(contents, 51)] == [50, 30]
    assert [one.unswept for one in needed(contents, 50)] == [50]
    assert [one.unswept for one in needed(contents, 500)] == [50, 30, 10]
    assert needed(contents, 0) == []


@given(gas, prices, counts, rates, factors, st.integers(min_value=0, max_value=36))
def test_what_is_worth_it_is_exactly_what_holds_so_many_shares(
    used: int, price: int, many: int, rate: Decimal, factor: Decimal, decimals: int
) -> None:
    terms = Terms(worth_gas=factor, age_seconds=DAY)
    share = gas_share(used, price, many)
    found = least(share, terms, rate, decimals)
    assert found is not None
    bound = Fraction(factor) * share * Fraction(rate) / 10**18 * 10**decimals
    assert found >= bound
    assert found == 1 or found - 1 < bound


@given(gas, prices, counts, rates)
def test_dearer_gas_never_makes_more_vaults_worth_it(
    used: int, price: int, many: int, rate: Decimal
) -> None:
    cheap, dear = (
        least(gas_share(used, wei, many), rate=rate, decimals=18) for wei in (price, price * 2)
    )
    assert cheap is not None
    assert dear is not None
    assert dear >= cheap


@given(vaults, st.one_of(st.none(), units))
def test_what_is_left_is_young_and_too_small_or_of_unknown_worth(
    contents: list[Content], bound: int | None
) -> None:
    taken = chosen(contents, bound, TERMS)
    left = [one for one in contents if one not in taken]
    assert all(one.age_seconds < TERMS.age_seconds for one in left)
    assert all(bound is None or one.unswept < bound for one in left)
    assert chosen(taken, bound, TERMS) == taken
    assert all(
        one.age_seconds >= TERMS.age_seconds or (bound is not None and one.unswept >= bound)
        for one in taken
    )


@given(vaults, units)
def test_need_never_takes_a_vault_it_could_do_without(
    contents: list[Content], lacking: int
) -> None:
    taken = needed(contents, lacking)
    total = sum(one.unswept for one in taken)
    if sum(one.unswept for one in contents) >= lacking:
        assert total >= lacking
    assert total - min((one.unswept for one in taken), default=0) < lacking
    smallest = min((one.unswept for one in taken), default=0)
    assert len([one for one in contents if one.unswept > smallest]) <= len(taken)


def test_a_signer_is_asked_to_be_filled_before_it_is_empty() -> None:
    ask = {"gas": 500_000, "gas_price": 40 * GWEI, "low": 20, "fill": 100}
    one = 500_000 * 40 * GWEI
    assert payable(20 * one - 1, 500_000, 40 * GWEI) == 19
    assert gas_missing(20 * one, **ask) == 0
    assert gas_missing(20 * one - 1, **ask) == 80 * one + 1
    assert gas_missing(0, **ask) == 100 * one


@given(st.integers(min_value=0, max_value=10**24), gas, prices, counts, counts)
def test_what_is_asked_for_fills_the_tank(
    balance: int, size: int, price: int, low: int, more: int
) -> None:
    fill = low + more
    missing = gas_missing(balance, gas=size, gas_price=price, low=low, fill=fill)
    assert (missing == 0) == (payable(balance, size, price) >= low)
    if missing:
        assert payable(balance + missing, size, price) == fill
        assert gas_missing(balance + missing, gas=size, gas_price=price, low=low, fill=fill) == 0
