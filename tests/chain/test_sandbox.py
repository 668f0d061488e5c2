"""The sandbox: each deed is done on the node, and the gateway hears of it as of any other."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from gateway import db
from gateway.accounts.store import Account
from gateway.errors import Conflict, NotFound
from gateway.inbox.store import Item
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts
from gateway.sandbox.deeds import REORG_BLOCKS_MAX, Deed, Done, simulate
from gateway.settings import settings
from tests import asking
from tests.chain.money_in import CHAIN, Till, ledger_is_sound, open_till
from tests.conftest import TestNode

IN_ETH = (("ETH", CHAIN),)


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Iterator[Till]:
    yield open_till(anvil)
    assert ledger_is_sound()


@pytest.fixture
def invoice(till: Till) -> str:
    shop = till.account("falafel-corner")
    with db.transaction() as session:
        account = session.get_one(Account, shop)
        return asking.asked(session, account, "10", assets=IN_ETH).invoice.id


def do(invoice: str, deed: Deed, seconds: int = 0) -> Done:
    with db.transaction() as session:
        return simulate(session, invoice, deed, asset=None, chain_id=None, seconds=seconds)


def facts(invoice: str) -> Facts:
    with db.transaction() as session:
        return invoices.get(session, invoice)


def told(invoice: str) -> list[str]:
    with db.transaction() as session:
        return asking.told(session, invoices.get(session, invoice))


def test_pay_then_confirm(till: Till, invoice: str) -> None:
    assert do(invoice, "pay").tx_hash
    till.mine()
    assert facts(invoice).stored.status == "processing"
    do(invoice, "confirm")
    till.follow()
    assert told(invoice) == ["invoice.processing", "invoice.paid"]
    with pytest.raises(Conflict, match="nothing is left"):
        do(invoice, "pay")


def test_underpay_then_pay_the_rest(till: Till, invoice: str) -> None:
    do(invoice, "underpay")
    till.mine()
    partial = facts(invoice)
    assert (partial.stored.paid_state, str(partial.due)) == ("partial", "5.00")
    do(invoice, "pay")
    till.mine()
    assert facts(invoice).stored.paid_state == "exact"


def test_overpay(till: Till, invoice: str) -> None:
    do(invoice, "overpay")
    till.mine(3)
    assert told(invoice)[-1] == "invoice.overpaid"
    assert str(facts(invoice).over) == "5.00"


def test_late_is_late_by_the_chain(till: Till, invoice: str) -> None:
    do(invoice, "late")
    assert told(invoice) == ["invoice.expired"]
    till.mine(3)
    late = facts(invoice).stored
    assert (late.late, late.status) == (True, "paid")
    assert "invoice.paid_late" in told(invoice)


def test_too_late_waits_for_the_merchant(till: Till, invoice: str) -> None:
    do(invoice, "late", seconds=25 * 3_600)
    till.mine(3)
    late = facts(invoice).stored
    assert (late.status, late.late_action) == ("expired", "review")


def test_the_clock_keeps_the_length_of_a_quote(till: Till, invoice: str) -> None:
    before = facts(invoice).invoice
    do(invoice, "expire")
    after = facts(invoice).invoice
    assert after.status == "expired"
    assert after.expires_at - after.created_at == before.expires_at - before.created_at


def test_advance_short_of_the_end_changes_nothing_else(till: Till, invoice: str) -> None:
    do(invoice, "advance", seconds=60)
    assert facts(invoice).stored.status == "open"
    do(invoice, "advance", seconds=3_600)
    assert facts(invoice).stored.status == "expired"


def test_a_wrong_asset_comes_to_the_inbox(till: Till) -> None:
    shop = till.account("spice-souk")
    with db.transaction() as session:
        account = session.get_one(Account, shop)
        mine = asking.asked(session, account, "10", assets=(("USDC", CHAIN),)).invoice.id
        both = asking.asked(session, account, "10").invoice.id
    do(mine, "wrong_asset")
    till.mine(3)
    with db.transaction() as session:
        (item,) = session.scalars(select(Item))
        assert (item.kind, item.asset) == ("wrong_asset", "ETH")
    with pytest.raises(Conflict, match="open one with"):
        do(both, "wrong_asset")


def test_a_reorganisation_takes_a_final_payment_back(till: Till, invoice: str) -> None:
    do(invoice, "pay")
    till.mine(3)
    assert facts(invoice).stored.status == "paid"
    do(invoice, "reorg")
    till.mine(1)
    assert facts(invoice).stored.status == "open"
    assert told(invoice)[-1] == "invoice.payment_reverted"


def test_what_is_deep_stays(till: Till, invoice: str) -> None:
    with pytest.raises(Conflict, match="no payment stands"):
        do(invoice, "reorg")
    do(invoice, "pay")
    till.mine(REORG_BLOCKS_MAX + 1)
    with pytest.raises(Conflict, match="too deep"):
        do(invoice, "reorg")


def test_production_has_no_sandbox(
    till: Till, invoice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    production = settings().model_copy(update={"environment": "production"})
    monkeypatch.setattr("gateway.sandbox.deeds.settings", lambda: production)
    with pytest.raises(NotFound):
        do(invoice, "expire")
