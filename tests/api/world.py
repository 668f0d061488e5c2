"""A house with business in it, made without a node: what the contract's tests ask about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.book import service as book
from gateway.ids import new_id
from gateway.invoices import links
from gateway.invoices import service as invoices
from gateway.money import Money
from gateway.pauses import service as switches
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
    link: str
    endpoint: str
    delivery: str
    event: str
    alarm: str
    items: tuple[str, ...]
    holds: tuple[str, ...]
    pauses: tuple[str, ...]
    entries: tuple[str, ...]
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
            title="Tea",
            amount=None,
            currency_code="USD",
            assets=None,
            success_url=None,
            max_uses=None,
            metadata={"table": "4"},
        ).id
        shop = accounts.get(session, merchant)
        invoice = asking.asked(session, shop, order_id="1042").invoice.id
        paid = asking.asked(session, shop, amount="20").invoice.id
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
    with db.transaction() as session:
        asking.pay(session, invoices.get(session, paid), "20", deposit=deposit)
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
        link=link,
        endpoint=endpoint,
        delivery=found.delivery,
        event=found.event,
        alarm=alarm,
        items=inbox(merchant, amira, deposit),
        holds=holds(),
        pauses=pauses(),
        entries=entries(merchant, amira),
        transactions=transactions(),
        closed_day=closed.isoformat(),
        tx_hash="0x" + day.tx(deposit).hex(),
    )


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
