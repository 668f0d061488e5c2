"""A new quote after the end: the same addresses, today's rates, what was paid keeps its own."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.errors import Conflict, DependencyAway
from gateway.invoices import requote, service
from gateway.invoices.facts import Facts
from gateway.settings import settings
from tests import asking


@pytest.fixture(autouse=True)
def world(session: Session) -> None:
    asking.add_chain(session)


def ended(session: Session, facts: Facts, ago: str = "1 minute") -> Facts:
    """Let the invoice's time be over."""
    session.execute(
        text("update invoice set expires_at = now() - cast(:ago as interval) where id = :id"),
        {"id": facts.invoice.id, "ago": ago},
    )
    session.expire_all()
    service.expire_due(session)
    return service.get(session, facts.invoice.id)


def ether_costs(monkeypatch: pytest.MonkeyPatch, dollars: str) -> None:
    given = settings().model_copy(update={"fixed_prices": f"USDC=1 ETH={dollars}"})
    monkeypatch.setattr("gateway.prices.service.settings", lambda: given)


def amounts(facts: Facts) -> dict[str, str]:
    return {option.asset: str(facts.remaining(option)) for option in facts.options}


def test_the_addresses_stay_and_the_amounts_are_todays(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = ended(session, asking.asked(session, asking.merchant(session)))
    places = [(option.chain, option.asset, option.address) for option in facts.options]
    ether_costs(monkeypatch, "1000")
    again = requote.requote(session, facts.invoice.id)
    assert [(one.chain, one.asset, one.address) for one in again.options] == places
    assert amounts(again) == {"USDC": "12.50", "ETH": "0.0125"}
    assert again.invoice.status == "open"
    assert again.invoice.requoted_at is not None
    assert again.invoice.expires_at > again.invoice.requoted_at
    assert asking.told(session, again)[-2:] == ["invoice.expired", "invoice.requoted"]
    paid = asking.pay(session, again, "0.0125", asset="ETH")
    assert (paid.stored.status, paid.stored.paid_state) == ("paid", "exact")


def test_what_was_paid_in_time_counts_as_it_was_quoted(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = asking.asked(session, asking.merchant(session), "20")
    facts = ended(session, asking.pay(session, facts, "0.005", asset="ETH"), "0 seconds")
    assert facts.stored.status == "expired"
    ether_costs(monkeypatch, "1000")
    again = requote.requote(session, facts.invoice.id)
    assert str(again.stored.paid) == "10.00"
    assert amounts(again) == {"USDC": "10.00", "ETH": "0.01"}


def test_what_came_too_late_counts_at_the_new_quote(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = asking.asked(session, asking.merchant(session), "20")
    session.execute(
        text("update invoice set late_percent = 0, late_hours = 0 where id = :id"),
        {"id": facts.invoice.id},
    )
    facts = ended(session, facts)
    facts = asking.pay(session, facts, "0.005", asset="ETH")
    ether_costs(monkeypatch, "1000")
    again = requote.requote(session, facts.invoice.id)
    assert str(again.stored.paid) == "5.00"
    assert amounts(again)["USDC"] == "15.00"
    # nothing left the chain: it is only worth less
    assert "invoice.payment_reverted" not in asking.told(session, again)
    assert again.invoice.reverted_at is None


def test_there_is_none_before_the_end_after_payment_or_for_an_old_invoice(
    session: Session,
) -> None:
    shop = asking.merchant(session)
    still = asking.asked(session, shop)
    full = asking.pay(session, asking.asked(session, shop), "12.5", deposit="dep_full")
    gone = ended(session, asking.asked(session, shop))
    service.void(session, gone.invoice.id)
    old = ended(session, asking.asked(session, shop))
    old.invoice.created_at = old.invoice.created_at.replace(year=2020)
    session.flush()
    for facts in (still, full, gone, old):
        with pytest.raises(Conflict):
            requote.requote(session, facts.invoice.id)


def test_an_asset_without_a_rate_gives_no_quote(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = ended(session, asking.asked(session, asking.merchant(session)))
    given = settings().model_copy(update={"fixed_prices": "USDC=1"})
    monkeypatch.setattr("gateway.prices.service.settings", lambda: given)
    with pytest.raises(DependencyAway):
        requote.requote(session, facts.invoice.id)
