"""Refunds of every kind stay within what was paid, whoever asks at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.accounts.store import Account
from gateway.errors import GatewayError
from gateway.invoices import service as invoices
from tests import asking
from tests.flow.returning import RACERS, back, open_shop, paid, promised, promised_in_all, refusal


@pytest.fixture
def shop(database: str, redis_url: str) -> Account:
    return open_shop()


def test_what_came_too_much_goes_back_and_the_price_stays(shop: Account) -> None:
    facts = paid(shop, ("130", "USDC"))
    row = back(facts, kind="overpaid")
    assert (row.kind, int(row.currency_amount), int(row.amount)) == ("overpaid", 3_000, 30 * 10**6)
    assert refusal(back, facts, kind="overpaid") == "nothing_overpaid"
    assert int(back(facts).currency_amount) == 10_000
    assert refusal(back, facts) == "nothing_to_refund"


def test_a_kind_and_an_amount_that_do_not_fit_are_refused(shop: Account) -> None:
    facts = paid(shop, ("130", "USDC"))
    for wish in ({"kind": "partial"}, {"kind": "full", "amount": "1"}):
        assert refusal(back, facts, **wish) == "amount_does_not_fit"
    assert refusal(back, facts, kind="overpaid", amount="1") == "amount_does_not_fit"


def test_it_leaves_in_the_asset_that_is_chosen_of_those_that_paid(shop: Account) -> None:
    facts = paid(shop, ("60", "USDC"), ("0.02", "ETH"))
    assert (back(facts, amount="10").asset, back(facts, amount="10", asset="ETH").asset) == (
        "USDC",
        "ETH",
    )
    assert refusal(back, facts, asset="XYZ") == "asset_not_paid"
    assert refusal(back, facts, asset="ETH", chain=asking.OTHER) == "asset_not_paid"


def test_at_the_quote_or_at_the_current_rate(
    shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = paid(shop, ("0.05", "ETH"))
    quoted = back(facts, amount="10")
    assert (int(quoted.amount), str(quoted.rate)) == (5 * 10**15, "2000")
    assert quoted.rate_source == facts.options[1].rate_source
    now(monkeypatch, "USDC=1 ETH=4000")
    row = back(facts, amount="10", rate="current")
    assert (int(row.amount), str(row.rate), row.rate_kind) == (25 * 10**14, "4000", "current")
    assert int(back(facts, amount="10").amount) == 5 * 10**15
    now(monkeypatch, "USDC=1")
    assert refusal(back, facts, amount="10", rate="current") == "rate_unavailable"


def test_what_was_accepted_at_another_rate_goes_back_at_that_rate(
    shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction() as session:
        facts = asking.asked(session, shop, "100")
        session.execute(text("update invoice set expires_at = now() - interval '1 day'"))
        session.execute(text("update invoice set late_percent = 0, late_hours = 0"))
        session.expire_all()
        asking.pay(session, facts, "0.05", asset="ETH")
    now(monkeypatch, "USDC=1 ETH=1000")
    with db.transaction() as session:
        invoices.accept(session, facts.invoice.id, rate="current", by="key_test")
    row = back(facts, amount="10")
    assert (int(row.currency_amount), int(row.amount), str(row.rate)) == (1_000, 10**16, "1000")
    assert int(back(facts).amount) == 4 * 10**16
    assert promised_in_all() == 5_000


def test_what_is_final_is_what_the_payments_say(shop: Account) -> None:
    facts = paid(shop, ("20", "USDC"), ("20", "USDC"))
    with db.transaction() as session:  # as one reads it whose other payment is credited meanwhile
        session.execute(text("update invoice set amount_credited = 2000"))
    assert (int(back(facts).amount), promised_in_all()) == (40 * 10**6, 4_000)


def now(monkeypatch: pytest.MonkeyPatch, rates: str) -> None:
    """Let the fixed source say other prices."""
    from gateway.settings import settings

    monkeypatch.setenv("MIZAN_FIXED_PRICES", rates)
    settings.cache_clear()


def test_a_payer_gets_back_exactly_what_came_cents_or_not(shop: Account) -> None:
    facts = paid(shop, ("0.0123456789", "ETH"))
    assert int(back(facts).amount) == 12345678900000000


@pytest.mark.parametrize("state", ["expired", "void", "late"])
def test_money_of_an_invoice_that_is_over_goes_back(shop: Account, state: str) -> None:
    facts = paid(shop, ("40", "USDC"))
    with db.transaction() as session:
        if state == "void":
            invoices.void(session, facts.invoice.id)
        else:
            session.execute(text("update invoice set expires_at = now() - interval '1 hour'"))
        if state == "late":
            asking.pay(session, facts, "60", deposit="dep_late")
        else:
            invoices.expire_due(session)
    back(facts)
    assert promised_in_all() == (10_000 if state == "late" else 4_000)


def test_sixteen_at_once_never_give_back_more_than_came(shop: Account) -> None:
    facts = paid(shop, ("130", "USDC"))
    wishes: list[dict[str, Any]] = [
        {},
        {"kind": "overpaid"},
        {"amount": "40"},
        {"amount": "65"},
    ] * (RACERS // 4)

    def ask(number: int) -> str:
        try:
            if number % 2:
                promised(facts, **wishes[number])
            else:
                back(facts, **wishes[number])
        except GatewayError as error:
            return error.code
        return "made"

    with ThreadPoolExecutor(RACERS) as pool:
        made = list(pool.map(ask, range(RACERS)))
    refusals = {"nothing_to_refund", "refund_exceeds_payment", "nothing_overpaid"}
    assert set(made) - refusals == {"made"}
    assert promised_in_all() == 13_000  # whoever asked for all that was left got it
