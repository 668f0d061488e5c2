"""A house with business in it, made without a node: what the contract's tests ask about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.accounts.store import Account
from gateway.book import service as book
from gateway.ids import new_id
from gateway.invoices import service as invoices
from gateway.links import service as links
from gateway.links.rules import Offer
from gateway.money import USD, Money
from gateway.pauses import service as switches
from gateway.payouts import schedules
from gateway.payouts import service as payouts
from gateway.payouts.rules import Calendar
from gateway.prices.store import RateQuote
from gateway.refunds import payer
from gateway.refunds.service import Wish
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from gateway.sending import service as sending
from gateway.sending.rules import Fees
from gateway.sending.store import Transaction
from gateway.settlement import close
from gateway.webhooks import alarms, endpoints
from tests import asking
from tests.flow import day, strays
from tests.flow.books import CHAIN, ETH, USDC, fund
from tests.flow.outgoing import DOLLAR, TOKEN, ask, chain_rows

SOMEBODY = "0x000000000000000000000000000000000000beef"
HELD_DOLLARS = 5_000
PROMISES = 6


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
        endpoint = endpoints.create(
            session, account_id=merchant, url="https://shop.example/hooks", events=None
        ).id
        fund(session, merchant, 10**18, asset=ETH, key="ether")
        fund(session, merchant, 10_000 * DOLLAR)
        fund(session, amira, 1_000_000 * DOLLAR)
        link = links.create(
            session,
            account_id=merchant,
            offer=Offer(title="Tea", currency=USD, metadata={"table": "4"}),
        ).id
        shop = accounts.get(session, merchant)
        invoice = asking.asked(session, shop, order_id="1042").invoice.id
        paid = asking.asked(session, shop, amount="20").invoice.id
        late = overdue(session, shop)
        alarms.raise_alarm(session, kind="books_differ", subject=CHAIN, detail="off by one")
    now = datetime.now(UTC)
    day.read_to(5, now)
    with db.transaction() as session:
        # where its deposits come in, so that its own address can still be asked for
        place = day.own_address(session, merchant)
        session.execute(
            text("update address set invoice_id = 'inv_closed' where address = :place"),
            {"place": place},
        )
        session.execute(  # nobody reads blocks here, and the head must stay fresh
            text("update watch_cursor set block_time = :later"), {"later": now + timedelta(hours=1)}
        )
    day.date_all(day.deposit(merchant, 7 * DOLLAR), now - timedelta(days=1))
    deposit = day.deposit(merchant, 20 * DOLLAR, invoice=paid)
    too_late = day.deposit(merchant, 9 * DOLLAR, invoice=late)
    with db.transaction() as session:
        asking.pay(session, invoices.get(session, paid), "20", deposit=deposit)
        asking.pay(session, invoices.get(session, late), "9", deposit=too_late)
        approved = ask(session, amira, 25 * DOLLAR, by="key_a").id
        held, also_held = (
            ask(session, amira, HELD_DOLLARS * DOLLAR, by="key_a").id for _ in range(2)
        )
        found = session.execute(
            text("select id as delivery, event_id as event from delivery limit 1")
        ).one()
        alarm = session.execute(text("select id from alarm")).scalar_one()
    with db.transaction() as session:
        closed = close.close_next_day(session, now)
        assert closed is not None
    return World(
        merchant=merchant,
        person=amira,
        operator_key=operator_key,
        approver_key=approver_key,
        merchant_key=merchant_key,
        person_key=person_key,
        spare_keys=spare,
        deposit=deposit,
        transfer=day.transfer(amira, merchant, "1.50"),
        sent=day.withdraw(merchant, 2 * DOLLAR, 150_000),
        held=held,
        also_held=also_held,
        approved=approved,
        invoice=invoice,
        paid_invoice=paid,
        late_invoice=late,
        late_deposit=too_late,
        link=link,
        endpoint=endpoint,
        delivery=found.delivery,
        event=found.event,
        alarm=alarm,
        items=(for_invoice(merchant, late, too_late), *inbox(merchant, amira, deposit)),
        holds=holds(),
        pauses=pauses(),
        entries=(own := entries(merchant, amira)),
        payout=payout(merchant, own[0]),
        quote=quote(),
        refunds=refunds(merchant),
        transactions=transactions(),
        closed_day=closed.isoformat(),
        tx_hash="0x" + day.tx(deposit).hex(),
    )


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


def inbox(merchant: str, amira: str, deposit: str) -> tuple[str, ...]:
    """Leave to an operator what needs no second chain; what can be decided once comes often."""
    address = strays.given(merchant)
    paid = {"contract": TOKEN, "asset": "USDC", "deposit_id": deposit, "units": 2_000 * DOLLAR}
    found: list[str | None] = [strays.unattributed(amira)]
    found += [
        made
        for number in range(4)
        for made in (
            strays.put("wrong_asset", address, name=f"wrong {number}", **paid),
            strays.put("set_aside", address, name=f"aside {number}", detail="it tells no amount"),
        )
    ]
    found += {strays.put("unknown_token", address, name=name) for name in ("spam", "spam again")}
    return tuple(item for item in found if item is not None)


def holds() -> tuple[str, ...]:
    """What waits for a person's decision."""
    with db.transaction() as session:
        return tuple(session.scalars(text("select id from held_case order by id")))


def pauses() -> tuple[str, ...]:
    """Switches that stop nothing else here."""
    with db.transaction() as session:
        placed = switches.place(
            session, scope="asset", subject="ETH", side=None, reason="a drill", by="key_other"
        )
        return (placed.id,)


def entries(*owners: str) -> tuple[str, ...]:
    """An address in the book of each account."""
    with db.transaction() as session:
        return tuple(
            book.add(
                session,
                account_id=owner,
                chain=CHAIN,
                address=bytes([0xE0 + place] * 20),
                label="mine",
                by="key_a",
            ).id
            for place, owner in enumerate(owners)
        )


def payout(merchant: str, entry: str) -> str:
    """Ether on its way to the merchant's own address, and a schedule for the rest of it."""
    with db.transaction() as session:
        schedules.put(
            session,
            account_id=merchant,
            plan=schedules.Plan(
                asset="ETH",
                entry_id=entry,
                calendar=Calendar("week", 1, 6),
                minimum=Money(0, ETH),
                keep=Money(0, ETH),
                active=True,
            ),
            by="key_a",
        )
        return payouts.pay_now(
            session,
            account_id=merchant,
            asset="ETH",
            entry_id=entry,
            amount=Money(10**16, ETH),
            by="key_a",
        ).id


def refunds(merchant: str) -> tuple[str, ...]:
    """What was promised to the payer of an invoice, who has not said where it goes."""
    with db.transaction() as session:
        facts = asking.asked(session, accounts.get(session, merchant), amount="6")
        asking.pay(session, facts, "6", deposit="dep_returned")
        wish = Wish(facts.invoice.id, "key_a", amount="1")
        return tuple(
            payer.ask_payer(session, wish, expires_in=86_400)[0].id for _ in range(PROMISES)
        )


def quote() -> str:
    """A price that an exchange made once."""
    now = datetime.now(UTC)
    said = {"source": "kraken", "rate": "2000", "said_at": now.isoformat()}
    with db.transaction() as session:
        made = RateQuote(
            id=new_id("rate"),
            asset="ETH",
            currency="USD",
            rate=Decimal(2000),
            source="median(kraken)",
            at=now,
            readings=[said | {"read_at": now.isoformat()}],
        )
        session.add(made)
        session.flush()
        return made.id


def transactions() -> tuple[str, ...]:
    """What was signed and is not mined."""
    with db.transaction() as session:
        signer = sending.register_signer(
            session, chain=CHAIN, address=bytes([7] * 20), role="payout", next_nonce=1
        )
        intent = sending.plan(
            session,
            signer=signer,
            kind="payout",
            amount=Money(1, USDC),
            payload={"withdrawals": [], "payments": []},
            proposal=sending.Proposal(gas=100_000, fees=Fees(1, 10)),
        )
        intent.status = "signed"
        signed = Transaction(
            id=new_id("tx"),
            signer_id=signer.id,
            nonce=0,
            intent_id=intent.id,
            seq=0,
            call_hash=bytes(32),
            asset="USDC",
            amount=1,
        )
        session.add(signed)
        session.flush()
        return (signed.id,)


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


def good_body(path: str) -> dict[str, Any]:
    """Return a body that a POST to this path accepts from an operator."""
    owner = {"account": "@amira"}
    usdc = {"asset": "USDC", "chain": CHAIN}
    bodies: dict[str, dict[str, Any]] = {
        "accounts": {"handle": "noor", "kind": "person"},
        "api_keys": {"scopes": ["invoices:read"]},
        "addresses": {"chain": CHAIN},
        "transfers": {"from": "@amira", "to": "@falafel-corner", "asset": "USDC", "amount": "1"},
        "withdrawals": owner | usdc | {"to_address": SOMEBODY, "amount": "1"},
        "quote": usdc,
        "payouts": owner | {"asset": "USDC", "address_entry": "adr_none", "amount": "1"},
        "payout_schedules": owner
        | {"asset": "USDC", "address_entry": "adr_none", "every": "day", "hour": 6},
        "address_book": {"chain": CHAIN, "address": SOMEBODY, "label": "wallet"},
        "rule": {"required": False},
        "pauses": {"scope": "account", "subject": "@amira", "side": "credit", "reason": "a drill"},
        "tier": {"tier": 1, "evidence": "passport"},
        "limits": {"tier": 1, "kind": "day", "amount": "1000000"},
        "invoices": owner | {"amount": "12.50", "currency": "USD"},
        "refunds": {"to_address": SOMEBODY, "amount": "0.01"},
        "payment_links": owner | {"title": "Tea"},
        "assign": {},
        "refund": {"to_address": SOMEBODY, "amount": "0.01"},
        "dismiss": {"reason": "rubbish"},
        "webhook_endpoints": owner | {"url": "https://shop.example/hooks"},
    }
    return bodies.get(path.rpartition("/")[2], {})
