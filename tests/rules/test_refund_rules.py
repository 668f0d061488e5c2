"""How much of an invoice may go back, and what it is in the asset it goes back in."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Conflict, Refused
from gateway.invoices.rules import Option, Payment, Terms
from gateway.money import USD, Asset, Money
from gateway.refunds import rules
from gateway.refunds.rules import Kind, Received

USDC, ETH = Asset("USDC", 6), Asset("ETH", 18)
CHAIN, OTHER = "eip155:31337", "eip155:1"
END = datetime(2026, 1, 1, 12, tzinfo=UTC)
PRICE = Money.parse("10.00", USD)
IN_USDC = Option(CHAIN, Money.parse("10", USDC), 4)
IN_ETH = Option(CHAIN, Money.parse("0.005", ETH), 8)
TERMS = Terms(PRICE, (IN_USDC, IN_ETH), END)
NOTHING = Money(0, USD)
CENTS = st.integers(1, 10_000)


def dollars(amount: str) -> Money:
    return Money.parse(amount, USD)


def given_back(
    kind: Kind, amount: Money | None = None, *, credited: str = "15", refunded: Money = NOTHING
) -> Money:
    return rules.refund_amount(
        kind, amount, price=PRICE, credited=dollars(credited), refunded=refunded
    )


def payment(
    amount: str, asset: Asset, chain: str = CHAIN, status: str = "credited", **facts: Decimal
) -> Payment:
    money = Money.parse(amount, asset)
    return Payment(chain, money, status, END, **facts)  # type: ignore[arg-type]


def code_of(kind: Kind, amount: Money | None = None, *, refunded: str) -> str:
    with pytest.raises(Refused) as refused:
        given_back(kind, amount, refunded=dollars(refunded))
    return refused.value.code


def test_a_refund_is_bound_to_what_is_final() -> None:
    assert given_back("full", refunded=dollars("6")) == dollars("9")
    assert given_back("partial", dollars("9"), refunded=dollars("6")) == dollars("9")
    assert code_of("partial", dollars("9.01"), refunded="6") == "refund_exceeds_payment"
    assert code_of("full", refunded="15") == "nothing_to_refund"


def test_what_was_paid_too_much_leaves_the_price() -> None:
    assert given_back("overpaid") == dollars("5")
    assert given_back("overpaid", refunded=dollars("3")) == dollars("2")
    assert code_of("overpaid", refunded="5") == "nothing_overpaid"


@given(st.integers(0, 30_000), st.lists(st.tuples(st.sampled_from(["full", "overpaid"]), CENTS)))
def test_no_order_of_refunds_gives_back_more_than_came(
    credited: int, asked: list[tuple[Kind, int]]
) -> None:
    whole, back = Money(credited, USD), NOTHING
    for kind, cents in asked:
        amount = Money(cents, USD) if cents % 2 else None
        meant: Kind = "partial" if amount else kind
        try:
            part = rules.refund_amount(meant, amount, price=PRICE, credited=whole, refunded=back)
        except Refused:
            continue
        assert part.units > 0
        back += part
        assert back <= whole
        if meant == "overpaid":
            assert whole - back == PRICE


def test_a_kind_says_whether_there_is_an_amount() -> None:
    assert (rules.kind_of(None, None), rules.kind_of(None, "1")) == ("full", "partial")
    wrong: list[tuple[Kind, str | None]] = [("partial", None), ("full", "1"), ("overpaid", "1")]
    for kind, amount in wrong:
        with pytest.raises(Refused):
            rules.kind_of(kind, amount)


def test_what_came_is_added_up_by_asset_and_chain() -> None:
    found = rules.received(
        TERMS,
        [
            payment("1", USDC),
            payment("0.002", ETH),
            payment("2", USDC),
            payment("2", USDC, OTHER),
            payment("9", USDC, status="confirming"),
            payment("9", USDC, status="reversed"),
        ],
    )
    assert [(one.chain, str(one.money), one.covered) for one in found] == [
        (CHAIN, "0.002", Fraction(400)),
        (CHAIN, "3.00", Fraction(300)),
        (OTHER, "2.00", Fraction(200)),
    ]
    assert rules.chosen(found, "USDC", None) == found[1]
    assert rules.chosen(found, None, OTHER) == found[2]
    for asset, chain in (("ETH", OTHER), ("XYZ", None), (None, "eip155:5")):
        with pytest.raises(Refused):
            rules.chosen(found, asset, chain)
    with pytest.raises(Refused):
        rules.chosen([], None, None)


def in_ether(amount: str, cents: int) -> Received:
    return Received(CHAIN, Money.parse(amount, ETH), Fraction(cents))


def test_a_refund_leaves_at_the_rate_it_was_paid_at_rounded_down() -> None:
    paid = in_ether("0.005", 1_000)
    assert str(rules.payout_as_paid(dollars("3.33"), paid, 18)) == "0.001665"
    assert str(rules.payout_as_paid(dollars("3.33"), paid, 6)) == "0.001665"
    assert str(rules.payout_as_paid(dollars("3.33"), paid, 5)) == "0.00166"
    assert str(rules.rate_as_paid(paid, USD)) == "2000"
    odd = in_ether("0.0050049", 1_000)
    assert str(rules.payout_as_paid(dollars("10"), odd, 18, whole=True)) == "0.0050049"
    third = rules.received(TERMS, [payment("0.005", ETH, counted_rate=Decimal(1_000))])
    assert str(rules.payout_as_paid(dollars("5"), third[0], 18)) == "0.005"
    with pytest.raises(Refused):
        rules.payout_as_paid(dollars("0.01"), in_ether("0.000000000000000001", 1_000), 18)


def test_what_was_never_quoted_needs_a_current_rate() -> None:
    (paid,) = rules.received(TERMS, [payment("7", Asset("XYZ", 18))])
    with pytest.raises(Refused) as refused:
        rules.payout_as_paid(dollars("1"), paid, 18)
    assert refused.value.code == "no_quote"


@given(st.integers(1, 10**20), st.integers(1, 10**7), st.lists(CENTS, min_size=1))
def test_parts_at_the_rate_of_the_payment_are_never_more_than_came(
    units: int, thousandths: int, parts: list[int]
) -> None:
    paid = Received(CHAIN, Money(units, ETH), Fraction(thousandths, 1_000))
    sent = cents = 0
    for part in parts:
        if cents + part > int(paid.covered):
            break
        try:
            sent += rules.payout_as_paid(Money(part, USD), paid, 18).units
        except Refused:
            continue
        cents += part
        assert sent <= units


def test_at_the_current_rate_it_is_worth_what_was_paid() -> None:
    assert str(rules.payout_at(dollars("10"), Decimal(4_000), ETH, 18)) == "0.0025"
    assert str(rules.payout_at(dollars("10"), Decimal(3), USDC, 6)) == "3.333333"


@pytest.mark.parametrize(
    ("code", "plain"), [("", True), ("ef0100" + "11" * 20, True), ("ef01", False), ("60", False)]
)
def test_a_plain_account_has_no_code_of_its_own(code: str, plain: bool) -> None:
    assert rules.is_plain(bytes.fromhex(code)) == plain


@pytest.mark.parametrize("status", ["pending", "confirmed", "expired", "cancelled"])
def test_only_what_waits_for_an_address_can_be_taken_back(status: str) -> None:
    rules.check_awaiting("awaiting_address")
    with pytest.raises(Conflict):
        rules.check_awaiting(status)
