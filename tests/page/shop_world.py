"""A merchant with something on every page of its console."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.book import service as book
from gateway.ids import new_id
from gateway.invoices import service as invoices
from gateway.money import Money
from gateway.payouts import schedules
from gateway.payouts import service as payouts
from gateway.payouts.rules import Calendar
from gateway.refunds.routes import refund_invoice
from gateway.refunds.shapes import RefundBody
from gateway.scopes import ACCOUNT_SCOPES
from gateway.web.auth import Principal
from gateway.webhooks import endpoints
from gateway.webhooks.store import Attempt
from tests import asking
from tests.flow import day
from tests.flow.books import CHAIN, USDC, fund
from tests.flow.outgoing import DOLLAR

SOMEBODY = "0x000000000000000000000000000000000000beef"
EVIL = '<script>alert("1")</script>'


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant's ids, and a key of its own."""

    account: str
    key_id: str
    key: str
    open: str
    paid: str
    refund: str
    payout: str
    entry: str
    endpoint: str
    delivery: str


def key_of(account: str, scopes: frozenset[str] = ACCOUNT_SCOPES) -> tuple[str, str]:
    """Make a key of an account; returns its id and secret."""
    with db.transaction() as session:
        key, secret = accounts.issue_key(session, account_id=account, name="till", scopes=scopes)
        return key.id, secret


def build(handle: str = "") -> Shop:
    """Open a merchant whose every list has a row; the chain is there."""
    account, endpoint = opened(handle or f"shop-{uuid4().hex[:12]}")
    key_id, key = key_of(account)
    open_, paid = asked(account)
    with db.transaction() as session:
        refund = refund_invoice(
            paid,
            RefundBody(amount="5", to_address=SOMEBODY),
            session,
            Principal(key_id, account, ACCOUNT_SCOPES),
        ).id
    entry, payout = paid_out(account, key_id)
    with db.transaction() as session:
        query = text("select id from delivery where endpoint_id = :id limit 1")
        delivery = session.execute(query, {"id": endpoint}).scalar_one()
        session.add(attempt_of(delivery, endpoint))
    return Shop(
        account=account,
        key_id=key_id,
        key=key,
        open=open_,
        paid=paid,
        refund=refund,
        payout=payout,
        entry=entry,
        endpoint=endpoint,
        delivery=delivery,
    )


def opened(handle: str) -> tuple[str, str]:
    """Open a merchant with money and a server that listens; returns account and endpoint."""
    with db.transaction() as session:
        account = accounts.open_account(session, handle=handle, kind="merchant").id
        session.execute(
            text(
                "insert into fee_level (chain, base_fee, tip) values (:chain, 1000000000, 1)"
                " on conflict do nothing"
            ),
            {"chain": CHAIN},
        )
        fund(session, account, 900 * DOLLAR, key=account)
        url = "https://shop.example/hooks"
        return account, endpoints.create(session, account_id=account, url=url, events=None).id


def asked(account: str) -> tuple[str, str]:
    """Ask for money twice; returns the invoice that is open, whose texts are attacks, and the
    one that is paid.
    """
    with db.transaction() as session:
        merchant = accounts.get(session, account)
        open_ = asking.asked(
            session, merchant, order_id=f"1042 {EVIL}", title=EVIL, metadata={EVIL: EVIL}
        ).invoice.id
        paid = asking.asked(session, merchant, amount="20", title="Falafel for two").invoice.id
    deposit = day.deposit(account, 20 * DOLLAR, invoice=paid)
    with db.transaction() as session:
        asking.pay(session, invoices.get(session, paid), "20", deposit=deposit)
    return open_, paid


def attempt_of(delivery: str, endpoint: str) -> Attempt:
    """Return an attempt that the receiver answered badly."""
    return Attempt(
        id=new_id("att"),
        delivery_id=delivery,
        endpoint_id=endpoint,
        number=1,
        url="https://shop.example/hooks",
        request_headers={"webhook-id": "msg_1"},
        response_status=500,
        response_headers={"content-type": "text/html"},
        response_body=EVIL,
        error="the answer was 500",
        milliseconds=12,
        created_at=datetime.now(UTC),
    )


def paid_out(account: str, key_id: str) -> tuple[str, str]:
    """Save an address, set a schedule, and pay a little out; returns entry and payout."""
    with db.transaction() as session:
        address = uuid4().bytes + bytes(4)
        entry = book.add(
            session, account_id=account, chain=CHAIN, address=address, label="Bank", by=key_id
        ).id
        plan = schedules.Plan(
            asset="USDC",
            entry_id=entry,
            calendar=Calendar("week", 1, 6),
            minimum=Money(50 * DOLLAR, USDC),
            keep=Money(100 * DOLLAR, USDC),
            active=True,
        )
        schedules.put(session, account_id=account, plan=plan, by=key_id)
        payout = payouts.pay_now(
            session,
            account_id=account,
            asset="USDC",
            entry_id=entry,
            amount=Money(10 * DOLLAR, USDC),
            by=key_id,
        )
        assert payout.created_at <= datetime.now(UTC)
        return entry, payout.id
