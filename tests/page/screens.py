"""Invoices brought to the rarer screens of their page; each returns the page's path."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from secrets import token_bytes

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.gasless.store import GaslessToken, PaymentAuthorization
from gateway.ids import new_id
from gateway.invoices import service, terms
from gateway.links import service as links
from gateway.links.rules import Offer
from gateway.money import USD, Money
from gateway.refunds.store import Refund
from gateway.sending import service as sending
from tests import asking
from tests.page.test_pay_page import add_payment, end, in_state, shop_of

DOLLAR = 10**6
WAITING = ("awaiting_address", "pending")


def id_of(path: str) -> str:
    """Return the invoice of a page."""
    return path.rpartition("/")[2]


def waits_for(finality: str) -> str:
    """An invoice whose payment waits for the network's own word."""
    path = in_state("processing")
    with db.transaction() as session:
        session.execute(
            text(
                "update invoice_payment set details = details || jsonb_build_object("
                "'finality', cast(:finality as text), 'confirmations_required', null)"
                " where invoice_id = :id"
            ),
            {"finality": finality, "id": id_of(path)},
        )
    return path


def with_a_minimum() -> str:
    """An invoice that asks for less than one payment must be."""
    path = in_state("open")
    with db.transaction() as session:
        session.execute(
            text("update invoice_option set minimum = 20000000 where invoice_id = :id"),
            {"id": id_of(path)},
        )
    return path


def signed_in_vain(
    reason: str = "expired", *, status: str = "failed", state: str = "open", tx: bytes | None = None
) -> str:
    """An invoice for which something was signed that was not sent, or not for good."""
    path = in_state(state)
    with db.transaction() as session:
        take_signatures(session)
        option = service.get(session, id_of(path)).options[0]
        session.add(
            PaymentAuthorization(
                id=new_id("auth"),
                invoice_id=id_of(path),
                chain=option.chain,
                asset=option.asset,
                payer=token_bytes(20),
                to_address=bytes(option.address),
                value=Decimal(12_500_000),
                valid_after=Decimal(0),
                valid_before=Decimal(1),
                nonce=token_bytes(32),
                signature=bytes(65),
                status=status,
                reason=reason,
                tx_hash=tx,
                ended_at=datetime.now(UTC) if status == "failed" else None,
            )
        )
    return path


def reverted() -> str:
    """An invoice whose signed payment was sent and turned back by the network."""
    return signed_in_vain("reverted", status="sent", tx=token_bytes(32))


def called_off() -> str:
    """An invoice whose signed payment is cancelled because less is due by now."""
    return signed_in_vain("invoice_asks_less", status="queued")


def take_signatures(session: Session) -> None:
    """Let USDC be paid by a signature from now on."""
    if session.get(GaslessToken, (asking.CHAIN, "USDC")) is None:
        session.add(GaslessToken(chain=asking.CHAIN, asset="USDC", name="USD Coin", version="2"))
        sending.register_signer(
            session, chain=asking.CHAIN, address=b"\7" * 20, role="relay", next_nonce=0
        )


def give_back(path: str, amount: str, status: str) -> None:
    """Return some of an invoice, in its own currency and in USDC alike."""
    with db.transaction() as session:
        facts = service.get(session, id_of(path))
        session.add(
            Refund(
                id=new_id("ref"),
                invoice_id=facts.invoice.id,
                account_id=facts.invoice.account_id,
                currency="USD",
                currency_amount=Decimal(amount).scaleb(facts.currency.decimals),
                chain=asking.CHAIN,
                asset="USDC",
                amount=Decimal(amount) * DOLLAR,
                to_address=None if status == "awaiting_address" else b"\xbe" * 20,
                withdrawal_id=None if status == "awaiting_address" else new_id("wd"),
                token_hash=token_bytes(32) if status == "awaiting_address" else None,
                expires_at=datetime.now(UTC) + timedelta(days=1),
                status=status,
                ended_at=None if status in WAITING else datetime.now(UTC),
            )
        )


def returned() -> str:
    """A paid invoice of which a part is back with its payer, and another on its way."""
    path = in_state("over")
    give_back(path, "4", "confirmed")
    give_back(path, "2.50", "pending")
    give_back(path, "1", "failed")
    return path


def in_many_parts(count: int = 13) -> str:
    """An invoice that was paid in cents."""
    path = in_state("open")
    with db.transaction() as session:
        facts = service.get(session, id_of(path))
        for number in range(count):
            asking.pay(session, facts, f"0.{number + 1:02}", deposit=new_id("dep"))
    return path


def receipt(state: str) -> str:
    """The receipt of an invoice in a state."""
    return f"{in_state(state)}/receipt"


def not_final() -> str:
    """The receipt of an invoice whose payment the network took back."""
    path = in_state("open")
    add_payment(path, "12.5")
    add_payment(path, "12.5", "reversed")
    return f"{path}/receipt"


def signable() -> str:
    """An open invoice in USDC that can be paid by a signature."""
    with db.transaction() as session:
        take_signatures(session)
    return in_state("open")


def over(path: str) -> None:
    """Let an invoice's time be over."""
    with db.transaction() as session:
        end(session, service.get(session, id_of(path)))


def reverted_late(kept: str | None = None) -> str:
    """An invoice paid in time that the network took back after its end, all but what is `kept`."""
    path = in_state("open")
    if kept is not None:
        with db.transaction() as session:
            facts = service.get(session, id_of(path))
            asking.pay(session, facts, kept, deposit=new_id("dep"))
    add_payment(path, "12.5")
    over(path)
    add_payment(path, "12.5", "reversed")
    return path


def too_late(
    amount: str = "12.50", *, in_time: str | None = None, otherwise: str = "credit"
) -> str:
    """An invoice of whose payment an amount came too late for its merchant's terms."""
    path = in_state("open")
    with db.transaction() as session:
        facts = service.get(session, id_of(path))
        session.execute(
            text("update invoice set late_hours = 0, late_else = :otherwise where id = :id"),
            {"id": facts.invoice.id, "otherwise": otherwise},
        )
        if in_time is not None:
            before = datetime.now(UTC) - timedelta(minutes=10)
            asking.pay(session, facts, in_time, deposit=new_id("dep"), seen_at=before)
        end(session, facts)
    add_payment(path, amount)
    return path


def void(path: str) -> None:
    """Take an invoice back."""
    with db.transaction() as session:
        service.void(session, id_of(path))


def of_a_link() -> str:
    """An expired invoice of a payment link."""
    with db.transaction() as session:
        offer = Offer(title="Tea", currency=USD, amount=Money(500, USD))
        link = links.create(session, account_id=shop_of(session).id, offer=offer)
        facts = links.pay(session, link_id=link.id)
        end(session, facts)
        return f"/pay/{facts.invoice.id}"


def close_link(path: str) -> None:
    """Switch the link of an invoice off."""
    with db.transaction() as session:
        session.execute(
            text(
                "update payment_link set active = false"
                " where id = (select link_id from invoice where id = :id)"
            ),
            {"id": id_of(path)},
        )


def support(path: str, url: str | None) -> None:
    """Have the merchant of an invoice say where payers ask, or no longer."""
    with db.transaction() as session:
        account = service.get(session, id_of(path)).invoice.account_id
        terms.change(session, account, {}, by="key_test", support_url=url)


def serve(*assets: str, served: bool) -> None:
    """Serve assets on the tests' chain, or no longer."""
    with db.transaction() as session:
        session.execute(
            text(
                "update chain_asset set active = :yes where chain = :chain and asset = any(:assets)"
            ),
            {"yes": served, "chain": asking.CHAIN, "assets": list(assets)},
        )


def ending(minutes: int) -> str:
    """An open invoice that ends in so many minutes."""
    path = in_state("open")
    with db.transaction() as session:
        session.execute(
            text("update invoice set expires_at = :at where id = :id"),
            {"id": id_of(path), "at": datetime.now(UTC) + timedelta(minutes=minutes)},
        )
    return path


def one_block_deep() -> str:
    """An invoice whose payment has one confirmation of three."""
    path = in_state("open")
    with db.transaction() as session:
        facts = service.get(session, id_of(path))
        asking.pay(session, facts, "12.5", "confirming", deposit=new_id("dep"), block_number=0)
    return path


def on_two_networks() -> str:
    """An invoice payable on two networks; no other test is offered the second one."""
    with db.transaction() as session:
        asking.add_chain(session, asking.OTHER, "Othernet")
        served = text("update chain set active = :yes where id = :id")
        session.execute(served, {"id": asking.OTHER, "yes": True})
        assets = [("USDC", asking.CHAIN), ("ETH", asking.OTHER)]
        made = asking.asked(session, shop_of(session), assets=assets)
        session.execute(served, {"id": asking.OTHER, "yes": False})
        return f"/pay/{made.invoice.id}"
