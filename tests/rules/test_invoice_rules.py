"""The state of an invoice is a pure function of its payments and the clock."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidAmount
from gateway.invoices import changes, rules
from gateway.invoices.rules import Option, Payment, Terms
from gateway.money import USD, Asset, Money

USDC, ETH = Asset("USDC", 6), Asset("ETH", 18)
CHAIN, OTHER = "eip155:31337", "eip155:1"
END = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE, AFTER = END - timedelta(minutes=1), END + timedelta(minutes=1)
PRICE = Money.parse("10.00", USD)
IN_USDC = Option(CHAIN, Money.parse("10", USDC), 4)
IN_ETH = Option(CHAIN, Money.parse("0.005", ETH), 8)
TERMS = Terms(PRICE, (IN_USDC, IN_ETH), END)


def usdc(amount: str, status: str = "credited", at: datetime = BEFORE) -> Payment:
    return Payment(CHAIN, Money.parse(amount, USDC), status, at)  # type: ignore[arg-type]


def eth(amount: str, status: str = "credited", at: datetime = BEFORE) -> Payment:
    return Payment(CHAIN, Money.parse(amount, ETH), status, at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("payments", "now", "status", "paid_state", "late"),
    [
        ([], BEFORE, "open", "none", False),
        ([], END, "expired", "none", False),
        ([usdc("9.99")], BEFORE, "open", "partial", False),
        ([usdc("9.99")], END, "expired", "partial", False),
        ([usdc("10", "confirming")], BEFORE, "processing", "exact", False),
        ([usdc("10", "confirming")], AFTER, "processing", "exact", False),
        ([usdc("10")], BEFORE, "paid", "exact", False),
        ([usdc("10")], AFTER, "paid", "exact", False),
        ([usdc("10", at=AFTER)], AFTER, "paid", "exact", True),
        ([usdc("4"), usdc("6", at=AFTER)], AFTER, "paid", "exact", True),
        ([usdc("10.01")], BEFORE, "paid", "over", False),
        ([usdc("10.009999")], BEFORE, "paid", "exact", False),
        ([usdc("5"), eth("0.0025")], BEFORE, "paid", "exact", False),
        ([usdc("5"), eth("0.0025", "confirming")], BEFORE, "processing", "exact", False),
        ([usdc("10", "orphaned")], BEFORE, "open", "none", False),
        ([usdc("10", "reversed")], AFTER, "expired", "none", False),
        ([usdc("10", "orphaned", AFTER)], AFTER, "expired", "none", False),
    ],
)
def test_the_state_follows_from_payments_and_clock(
    payments: list[Payment], now: datetime, status: str, paid_state: str, late: bool
) -> None:
    found = rules.outcome(TERMS, payments, now)
    assert (found.status, found.paid_state, found.late) == (status, paid_state, late)


def test_a_void_invoice_stays_void_whatever_comes() -> None:
    voided = Terms(PRICE, TERMS.options, END, voided=True)
    found = rules.outcome(voided, [usdc("10")], BEFORE)
    assert (found.status, found.paid) == ("void", PRICE)


def test_an_asset_that_was_not_offered_pays_nothing() -> None:
    stranger = Payment(CHAIN, Money.parse("99", Asset("XYZ", 18)), "credited", BEFORE)
    assert rules.outcome(TERMS, [stranger], BEFORE).paid_state == "none"


def test_the_offered_asset_on_another_chain_counts_at_the_same_rate() -> None:
    elsewhere = Payment(OTHER, Money.parse("10", USDC), "credited", BEFORE)
    assert rules.outcome(TERMS, [elsewhere], BEFORE).status == "paid"


@pytest.mark.parametrize(
    ("rate", "decimals", "asked"), [("2000", 18, 8), ("1", 6, 4), ("60000", 8, 8), ("1", 2, 2)]
)
def test_a_payer_is_asked_for_few_decimals(rate: str, decimals: int, asked: int) -> None:
    assert rules.places(Decimal(rate), decimals) == asked


@pytest.mark.parametrize(
    ("price", "rate", "asset", "asked"),
    [
        ("12.50", "2000", ETH, "0.00625"),
        ("0.01", "2000", ETH, "0.000005"),
        ("10.00", "3", ETH, "3.33334"),
        ("12.50", "1", USDC, "12.50"),
        ("10.00", "0.9998", USDC, "10.0021"),
    ],
)
def test_a_price_is_rounded_up_to_what_is_shown(
    price: str, rate: str, asset: Asset, asked: str
) -> None:
    shown = rules.places(Decimal(rate), asset.decimals)
    quoted = rules.quote(Money.parse(price, USD), Decimal(rate), asset, shown)
    assert str(quoted) == asked
    assert quoted.decimal * Decimal(rate) >= Decimal(price)


def test_a_price_beyond_any_token_is_refused() -> None:
    with pytest.raises(InvalidAmount):
        rules.quote(Money.parse("9" * 60, USD), Decimal("0.0001"), ETH, 18)


def test_a_long_price_stays_exact() -> None:
    price = Money.parse("9" * 40 + ".99", USD)
    assert str(rules.quote(price, Decimal(1), USDC, 4)) == "9" * 40 + ".99"


amounts = st.integers(min_value=1, max_value=20_000_000)
payment = st.builds(
    Payment,
    chain=st.just(CHAIN),
    amount=st.one_of(
        st.builds(Money, amounts, st.just(USDC)),
        st.builds(lambda units: Money(units * 500_000_000, ETH), amounts),
    ),
    status=st.sampled_from(["confirming", "credited", "orphaned", "reversed"]),
    seen_at=st.sampled_from([BEFORE, END, AFTER]),
)


@given(st.lists(payment, max_size=6), st.randoms(), st.sampled_from([BEFORE, END, AFTER]))
def test_the_order_of_payments_does_not_matter(payments: list[Payment], random, now) -> None:  # type: ignore[no-untyped-def]
    shuffled = payments[:]
    random.shuffle(shuffled)
    assert rules.outcome(TERMS, payments, now) == rules.outcome(TERMS, shuffled, now)


@given(st.lists(payment, max_size=4), st.sampled_from([IN_USDC, IN_ETH]))
def test_paying_what_remains_pays_exactly(payments: list[Payment], option: Option) -> None:
    rest = rules.remaining(TERMS, payments, option)
    before = rules.outcome(TERMS, payments, BEFORE)
    if not rest:
        assert before.paid >= PRICE
        return
    last = Payment(option.chain, rest, "confirming", BEFORE)
    after = rules.outcome(TERMS, [*payments, last], BEFORE)
    assert after.paid_state == "exact"
    assert rules.due(TERMS, before.paid) + before.paid == PRICE


@given(st.lists(payment, max_size=5))
def test_what_is_credited_was_seen_and_the_words_agree(payments: list[Payment]) -> None:
    found = rules.outcome(TERMS, payments, AFTER)
    assert found.credited <= found.paid
    assert (found.status == "paid") == (found.credited >= PRICE)
    assert (found.paid_state in ("exact", "over")) == (found.paid >= PRICE)


@given(st.lists(st.lists(payment, max_size=4), min_size=1, max_size=6))
def test_every_transition_is_told_once(history: list[list[Payment]]) -> None:
    states = [rules.outcome(TERMS, [], BEFORE)]
    states += [rules.outcome(TERMS, payments, BEFORE) for payments in history]
    for old, new in pairwise(states):
        told = changes.events(TERMS, old, new)
        assert len(told) == len(set(told))
        assert changes.events(TERMS, new, new) == []
        assert ("invoice.paid" in told) == (new.status == "paid" != old.status)
        if old.status == "paid" != new.status:
            assert "invoice.payment_reverted" in told
