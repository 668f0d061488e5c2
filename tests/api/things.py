"""What waits, is planned, or was signed in the house that the contract's tests ask about."""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.book import service as book
from gateway.ids import new_id
from gateway.money import Money
from gateway.pauses import service as switches
from gateway.payouts import schedules
from gateway.payouts import service as payouts
from gateway.payouts.rules import Calendar
from gateway.prices.store import RateQuote
from gateway.refunds import payer
from gateway.refunds.service import Wish
from gateway.sending import service as sending
from gateway.sending.rules import Fees
from gateway.sending.store import Transaction
from tests import asking
from tests.flow import strays
from tests.flow.books import CHAIN, ETH, USDC
from tests.flow.outgoing import DOLLAR, TOKEN

PROMISES = 6


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
