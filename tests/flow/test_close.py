"""What ends or goes on by the clock alone: invoices in turns, late money that waits for a rate."""

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from gateway import db
from gateway.accounts.store import Account
from gateway.invoices.facts import Facts, InvoiceShape
from gateway.invoices.service import get
from tests import asking
from tests.flow.lateness import market, overdue
from workers import close as worker
from workers.close import close


@pytest.fixture
def shop(database: str, redis_url: str) -> Account:
    with db.transaction() as session:
        asking.add_chain(session)
        return asking.merchant(session)


def shape(facts: Facts) -> InvoiceShape:
    with db.transaction() as session:
        return InvoiceShape.of(get(session, facts.invoice.id))


def late_ether(shop: Account, monkeypatch: pytest.MonkeyPatch) -> Facts:
    """Pay an invoice of 12.50 a minute after its end, in ether that nobody can price then."""
    with db.transaction() as session:
        facts = overdue(session, shop)
        market(monkeypatch, ETH=None)
        asking.pay(session, facts, "0.00625", asset="ETH")
        return facts


def test_all_that_is_over_ends_in_one_run_however_many(
    shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PER_TURN_MAX", 2)
    with db.transaction() as session:
        made = [asking.asked(session, shop) for _ in range(5)]
        session.execute(text("update invoice set expires_at = now() - interval '1 minute'"))
    close()
    assert [shape(facts).status for facts in made] == ["expired"] * 5


def test_late_money_settles_when_the_market_is_known_again(
    shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = late_ether(shop, monkeypatch)
    with capture_logs() as logs:
        close()
    assert logs == []  # nothing is said again each second
    assert shape(facts).late_action == "review"
    market(monkeypatch, ETH="1950")
    close()
    assert (shape(facts).status, shape(facts).late_action) == ("paid", None)


def test_a_market_that_moved_meanwhile_leaves_late_money_to_a_person(
    shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = late_ether(shop, monkeypatch)
    for dollars in ("1000", "2000"):  # what was heard first stays
        market(monkeypatch, ETH=dollars)
        close()
        assert shape(facts).late_action == "review"


def test_a_market_that_is_silent_for_longer_leaves_late_money_to_a_person(
    shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = late_ether(shop, monkeypatch)
    with db.transaction() as session:
        session.execute(
            text("update invoice_payment set rate_missed_at = now() - interval '61 minutes'")
        )
    market(monkeypatch, ETH="2000")
    close()
    assert shape(facts).late_action == "review"
