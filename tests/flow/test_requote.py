"""A new quote after the end: the same addresses, today's rates, what was paid keeps its own."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.errors import Conflict, DependencyAway, Refused
from gateway.gasless import service as gasless
from gateway.gasless.store import PaymentAuthorization
from gateway.invoices import requote, service
from gateway.invoices.facts import Facts, InvoiceShape
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
    prices_of(monkeypatch, f"USDC=1 ETH={dollars}")


def prices_of(monkeypatch: pytest.MonkeyPatch, fixed: str) -> None:
    given = settings().model_copy(update={"fixed_prices": fixed})
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


def test_an_asset_without_a_rate_is_left_out_until_it_has_one(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = ended(session, asking.asked(session, asking.merchant(session)))
    places = {option.asset: option.address for option in facts.options}
    prices_of(monkeypatch, "USDC=1")
    again = requote.requote(session, facts.invoice.id)
    assert (again.invoice.status, amounts(again)) == ("open", {"USDC": "12.50"})
    assert not service.offers(session, invoice_id=facts.invoice.id, asset="ETH")
    watched = session.scalars(
        text("select address from address where invoice_id = :id"), {"id": facts.invoice.id}
    )
    assert places["ETH"] in list(watched)
    ended(session, again)
    prices_of(monkeypatch, "USDC=1 ETH=1000")
    back = requote.requote(session, facts.invoice.id)
    assert amounts(back) == {"USDC": "12.50", "ETH": "0.0125"}
    assert {option.asset: option.address for option in back.options} == places


def test_what_comes_by_a_way_that_was_left_out_waits_for_a_person(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = ended(session, asking.asked(session, asking.merchant(session)))
    prices_of(monkeypatch, "USDC=1")
    again = requote.requote(session, facts.invoice.id)
    paid = asking.pay(session, again, "0.00625", asset="ETH")  # enough by the old quote
    assert (paid.stored.status, str(paid.stored.paid)) == ("open", "0.00")
    (told,) = InvoiceShape.of(paid).payments
    assert (told["settles"], told["unsettled"]) == (False, "wrong_asset")
    prices_of(monkeypatch, "USDC=1 ETH=1600")
    service.accept(session, facts.invoice.id, payment="dep_1", by="key_till")
    assert str(service.get(session, facts.invoice.id).stored.paid) == "10.00"


def test_a_signature_for_a_way_that_was_left_out_is_not_sent(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = ended(session, asking.asked(session, asking.merchant(session)))
    signed = PaymentAuthorization(
        invoice_id=facts.invoice.id, chain=asking.CHAIN, asset="ETH", value=1
    )
    prices_of(monkeypatch, "USDC=1")
    requote.requote(session, facts.invoice.id)
    assert gasless.over(session, signed) == gasless.ASKS_LESS


def test_what_was_paid_in_time_counts_though_its_asset_has_no_rate_any_more(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = asking.asked(session, asking.merchant(session), "20")
    facts = ended(session, asking.pay(session, facts, "0.005", asset="ETH"), "0 seconds")
    prices_of(monkeypatch, "USDC=1")
    again = requote.requote(session, facts.invoice.id)
    assert (str(again.stored.paid), amounts(again)) == ("10.00", {"USDC": "10.00"})


@pytest.mark.parametrize(
    "table", ["chain_asset set active = false where asset", "chain set active = false where name"]
)
def test_what_is_not_served_any_more_breaks_no_other_way(session: Session, table: str) -> None:
    asking.add_chain(session, asking.OTHER, "ETH")
    ways = (("ETH", asking.OTHER), ("USDC", asking.CHAIN))
    facts = ended(session, asking.asked(session, asking.merchant(session), assets=ways))
    session.execute(text(f"update {table} = 'ETH'"))
    assert amounts(requote.requote(session, facts.invoice.id)) == {"USDC": "12.50"}


def test_without_any_way_left_there_is_no_quote_and_nothing_changes(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = ended(session, asking.asked(session, asking.merchant(session)))
    prices_of(monkeypatch, "XYZ=1")
    with pytest.raises(DependencyAway):
        requote.requote(session, facts.invoice.id)
    session.execute(text("update chain set active = false"))
    with pytest.raises(Refused):
        requote.requote(session, facts.invoice.id)
    session.expire_all()
    after = service.get(session, facts.invoice.id)
    assert (after.invoice.status, len(after.options)) == ("expired", 2)
