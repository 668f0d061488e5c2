"""A house with business in it, made without a node: what the contract's tests ask about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.accounts.store import Account
from gateway.invoices import service as invoices
from gateway.links import service as links
from gateway.links.rules import Offer
from gateway.money import USD
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from gateway.settlement import close
from gateway.webhooks import alarms, endpoints
from tests import asking
from tests.api import things
from tests.flow import day, strays
from tests.flow.books import CHAIN, ETH, fund
from tests.flow.outgoing import DOLLAR, TOKEN, ask, chain_rows

HELD_DOLLARS = 5_000


@dataclass(frozen=True, slots=True)
class World:
    """The ids and keys of the house's people and things."""

    merchant: str
    person: str
    operator_key: str
    approver_key: str
    merchant_key: str
    person_key: str
    spare_keys: tuple[str, ...]
    deposit: str
    transfer: str
    sent: str
    held: str
    also_held: str
    approved: str
    invoice: str
    paid_invoice: str
    late_invoice: str
    late_deposit: str
    link: str
    endpoint: str
    delivery: str
    event: str
    alarm: str
    items: tuple[str, ...]
    holds: tuple[str, ...]
    pauses: tuple[str, ...]
    entries: tuple[str, ...]
    payout: str
    quote: str
    refunds: tuple[str, ...]
    transactions: tuple[str, ...]
    closed_day: str
    tx_hash: str


def build() -> World:
    """Fill a fresh database, whose assets USDC and ETH exist, with one of everything."""
    people = persons()
    merchant, amira = people["merchant"], people["person"]
    shop = shop_of(merchant, amira)
    now = datetime.now(UTC)
    read_blocks(merchant, now)
    paid = paid_in(merchant, shop, now)
    asked = asked_out(amira)
    with db.transaction() as session:
        told = session.execute(text("select id, event_id from delivery limit 1")).one()
        closed = close.close_next_day(session, now)
        assert closed is not None
    late = for_invoice(merchant, shop["late_invoice"], paid["late_deposit"])
    own = things.entries(merchant, amira)
    return World(
        **people,
        **shop,
        **paid,
        **asked,
        delivery=told.id,
        event=told.event_id,
        transfer=day.transfer(amira, merchant, "1.50"),
        sent=day.withdraw(merchant, 2 * DOLLAR, 150_000),
        items=(late, *things.inbox(merchant, amira, paid["deposit"])),
        holds=things.holds(),
        pauses=things.pauses(),
        entries=own,
        payout=things.payout(merchant, own[0]),
        quote=things.quote(),
        refunds=things.refunds(merchant),
        transactions=things.transactions(),
        closed_day=closed.isoformat(),
        tx_hash="0x" + day.tx(paid["deposit"]).hex(),
    )


def persons() -> dict[str, Any]:
    """A merchant, a person and the house, each with keys."""
    merchant, merchant_key = person("falafel-corner", "merchant")
    amira, person_key = person("amira")
    operator_key, approver_key = house_key(), house_key()
    with db.transaction() as session:
        chain_rows(session)
        spare = tuple(
            accounts.issue_key(
                session, account_id=merchant, name=name, scopes=frozenset({"accounts:read"})
            )[0].id
            for name in ("till", "kitchen", "books")
        )
    return {
        "merchant": merchant,
        "person": amira,
        "operator_key": operator_key,
        "approver_key": approver_key,
        "merchant_key": merchant_key,
        "person_key": person_key,
        "spare_keys": spare,
    }


def shop_of(merchant: str, amira: str) -> dict[str, Any]:
    """Money to spend, a link, invoices, an endpoint that hears of them, and an alarm."""
    with db.transaction() as session:
        endpoint = endpoints.create(
            session, account_id=merchant, url="https://shop.example/hooks", events=None
        ).id
        fund(session, merchant, 10**18, asset=ETH, key="ether")
        fund(session, merchant, 10_000 * DOLLAR)
        fund(session, amira, 1_000_000 * DOLLAR)
        tea = Offer(title="Tea", currency=USD, metadata={"table": "4"})
        link = links.create(session, account_id=merchant, offer=tea).id
        shop = accounts.get(session, merchant)
        invoice = asking.asked(session, shop, order_id="1042").invoice.id
        paid = asking.asked(session, shop, amount="20").invoice.id
        late = overdue(session, shop)
        alarms.raise_alarm(session, kind="books_differ", subject=CHAIN, detail="off by one")
        return {
            "endpoint": endpoint,
            "link": link,
            "invoice": invoice,
            "paid_invoice": paid,
            "late_invoice": late,
            "alarm": session.execute(text("select id from alarm")).scalar_one(),
        }


def read_blocks(merchant: str, now: datetime) -> None:
    """Read five blocks, and give out the address at which the merchant's deposits come in."""
    day.read_to(5, now)
    with db.transaction() as session:
        # an invoice has it, so that the merchant's own address can still be asked for
        place = day.own_address(session, merchant)
        session.execute(
            text("update address set invoice_id = 'inv_closed' where address = :place"),
            {"place": place},
        )
        session.execute(  # nobody reads blocks here, and the head must stay fresh
            text("update watch_cursor set block_time = :later"), {"later": now + timedelta(hours=1)}
        )


def paid_in(merchant: str, shop: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Deposits: one of yesterday, one that pays an invoice, one that comes too late for it."""
    paid, late = shop["paid_invoice"], shop["late_invoice"]
    day.date_all(day.deposit(merchant, 7 * DOLLAR), now - timedelta(days=1))
    deposit = day.deposit(merchant, 20 * DOLLAR, invoice=paid)
    too_late = day.deposit(merchant, 9 * DOLLAR, invoice=late)
    with db.transaction() as session:
        asking.pay(session, invoices.get(session, paid), "20", deposit=deposit)
        asking.pay(session, invoices.get(session, late), "9", deposit=too_late)
    return {"deposit": deposit, "late_deposit": too_late}


def asked_out(amira: str) -> dict[str, Any]:
    """Withdrawals: one that may leave, and two that wait for a person."""
    with db.transaction() as session:
        approved, held, also_held = (
            ask(session, amira, dollars * DOLLAR, by="key_a").id
            for dollars in (25, HELD_DOLLARS, HELD_DOLLARS)
        )
    return {"approved": approved, "held": held, "also_held": also_held}


def overdue(session: Session, shop: Account) -> str:
    """Open an invoice of 9 USD whose time is over and that takes nothing late."""
    made = asking.asked(session, shop, amount="9", terms={"late_hours": 0}).invoice.id
    session.execute(
        text("update invoice set expires_at = now() - interval '1 hour' where id = :id"),
        {"id": made},
    )
    return made


def for_invoice(merchant: str, invoice: str, deposit: str) -> str:
    """Leave to an operator what was sent to pay an invoice in the wrong asset."""
    made = strays.put(
        "wrong_asset",
        strays.given(merchant, invoice=invoice),
        name="for an invoice",
        contract=TOKEN,
        asset="USDC",
        deposit_id=deposit,
        units=9 * DOLLAR,
    )
    assert made is not None
    return made


def person(handle: str, kind: str = "person") -> tuple[str, str]:
    """Open an account; returns its id and a key of its own with every scope."""
    with db.transaction() as session:
        account = accounts.open_account(session, handle=handle, kind=kind).id
        _, secret = accounts.issue_key(
            session, account_id=account, name="own", scopes=ACCOUNT_SCOPES
        )
    return account, secret


def house_key() -> str:
    """Return a fresh operator's key with every scope."""
    with db.transaction() as session:
        _, secret = accounts.issue_key(session, account_id=None, name="op", scopes=OPERATOR_SCOPES)
    return secret
