"""The tables of signers, limits, intents, approvals, transactions, attempts, sweeps, gas."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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
    waiting: Mapped[str | None]
    cancel_wanted: Mapped[str | None]
    cancel_gas: Mapped[int | None]
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
    asset: Mapped[str | None]
    amount: Mapped[Decimal | None]
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
    cancels: Mapped[bool] = mapped_column(default=False)
    approval_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class SignerLimit(db.Base):
    """What a signer signs at most: the newest row of a kind (and asset) counts, None lifts it."""

    __tablename__ = "signer_limit"

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str]
    address: Mapped[bytes]
    kind: Mapped[str]
    asset: Mapped[str | None]
    ceiling: Mapped[Decimal | None]
    set_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Approval(db.Base):
    """The second key's word on a payout with a sequence number, or why it refused; written once."""

    __tablename__ = "approval"

    id: Mapped[str] = mapped_column(primary_key=True)
    intent_id: Mapped[str] = mapped_column(ForeignKey("intent.id"))
    signer_id: Mapped[str] = mapped_column(ForeignKey("signer.id"))
    seq: Mapped[int]
    asset: Mapped[str]
    amount: Mapped[Decimal]
    withdrawals: Mapped[list[str]] = mapped_column(ARRAY(Text))
    deadline: Mapped[datetime]
    signature: Mapped[bytes | None]
    refusal: Mapped[str | None]
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
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class SweepDecision(db.Base):
    """What a sweep was decided from."""

    __tablename__ = "sweep_decision"

    intent_id: Mapped[str] = mapped_column(ForeignKey("intent.id"), primary_key=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class SweepWorth(db.Base):
    """From how many ledger units on a vault was worth being swept when that was last asked."""

    __tablename__ = "sweep_worth"

    chain: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    least: Mapped[Decimal | None]
    swept_some: Mapped[bool]
    judged_at: Mapped[datetime] = mapped_column(server_default="now()")


class GasTank(db.Base):
    """What a signer has for gas, and how many transactions that pays for, as last seen."""

    __tablename__ = "gas_tank"

    signer_id: Mapped[str] = mapped_column(ForeignKey("signer.id"), primary_key=True)
    balance: Mapped[Decimal]
    transactions: Mapped[int]
    heard_at: Mapped[datetime] = mapped_column(server_default="now()")


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
