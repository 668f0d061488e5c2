"""A payment that was too much, seen on a real node, goes back to who signed it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import db
from gateway.accounts import service as accounts
from gateway.addresses.store import Address
from gateway.chain import evm
from gateway.invoices import service as invoices
from gateway.money import USD, Money
from gateway.refunds import payer, service
from gateway.refunds.service import Wish
from gateway.refunds.store import Refund
from tests.chain.money_in import CHAIN, DOLLAR, PAYER, open_till
from tests.chain.money_out import Desk, open_desk
from tests.conftest import TestNode

ROUNDS_MAX = 20


@pytest.fixture
def desk(
    anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    yield desk
    evm.node(CHAIN).close()
    evm.node.cache_clear()


def overpaid(desk: Desk) -> tuple[str, str]:
    """An invoice of 10 USD that was paid with 15 USDC; returns it and its merchant."""
    with db.transaction() as session:
        shop = accounts.open_account(session, handle="falafel", kind="merchant").id
        order = invoices.Order(price=Money(1_000, USD), assets=(("USDC", CHAIN),))
        facts, _ = invoices.open_invoice(session, account_id=shop, order=order)
        place = session.query(Address).filter_by(invoice_id=facts.invoice.id).one().address
    desk.till.pay_usdc(place, 15 * DOLLAR)
    desk.till.mine(3)
    return facts.invoice.id, shop


def finish(desk: Desk) -> None:
    """Let every worker do its rounds until no withdrawal is under way."""
    for _ in range(ROUNDS_MAX):
        desk.round()
        desk.till.follow()
        if not {"approved", "sent"} & {status for status, _ in desk.rows()}:
            return
    raise AssertionError(f"not finished: {desk.rows()} {desk.alarms()}")


def state(refund_id: str) -> tuple[str, str]:
    with db.transaction() as session:
        row = session.get_one(Refund, refund_id)
        return row.kind, row.status


def test_too_much_goes_back_to_who_signed_once_the_payer_says_so(desk: Desk) -> None:
    invoice, shop = overpaid(desk)
    sender = bytes.fromhex(desk.till.anvil.accounts()[PAYER][2:])
    had = desk.holds(sender)
    with db.transaction() as session:
        wish = Wish(invoice, "key_test", kind="overpaid")
        row, token = payer.ask_payer(session, wish, expires_in=86_400)
        assert row.sender == sender
        made = row.id
    finish(desk)
    assert (state(made), desk.holds(sender)) == (("overpaid", "awaiting_address"), had)
    with db.transaction() as session:
        payer.answer(session, token, sender)
    finish(desk)
    assert state(made) == ("overpaid", "confirmed")
    assert desk.holds(sender) == had + 5 * DOLLAR
    with db.transaction() as session:
        rest = service.refund(session, Wish(invoice, "key_test", amount="9"), to_address=sender)
    finish(desk)
    assert state(rest.id) == ("partial", "confirmed")
    assert desk.holds(sender) == had + 14 * DOLLAR
    assert 0 < desk.till.available(shop) < DOLLAR  # the fees of two withdrawals
    assert desk.sound()
