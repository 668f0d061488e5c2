"""Pay an invoice from the development node's own account: a first payment needs no wallet."""

from datetime import datetime

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.chain import evm
from gateway.chain.address import parse_address, show_address
from gateway.chain.store import ChainAsset
from gateway.checkout.calls import transfer_call
from gateway.errors import NotFound
from gateway.invoices.facts import Facts
from gateway.invoices.store import InvoiceOption
from gateway.money import Money
from gateway.settings import settings

PAYER_INDEX = 4
UNSENT = bytes(32)


class TrialPayment(db.Base):
    """A press of `Pay (test)`, by how many payments had come: a second one is the same."""

    __tablename__ = "test_payment"

    invoice_id: Mapped[str] = mapped_column(primary_key=True)
    payments: Mapped[int] = mapped_column(primary_key=True)
    tx_hash: Mapped[bytes]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())


def pay_once(session: Session, facts: Facts, option: InvoiceOption, on_chain: ChainAsset) -> bool:
    """Pay what remains, unless it is on its way already; True if this press paid. Raises as pay().

    The row is written before the coin is sent: whoever presses meanwhile waits for it and sends
    nothing; if sending fails, the row is gone with its transaction.
    """
    key = {"invoice_id": facts.invoice.id, "payments": len(facts.payments)}
    pressed = insert(TrialPayment).values(**key, tx_hash=UNSENT).on_conflict_do_nothing()
    if session.scalar(pressed.returning(TrialPayment.payments)) is None:
        return False
    sent = pay(on_chain, to=option.address, amount=facts.remaining(option))
    session.execute(
        update(TrialPayment).filter_by(**key).values(tx_hash=bytes.fromhex(sent.removeprefix("0x")))
    )
    return True


def pay(on_chain: ChainAsset, *, to: bytes, amount: Money) -> str:
    """Send the amount from an account the node holds unlocked; returns the transaction's hash.

    Raises NotFound outside development or where the node holds no account, NodeAway, NodeError.
    """
    if not settings().development:
        raise NotFound("no such page")
    node = evm.node(on_chain.chain)
    accounts: list[str] = node.ask("eth_accounts", [], list[str])
    if len(accounts) <= PAYER_INDEX:
        raise NotFound("the node holds no development account")
    units = on_chain.to_chain(amount)
    payer = show_address(parse_address(accounts[PAYER_INDEX].lower()))
    if on_chain.contract is None:
        fields = {"from": payer, "to": show_address(to), "value": hex(units)}
    else:
        data = "0x" + transfer_call(to, units).hex()
        fields = {"from": payer, "to": show_address(on_chain.contract), "data": data}
    sent: str = node.ask("eth_sendTransaction", [fields], str)
    return sent
