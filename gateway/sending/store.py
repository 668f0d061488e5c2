"""The tables of signers, intents, transactions, attempts, swept vaults and fee levels."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db


class Signer(db.Base):
    """An account of ours that signs: payouts and sweeps have signers, and nonces, of their own."""

    __tablename__ = "signer"

    id: Mapped[str] = mapped_column(primary_key=True)
    chain: Mapped[str]
    address: Mapped[bytes]
    role: Mapped[str]
    next_nonce: Mapped[int] = mapped_column(default=0)
    first_seq: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Intent(db.Base):
    """One action on chain that is wanted: planned -> signed -> done | reverted; void, refused."""

    __tablename__ = "intent"

    id: Mapped[str] = mapped_column(primary_key=True)
    chain: Mapped[str]
    kind: Mapped[str]
    asset: Mapped[str]
    signer_id: Mapped[str] = mapped_column(ForeignKey("signer.id"))
    amount: Mapped[Decimal]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    gas: Mapped[int]
    tip: Mapped[Decimal]
    cap: Mapped[Decimal]
    status: Mapped[str] = mapped_column(default="planned")
    refusal: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Transaction(db.Base):
    """An intent with its nonce: signed -> mined -> confirmed | reverted, mined -> signed."""

    __tablename__ = "transaction"

    id: Mapped[str] = mapped_column(primary_key=True)
    signer_id: Mapped[str] = mapped_column(ForeignKey("signer.id"))
    nonce: Mapped[int]
    intent_id: Mapped[str] = mapped_column(ForeignKey("intent.id"))
    seq: Mapped[int | None]
    call_hash: Mapped[bytes]
    state: Mapped[str] = mapped_column(default="signed")
    tx_hash: Mapped[bytes | None]
    block_number: Mapped[int | None]
    block_hash: Mapped[bytes | None]
    succeeded: Mapped[bool | None]
    gas_used: Mapped[int | None]
    fee: Mapped[Decimal | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Attempt(db.Base):
    """Signed bytes: stored before anybody may see them, kept for ever."""

    __tablename__ = "attempt"

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    transaction_id: Mapped[str] = mapped_column(ForeignKey("transaction.id"))
    raw: Mapped[bytes]
    tip: Mapped[Decimal]
    cap: Mapped[Decimal]
    gas: Mapped[int]
    outcome: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class SweepItem(db.Base):
    """One vault of a sweep, by asset: what was expected, and what the receipt said."""

    __tablename__ = "sweep_item"

    intent_id: Mapped[str] = mapped_column(ForeignKey("intent.id"), primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[bytes] = mapped_column(primary_key=True)
    chain: Mapped[str]
    address: Mapped[bytes]
    expected: Mapped[Decimal]
    swept: Mapped[Decimal | None]
    surplus: Mapped[Decimal | None]
    failed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class FeeLevel(db.Base):
    """What a unit of gas costs on a chain, wei, as last heard."""

    __tablename__ = "fee_level"

    chain: Mapped[str] = mapped_column(primary_key=True)
    base_fee: Mapped[Decimal]
    tip: Mapped[Decimal]
    heard_at: Mapped[datetime]


def signers(session: Session, chain: str, role: str | None = None) -> list[Signer]:
    """Return the active signers of a chain, oldest first."""
    query = select(Signer).where(Signer.chain == chain, Signer.active).order_by(Signer.id)
    return list(session.scalars(query if role is None else query.where(Signer.role == role)))


def attempts(session: Session, transaction_id: str) -> list[Attempt]:
    """Return what was signed for a transaction, newest first."""
    query = select(Attempt).where(Attempt.transaction_id == transaction_id)
    return list(session.scalars(query.order_by(Attempt.cap.desc())))
