"""What is always true of an invoice, whatever came, in whatever order, under whatever terms."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.invoices import changes, rules
from gateway.invoices.rules import Late, Option, Payment, Terms
from gateway.money import USD, Money
from tests.rules.test_invoice_terms import (
    AFTER,
    BEFORE,
    CHAIN,
    END,
    ETH,
    IN_ETH,
    IN_USDC,
    NEXT_WEEK,
    PRICE,
    USDC,
    XYZ,
)

amounts = st.integers(min_value=1, max_value=20_000_000)
times = st.sampled_from([BEFORE, END, AFTER, NEXT_WEEK])
rates = st.none() | st.sampled_from([Decimal(1), Decimal("0.97"), Decimal(2000), Decimal(1000)])
payments = st.builds(
    Payment,
    chain=st.just(CHAIN),
    amount=st.one_of(
        st.builds(Money, amounts, st.just(USDC)),
        st.builds(lambda units: Money(units * 500_000_000, ETH), amounts),
        st.builds(lambda units: Money(units * 500_000_000, XYZ), amounts),
    ),
    status=st.sampled_from(["confirming", "credited", "orphaned", "reversed"]),
    seen_at=times,
    heard_at=st.none() | times,
    rate=rates,
    accepted=st.booleans(),
    counted_rate=rates,
)
policies = st.builds(
    Late,
    hours=st.none() | st.sampled_from([0, 24]),
    percent=st.none() | st.sampled_from([Decimal(0), Decimal(5)]),
    otherwise=st.sampled_from(["credit", "refund"]),
)
agreements = st.builds(
    Terms,
    price=st.just(PRICE),
    options=st.just((IN_USDC, IN_ETH)),
    expires_at=st.just(END),
    voided=st.booleans(),
    under=st.none() | st.builds(Money, st.integers(0, 500), st.just(USD)),
    over=st.none() | st.builds(Money, st.integers(0, 500), st.just(USD)),
    late=policies,
)
ORDER = ("open", "expired", "processing", "paid")


@given(agreements, st.lists(payments, max_size=7), st.randoms(), times)
def test_the_order_of_payments_cannot_matter(agreed, known, random, now) -> None:  # type: ignore[no-untyped-def]
    shuffled = known[:]
    random.shuffle(shuffled)
    assert rules.outcome(agreed, known, now) == rules.outcome(agreed, shuffled, now)


@given(agreements, st.lists(payments, max_size=7), times)
def test_no_money_is_lost_or_made(agreed: Terms, known: list[Payment], now: datetime) -> None:
    found = rules.outcome(agreed, known, now)
    there = [one for one in known if one.status in rules.SEEN]
    worth = sum((rules.worth(agreed, one) for one in there), Fraction(0)) * PRICE.units
    assert 0 <= worth - found.paid.units < 1
    assert found.credited <= found.paid
    good = [one for one in there if rules.settles(agreed, one)]
    aside = [one for one in there if not rules.settles(agreed, one)]
    both = [rules.share(agreed, part, rules.SEEN) for part in (good, aside)]
    assert sum(both, Fraction(0)) == rules.share(agreed, known, rules.SEEN)
    if found.paid < PRICE:
        assert found.paid + rules.missing(agreed, found.paid) == PRICE
    if found.paid_state == "over":
        assert found.paid - rules.above(agreed, found.paid) == PRICE
    elif found.paid_state == "exact":
        assert not rules.due(agreed, found.paid)
    else:
        assert found.paid + rules.due(agreed, found.paid) == PRICE


@given(agreements, st.lists(payments, max_size=6), times)
def test_the_three_questions_have_answers_of_their_own(
    agreed: Terms, known: list[Payment], now: datetime
) -> None:
    found = rules.outcome(agreed, known, now)
    assert (found.paid_state in ("exact", "over")) == (found.paid >= agreed.enough)
    if found.status == "paid":
        assert found.credited >= agreed.enough
    if found.late_action is not None:
        assert (found.status, found.late) == ("expired", True)
        assert found.paid_state in ("exact", "over")
    if agreed.late == Late():
        assert found.late_action is None
        assert (found.status == "paid") == (found.credited >= agreed.enough and not agreed.voided)


@given(agreements, st.lists(payments, max_size=6), payments)
def test_one_more_payment_never_takes_anything_back(
    agreed: Terms, known: list[Payment], extra: Payment
) -> None:
    before = rules.outcome(agreed, known, AFTER)
    after = rules.outcome(agreed, [*known, extra], AFTER)
    assert after.paid >= before.paid
    assert after.credited >= before.credited
    assert "invoice.payment_reverted" not in changes.events(agreed, before, after)
    if not agreed.voided:
        assert ORDER.index(after.status) >= ORDER.index(before.status)


@given(agreements, st.lists(payments, min_size=1, max_size=6), st.data())
def test_accepting_takes_nothing_back_and_a_reversal_only_takes_its_own(
    agreed: Terms, known: list[Payment], data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(known) - 1))
    before = rules.outcome(agreed, known, AFTER)
    accepted = [*known]
    accepted[which] = replace(known[which], accepted=True)
    after = rules.outcome(agreed, accepted, AFTER)
    assert after.paid == before.paid
    if not agreed.voided:
        assert ORDER.index(after.status) >= ORDER.index(before.status)
    gone = [*known]
    gone[which] = replace(known[which], status="reversed")
    without = known[:which] + known[which + 1 :]
    assert rules.outcome(agreed, gone, AFTER) == rules.outcome(agreed, without, AFTER)


@given(agreements, st.lists(st.lists(payments, max_size=4), min_size=1, max_size=6), times)
def test_each_change_is_told_once(
    agreed: Terms, history: list[list[Payment]], now: datetime
) -> None:
    states = [rules.outcome(agreed, known, now) for known in [[], *history]]
    for old, new in pairwise(states):
        told = changes.events(agreed, old, new)
        assert len(told) == len(set(told))
        assert changes.events(agreed, new, new) == []
        assert ("invoice.paid" in told) == (new.status == "paid" != old.status)
        if old.status == "paid" and new.status in ("open", "expired"):
            assert "invoice.payment_reverted" in told


@given(agreements, st.lists(payments, max_size=4), st.sampled_from([IN_USDC, IN_ETH]))
def test_paying_what_remains_in_time_is_enough_and_not_too_much(
    agreed: Terms, known: list[Payment], option: Option
) -> None:
    rest = rules.remaining(agreed, known, option)
    before = rules.outcome(agreed, known, BEFORE)
    assert bool(rest) == (before.paid_state in ("none", "partial"))
    if rest:
        last = Payment(option.chain, rest, "confirming", BEFORE)
        assert rules.outcome(agreed, [*known, last], BEFORE).paid_state == "exact"
