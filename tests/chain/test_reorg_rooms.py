"""What a reorganisation does beyond the deposit: invoices, withdrawals and refunds are told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.chain import evm
from gateway.invoices import service as invoices
from gateway.ledger.chart import CUSTODY, Chart
from gateway.money import Money
from gateway.withdrawals import service as withdrawals
from tests.chain.money_in import CHAIN, DOLLAR, USDC, Till, ledger_is_sound, number, open_till
from tests.chain.money_out import open_desk
from tests.conftest import TestNode


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Iterator[Till]:
    yield open_till(anvil)
    evm.node(CHAIN).close()
    evm.node.cache_clear()


@pytest.fixture
def merchant(till: Till) -> str:
    with db.transaction() as session:
        return accounts.open_account(session, handle="shop", kind="merchant").id


def invoice(merchant: str, units: int) -> tuple[str, bytes]:
    """Open an invoice of USDC; returns its id and the address to pay."""
    with db.transaction() as session:
        order = invoices.Order(price=Money(units, USDC), assets=(("USDC", CHAIN),))
        facts, _ = invoices.open_invoice(session, account_id=merchant, order=order)
        row = session.execute(
            text("select address from address where invoice_id = :id"), {"id": facts.invoice.id}
        ).one()
        return facts.invoice.id, bytes(row.address)


def status(invoice_id: str) -> str:
    with db.transaction() as session:
        return str(
            session.execute(
                text("select status from invoice where id = :id"), {"id": invoice_id}
            ).scalar_one()
        )


def test_an_invoice_follows_its_deposit_to_paid_and_back(till: Till, merchant: str) -> None:
    order, address = invoice(merchant, 5 * DOLLAR)
    till.pay_usdc(address, 5 * DOLLAR)
    till.mine()
    assert status(order) == "processing"
    till.mine(2)
    assert status(order) == "paid"
    assert till.only().invoice_id == order
    till.anvil.reorg(3)
    till.mine()
    assert till.only().status == "reversed"
    assert status(order) != "paid"
    assert "invoice.payment_reverted" in till.events()


def test_a_withdrawal_not_sent_yet_is_cancelled_and_its_money_is_taken(till: Till) -> None:
    account = till.account()
    till.pay_usdc(till.address(account), 100 * DOLLAR)
    till.mine(4)
    with db.transaction() as session:
        withdrawal = withdrawals.request(
            session,
            account_id=account,
            asset="USDC",
            chain=CHAIN,
            to_address=bytes([6] * 20),
            amount=Money(40 * DOLLAR, USDC),
            requested_by="key_test",
        ).id
    assert till.available(account) < 60 * DOLLAR
    till.anvil.reorg(4)
    till.mine()
    assert (till.available(account), till.owed(account), till.unswept()) == (0, 0, 0)
    assert number(
        "select count(*) from withdrawal where id = :id and status = 'cancelled'", id=withdrawal
    )
    assert ledger_is_sound()


def test_a_deposit_that_a_sweep_took_is_taken_back_as_well(
    till: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deeper than the depth of sweeps, but not than what is final: both left the chain."""
    desk = open_desk(till, tmp_path, monkeypatch)
    with db.transaction() as session:
        session.execute(text("update chain set sweep_worth_gas = 0"))
    before = {place: desk.house(place) for place in CUSTODY}
    account = till.account()
    till.pay_usdc(till.address(account), 10 * DOLLAR)
    till.mine(4)
    for _ in range(6):
        desk.round()
        till.follow()
    assert (till.available(account), desk.house(Chart.UNSWEPT)) == (10 * DOLLAR, 0)
    till.anvil.reorg(till.anvil.head() - till.only().block_number + 1)
    till.mine()
    assert till.only().status == "reversed"
    assert (till.available(account), till.owed(account)) == (0, 0)
    assert sum(desk.house(place) for place in CUSTODY) == sum(before.values())
    assert ledger_is_sound()
