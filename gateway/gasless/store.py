"""The tables of tokens that take a signature and of what payers signed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, case, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.chain.eip3009 import Authorization
from gateway.gasless import rules


class GaslessToken(db.Base):
    """A token that takes signatures, with its domain (EIP-712) and what is worth its gas."""

    __tablename__ = "gasless_token"

    chain: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str]
    minimum: Mapped[Decimal] = mapped_column(server_default="1")
    worth_gas: Mapped[Decimal] = mapped_column(server_default="5")
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class PaymentAuthorization(db.Base):
    """What a payer signed for an invoice: queued -> sent -> mined -> confirmed, or failed."""

    __tablename__ = "payment_authorization"

    id: Mapped[str] = mapped_column(primary_key=True)
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"))
    chain: Mapped[str]
    asset: Mapped[str]
    payer: Mapped[bytes]
    to_address: Mapped[bytes]
    value: Mapped[Decimal]
    valid_after: Mapped[Decimal]
    valid_before: Mapped[Decimal]
    nonce: Mapped[bytes]
    signature: Mapped[bytes]
    status: Mapped[str] = mapped_column(server_default="queued")
    reason: Mapped[str | None]
    intent_id: Mapped[str | None]
    tx_hash: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
    ended_at: Mapped[datetime | None]

    @property
    def authorization(self) -> Authorization:
        """Return what was signed."""
        return Authorization(
            payer=bytes(self.payer),
            to=bytes(self.to_address),
            value=int(self.value),
            valid_after=int(self.valid_after),
            valid_before=int(self.valid_before),
            nonce=bytes(self.nonce),
        )


def tokens(session: Session, chains: Sequence[str]) -> dict[tuple[str, str], GaslessToken]:
    """Return the tokens of some chains that take signatures, by chain and asset."""
    query = select(GaslessToken).where(GaslessToken.chain.in_(chains), GaslessToken.active)
    return {(row.chain, row.asset): row for row in session.scalars(query)}


def find(
    session: Session, chain: str, asset: str, wanted: Authorization
) -> PaymentAuthorization | None:
    """Return the row of a payer's nonce, None if it is new."""
    query = select(PaymentAuthorization).where(
        PaymentAuthorization.chain == chain,
        PaymentAuthorization.asset == asset,
        PaymentAuthorization.payer == wanted.payer,
        PaymentAuthorization.nonce == wanted.nonce,
    )
    return session.scalar(query)


def latest(session: Session, invoice_id: str) -> PaymentAuthorization | None:
    """Return the newest authorization of an invoice."""
    query = select(PaymentAuthorization).where(PaymentAuthorization.invoice_id == invoice_id)
    return session.scalar(query.order_by(PaymentAuthorization.id.desc()).limit(1))


def of_intent(
    session: Session, intent_id: str, *, lock: bool = False
) -> PaymentAuthorization | None:
    """Return what an intent sends; None where its rows were lost and found again on the chain."""
    query = select(PaymentAuthorization).where(PaymentAuthorization.intent_id == intent_id)
    query = query.execution_options(populate_existing=True)
    return session.scalar(query.with_for_update() if lock else query)


def waiting(session: Session, chain: str, most: int) -> list[PaymentAuthorization]:
    """Return what is queued and in no plan: what is new first, the oldest first; then by chance
    what was put off, so that none of it is always behind others.
    """
    query = select(PaymentAuthorization).where(
        PaymentAuthorization.chain == chain,
        PaymentAuthorization.status == rules.LIVE[0],
        PaymentAuthorization.intent_id.is_(None),
    )
    put_off = PaymentAuthorization.reason.is_not(None)
    turn = case((put_off, func.random()), else_=0)
    return list(session.scalars(query.order_by(put_off, turn, PaymentAuthorization.id).limit(most)))
