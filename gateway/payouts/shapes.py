"""How payouts and their schedules look to a client, over HTTP and in events."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from gateway.chain.address import show_address
from gateway.chain.port import tohex
from gateway.money import Asset, Money
from gateway.payouts import rules
from gateway.payouts.store import Payout, PayoutSchedule
from gateway.web.shapes import Time
from gateway.withdrawals.store import Withdrawal

PayoutStatus = Literal[
    "waiting", "skipped", "pending", "confirmed", "failed", "rejected", "cancelled"
]


class PayoutShape(BaseModel):
    """A payout. `pending` is a withdrawal on its way, or held; `skipped`: the next time came."""

    id: str
    account: str
    asset: str
    chain: str
    address_entry: Annotated[str, Field(description="where in the address book")]
    to_address: str
    amount: Annotated[str | None, Field(description="what arrives; null while it waits")]
    fee: str | None
    status: PayoutStatus
    waiting_reason: Annotated[str | None, Field(examples=["below_minimum"])]
    schedule: str | None
    due_at: Annotated[Time | None, Field(description="the time of its schedule it is for")]
    withdrawal: str | None
    tx_hash: str | None
    created_at: Time
    ended_at: Time | None

    @classmethod
    def of(cls, row: Payout, asset: Asset, carrier: Withdrawal | None) -> Self:
        """Show a payout with the withdrawal that carries it."""
        tx_hash = carrier.tx_hash if carrier else None
        return cls.model_validate(
            {
                "id": row.id,
                "account": row.account_id,
                "asset": row.asset,
                "chain": row.chain,
                "address_entry": row.entry_id,
                "to_address": show_address(row.to_address),
                "amount": None if row.amount is None else str(Money(int(row.amount), asset)),
                "fee": str(Money(int(carrier.fee), asset)) if carrier else None,
                "status": rules.status(row.status, carrier.status if carrier else None),
                "waiting_reason": row.waiting_reason,
                "schedule": row.schedule_id,
                "due_at": row.due_at,
                "withdrawal": row.withdrawal_id,
                "tx_hash": None if tx_hash is None else tohex(tx_hash),
                "created_at": row.created_at,
                "ended_at": row.ended_at or (carrier.ended_at if carrier else None),
            }
        )


class ScheduleShape(BaseModel):
    """When a balance goes by itself, and what of it."""

    id: str
    account: str
    asset: str
    chain: str
    address_entry: Annotated[str, Field(description="where in the address book")]
    every: rules.Every
    day: Annotated[int, Field(description="week: 1 is Monday; month: the day")]
    hour: Annotated[int, Field(description="UTC")]
    minimum: str
    keep_reserve: str
    active: bool
    next_at: Annotated[Time | None, Field(description="null while it is not active")]
    created_at: Time

    @classmethod
    def of(cls, row: PayoutSchedule, asset: Asset) -> Self:
        """Show a schedule."""
        return cls.model_validate(
            {
                "id": row.id,
                "account": row.account_id,
                "asset": row.asset,
                "chain": row.chain,
                "address_entry": row.entry_id,
                "every": row.every,
                "day": row.day,
                "hour": row.hour,
                "minimum": str(Money(int(row.minimum), asset)),
                "keep_reserve": str(Money(int(row.keep), asset)),
                "active": row.active,
                "next_at": row.next_at if row.active else None,
                "created_at": row.created_at,
            }
        )
