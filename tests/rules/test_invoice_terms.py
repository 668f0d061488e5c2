"""What a merchant does without, what comes too late, and what a person accepts: pure decisions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invoices import changes, rules
from gateway.invoices.rules import Late, Option, Outcome, Payment, Terms
from gateway.money import USD, Asset, Money

USDC, ETH, XYZ = Asset("USDC", 6), Asset("ETH", 18), Asset("XYZ", 18)
CHAIN = "eip155:31337"
END = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE, AFTER = END - timedelta(minutes=1), END + timedelta(minutes=1)
NEXT_WEEK = END + timedelta(days=7)
PRICE = Money.parse("10.00", USD)
IN_USDC = Option(CHAIN, Money.parse("10", USDC), 4)
IN_ETH = Option(CHAIN, Money.parse("0.005", ETH), 8, Decimal(2000))
STRICT = Late(hours=24, percent=Decimal(5))


def dollars(text: str) -> Money:
    return Money.parse(text, USD)


def terms(under: str | None = None, over: str | None = None, late: Late = STRICT) -> Terms:
    return Terms(
        PRICE,
        (IN_USDC, IN_ETH),
        END,
        under=dollars(under) if under else None,
        over=dollars(over) if over else None,
        late=late,
    )


def usdc(amount: str, at: datetime = BEFORE, **facts: object) -> Payment:
    told = {"status": "credited", "rate": Decimal(1), **facts}
    return Payment(CHAIN, Money.parse(amount, USDC), seen_at=at, **told)  # type: ignore[arg-type]


def eth(amount: str, at: datetime = BEFORE, **facts: object) -> Payment:
    told = {"status": "credited", **facts}
    return Payment(CHAIN, Money.parse(amount, ETH), seen_at=at, **told)  # type: ignore[arg-type]


def state(found: Outcome) -> tuple[str, str, str | None]:
    return found.status, found.paid_state, found.late_action


# Tolerances ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("paid", "status", "paid_state", "due", "missing", "above"),
    [
        ("9.89", "open", "partial", "0.11", "0.11", "0.00"),
        ("9.90", "paid", "exact", "0.00", "0.10", "0.00"),
        ("10", "paid", "exact", "0.00", "0.00", "0.00"),
        ("10.50", "paid", "exact", "0.00", "0.00", "0.00"),
        ("10.51", "paid", "over", "0.00", "0.00", "0.51"),
    ],
)
def test_what_is_within_the_tolerance_is_neither_short_nor_too_much(
    paid: str, status: str, paid_state: str, due: str, missing: str, above: str
) -> None:
    agreed = terms(under="0.10", over="0.50")
    found = rules.outcome(agreed, [usdc(paid)], BEFORE)
    assert (found.status, found.paid_state) == (status, paid_state)
    assert str(rules.due(agreed, found.paid)) == due
    assert str(rules.missing(agreed, found.paid)) == missing
    assert str(rules.above(agreed, found.paid)) == above
    told = changes.events(agreed, rules.outcome(agreed, [], BEFORE), found)
    assert ("invoice.overpaid" in told) == (paid_state == "over")


def test_a_payer_is_not_asked_for_what_the_merchant_does_without() -> None:
    agreed = terms(under="0.10")
    assert not rules.remaining(agreed, [usdc("9.90")], IN_USDC)
    assert str(rules.remaining(agreed, [usdc("9.80")], IN_USDC)) == "0.20"


def test_nothing_pays_nothing_whatever_is_tolerated() -> None:
    agreed = terms(under="5.00")
    assert state(rules.outcome(agreed, [], BEFORE)) == ("open", "none", None)


# Late ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("late", "payment", "status", "action"),
    [
        (STRICT, usdc("10", AFTER), "paid", None),
        (STRICT, usdc("10", END + timedelta(hours=24)), "paid", None),
        (STRICT, usdc("10", END + timedelta(hours=24, seconds=1)), "expired", "review"),
        (STRICT, eth("0.005", AFTER, rate=Decimal(2100)), "paid", None),
        (STRICT, eth("0.005", AFTER, rate=Decimal(1900)), "paid", None),
        (STRICT, eth("0.005", AFTER, rate=Decimal("1899.99")), "expired", "review"),
        (STRICT, eth("0.005", AFTER, rate=Decimal("2100.01")), "expired", "review"),
        (STRICT, eth("0.005", AFTER), "expired", "review"),
        (STRICT, eth("0.005", BEFORE, rate=Decimal(1)), "paid", None),
        (Late(hours=0), usdc("10", AFTER), "expired", "review"),
        (Late(hours=0, otherwise="refund"), usdc("10", AFTER), "expired", "refund"),
        (Late(hours=None, percent=Decimal(0)), usdc("10", NEXT_WEEK), "paid", None),
        (Late(hours=24, percent=None), eth("0.005", AFTER), "paid", None),
        (Late(), eth("0.005", NEXT_WEEK), "paid", None),
    ],
)
def test_late_money_settles_within_the_terms_alone(
    late: Late, payment: Payment, status: str, action: str | None
) -> None:
    found = rules.outcome(terms(late=late), [payment], NEXT_WEEK)
    assert (found.status, found.late_action) == (status, action)
    assert (found.paid, found.credited) == (PRICE, PRICE)
    assert found.late == (payment.seen_at > END)


def test_late_money_that_settles_nothing_is_told_once_it_is_final() -> None:
    agreed, late = terms(late=Late(hours=0)), usdc("10", AFTER, status="confirming")
    seen = rules.outcome(agreed, [late], AFTER)
    final = rules.outcome(agreed, [replace(late, status="credited")], AFTER)
    none = rules.outcome(agreed, [], AFTER)
    assert seen.late_action == "review"
    assert changes.events(agreed, none, seen) == []
    assert changes.events(agreed, seen, final) == ["invoice.paid_late"]


def test_what_was_accepted_is_not_told_late_again() -> None:
    agreed, late = terms(late=Late(hours=0)), usdc("10", AFTER)
    waits = rules.outcome(agreed, [late], AFTER)
    taken = rules.outcome(agreed, [replace(late, accepted=True)], AFTER)
    assert state(taken) == ("paid", "exact", None)
    assert changes.events(agreed, waits, taken) == ["invoice.paid"]


def test_a_late_part_does_not_wait_for_anybody() -> None:
    agreed = terms(late=Late(hours=0))
    found = rules.outcome(agreed, [usdc("4"), usdc("5", AFTER)], AFTER)
    assert state(found) == ("expired", "partial", None)
    found = rules.outcome(agreed, [usdc("4"), usdc("6", AFTER)], AFTER)
    assert state(found) == ("expired", "exact", "review")


def test_nothing_waits_for_an_answer_once_it_goes_back() -> None:
    agreed, late = terms(late=Late(hours=0)), [usdc("10", AFTER)]
    assert rules.outcome(given_back(agreed, "0.01"), late, AFTER).late_action is None
    assert rules.outcome(agreed, late, AFTER).late_action == "review"


def given_back(agreed: Terms, amount: str) -> Terms:
    return replace(agreed, returned=dollars(amount))


def test_what_went_back_before_it_was_paid_has_to_come_once_more() -> None:
    agreed = given_back(terms(), "6")
    assert state(rules.outcome(agreed, [usdc("6")], BEFORE)) == ("open", "partial", None)
    assert state(rules.outcome(agreed, [usdc("6"), usdc("4")], BEFORE)) == ("open", "partial", None)
    whole = [usdc("6"), usdc("10")]
    assert state(rules.outcome(agreed, whole, BEFORE)) == ("paid", "exact", None)
    assert str(rules.due(agreed, dollars("6"))) == "10.00"
    assert str(rules.remaining(agreed, [usdc("6")], agreed.options[0])) == "10.00"
    assert state(rules.outcome(agreed, [*whole, usdc("1")], BEFORE)) == ("paid", "over", None)
    assert str(rules.above(agreed, dollars("17"))) == "1.00"


def test_a_second_payment_is_too_much_however_late_it_is() -> None:
    agreed = terms(late=Late(hours=0))
    found = rules.outcome(agreed, [usdc("10"), usdc("10", NEXT_WEEK)], NEXT_WEEK)
    assert state(found) == ("paid", "over", None)
    assert str(found.credited) == "20.00"


# Clocks -------------------------------------------------------------------------------------------
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("seen_at", "heard_at", "late"),
    [
        (BEFORE, BEFORE, False),
        (AFTER, AFTER, True),
        (BEFORE, END + 9 * HOUR, False),  # we were away: the block says when it was
        (END + 9 * HOUR, BEFORE, False),  # the chain's clock is ahead: we heard of it in time
        (END + 9 * HOUR, AFTER, True),
        (END, END, False),
        (AFTER, None, True),  # heard of before anybody noted when
    ],
)
def test_the_block_says_when_but_not_later_than_we_heard(
    seen_at: datetime, heard_at: datetime | None, late: bool
) -> None:
    payment = usdc("10", seen_at, heard_at=heard_at)
    found = rules.outcome(terms(late=Late(hours=0)), [payment], NEXT_WEEK)
    assert (found.late, found.status) == (late, "expired" if late else "paid")


@given(
    st.integers(-7200, 7200),
    st.integers(-7200, 7200),
    st.integers(0, 86_400),
)
def test_no_clock_that_is_wrong_by_hours_makes_a_payment_late_that_was_heard_of_in_time(
    chain_ahead: int, made: int, away: int
) -> None:
    """`made` is seconds after the end by our clock, `away` how long after that we heard of it."""
    seen = END + timedelta(seconds=made + chain_ahead)
    heard = END + timedelta(seconds=made + away)
    late = rules.came_late(terms(), usdc("10", seen, heard_at=heard))
    if made + away <= 0:
        assert not late
    if chain_ahead == 0:
        assert late == (made > 0)
    if late:
        assert made + away > 0
        assert made > -chain_ahead


# What a person accepts ----------------------------------------------------------------------------
def test_the_wrong_asset_counts_at_the_rate_it_was_accepted_at() -> None:
    stray = Payment(CHAIN, Money.parse("4", XYZ), "credited", BEFORE)
    assert rules.outcome(terms(), [stray], BEFORE).paid_state == "none"
    taken = replace(stray, accepted=True, counted_rate=Decimal("2.5"))
    assert state(rules.outcome(terms(), [taken], BEFORE)) == ("paid", "exact", None)


def test_a_late_payment_may_be_accepted_at_what_it_is_worth_now() -> None:
    late = eth("0.005", AFTER, accepted=True, counted_rate=Decimal(1500))
    found = rules.outcome(terms(late=Late(hours=0)), [late], AFTER)
    assert (state(found), str(found.paid)) == (("expired", "partial", None), "7.50")


# What is told -------------------------------------------------------------------------------------
def test_money_that_had_counted_and_is_gone_is_told_whether_it_was_final_or_not() -> None:
    agreed, both = terms(), [usdc("4"), usdc("5")]
    part, less = (rules.outcome(agreed, known, BEFORE) for known in (both, both[:1]))
    assert changes.events(agreed, part, less) == ["invoice.payment_reverted"]
    seen = rules.outcome(agreed, [usdc("10", status="confirming")], BEFORE)
    gone = rules.outcome(agreed, [usdc("10", status="orphaned")], BEFORE)
    assert changes.events(agreed, seen, gone) == ["invoice.payment_reverted"]
    assert changes.events(agreed, less, part) == []


def test_an_asset_is_weighed_by_what_was_asked_on_its_own_chain() -> None:
    other = Option("eip155:1", Money.parse("20", USDC), 4)
    agreed = replace(terms(), options=(other, IN_USDC))
    assert rules.outcome(agreed, [usdc("10")], BEFORE).status == "paid"
    elsewhere = replace(usdc("20"), chain="eip155:1")
    assert str(rules.outcome(agreed, [elsewhere], BEFORE).paid) == "10.00"
    third = replace(usdc("20"), chain="eip155:2")
    assert str(rules.outcome(agreed, [third], BEFORE).paid) == "10.00"
