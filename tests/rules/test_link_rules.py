"""What a payment link offers: pure decisions, and the till's keys."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checkout import keypad
from gateway.errors import BadRequest, GatewayError, InvalidAmount, Refused
from gateway.links import rules
from gateway.links.rules import Offer
from gateway.money import UNITS_MAX, USD, Money

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def usd(text: str) -> Money:
    return Money.parse(text, USD)


def offer(**fields: Any) -> Offer:
    return Offer(title="Tea", currency=USD, **fields)


OPEN = offer(min_amount=usd("2"), max_amount=usd("50"), suggested=(usd("2"), usd("50")))
PIECES = offer(amount=usd("3"), max_quantity=5)


@pytest.mark.parametrize("good", [offer(), OPEN, PIECES, offer(amount=usd("3"), max_uses=1)])
def test_an_offer_that_makes_sense_passes(good: Offer) -> None:
    rules.check(good)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (offer(amount=usd("3"), min_amount=usd("1")), "min_amount"),
        (offer(amount=usd("3"), max_amount=usd("9")), "max_amount"),
        (offer(amount=usd("3"), suggested=(usd("3"),)), "suggested_amounts"),
        (offer(min_amount=usd("3"), max_amount=usd("2.99")), "min_amount"),
        (replace(OPEN, suggested=(usd("1.99"),)), "suggested_amounts"),
        (replace(OPEN, suggested=(usd("50.01"),)), "suggested_amounts"),
        (offer(max_quantity=2), "max_quantity"),
        (offer(amount=Money(UNITS_MAX, USD), max_quantity=2), "max_quantity"),
    ],
)
def test_an_offer_that_contradicts_itself_is_refused(wrong: Offer, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        rules.check(wrong)
    assert (refusal.value.code, refusal.value.field) == ("link_contradiction", field)


def test_the_price_is_the_payers_wish_within_the_bounds() -> None:
    assert rules.price(OPEN, usd("2"), None) == usd("2")
    assert rules.price(OPEN, usd("50"), 1) == usd("50")
    for wish, code in ((usd("1.99"), "amount_too_small"), (usd("50.01"), "amount_too_large")):
        with pytest.raises(InvalidAmount) as refusal:
            rules.price(OPEN, wish, None)
        assert refusal.value.code == code
    with pytest.raises(BadRequest):
        rules.price(OPEN, None, None)


def test_the_price_is_that_of_all_pieces() -> None:
    assert rules.price(PIECES, None, None) == usd("3")
    assert rules.price(PIECES, usd("1"), 5) == usd("15")
    assert rules.titled("Tea", 5) == "Tea × 5"
    assert rules.titled("Tea", 1) == rules.titled("Tea", None) == "Tea"
    for link, quantity in ((PIECES, 6), (PIECES, 0), (PIECES, -1), (OPEN, 2)):
        with pytest.raises(Refused) as refusal:
            rules.price(link, usd("3"), quantity)
        assert refusal.value.code == "quantity_refused"


@given(
    least=st.integers(1, 10**6),
    span=st.integers(0, 10**6),
    wish=st.integers(1, 3 * 10**6),
    quantity=st.integers(-3, 3),
)
def test_nobody_pays_what_is_out_of_the_bounds(
    least: int, span: int, wish: int, quantity: int
) -> None:
    link = offer(min_amount=Money(least, USD), max_amount=Money(least + span, USD))
    inside = least <= wish <= least + span and quantity in (0, 1)
    try:
        price = rules.price(link, Money(wish, USD), quantity or None)
    except GatewayError:
        assert not inside
    else:
        assert inside
        assert price.units == wish


@pytest.mark.parametrize(
    ("link", "uses", "status"),
    [
        (offer(), 10**6, "active"),
        (offer(max_uses=2), 1, "active"),
        (offer(max_uses=2), 2, "used_up"),
        (offer(max_uses=2), 3, "used_up"),
        (offer(expires_at=NOON + timedelta(seconds=1)), 0, "active"),
        (offer(expires_at=NOON), 0, "expired"),
        (offer(expires_at=NOON, max_uses=1), 1, "expired"),
        (offer(active=False, expires_at=NOON, max_uses=1), 1, "inactive"),
    ],
)
def test_a_link_takes_payments_or_says_why_not(link: Offer, uses: int, status: str) -> None:
    assert rules.status(link, uses, NOON) == status


@pytest.mark.parametrize(
    ("keys", "places", "shown"),
    [
        ("125", 2, "125"),
        ("12.50", 2, "12.50"),
        ("12.509", 2, "12.50"),
        (".5", 2, "0.5"),
        ("1..5", 2, "1.5"),
        ("007", 2, "7"),
        ("0.05", 2, "0.05"),
        ("1.5", 0, "15"),
        ("12x", 2, "12"),
    ],
)
def test_keys_make_an_amount(keys: str, places: int, shown: str) -> None:
    typed = ""
    for key in keys:
        typed = keypad.press(typed, key, places)
    assert typed == shown
    assert keypad.press(typed, "back", places) == shown[:-1]
    assert keypad.press(typed, "clear", places) == ""


@given(st.lists(st.sampled_from(keypad.KEYS), max_size=80), st.sampled_from([0, 2, 6]))
def test_whatever_is_pressed_is_an_amount_or_nothing_yet(keys: list[str], places: int) -> None:
    typed = ""
    for key in keys:
        typed = keypad.press(typed, key, places)
    assert len(typed) <= keypad.LENGTH_MAX
    plain = keypad.plain(typed)
    if plain.strip("0."):
        assert Money.parse(plain, replace_places(places)).decimal > 0


def replace_places(places: int) -> Any:
    return replace(USD, decimals=places)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("12.50", "12.50"),
        (" 12.5 ", "12.5"),
        ("٣٫٥٠", "3.50"),
        ("۱۲", "12"),
        ("5.", "5"),
        (".5", "0.5"),
        ("007", "7"),
        ("0", "0"),
        ("", ""),
        (".", "."),
        ("1,50", "1,50"),
        ("1.2.3", "1.2.3"),
        ("-1", "-1"),
        ("1e3", "1e3"),
    ],
)
def test_an_amount_is_read_as_people_write_it(written: str, plain: str) -> None:
    assert keypad.plain(written) == plain
