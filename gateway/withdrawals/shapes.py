"""How a withdrawal looks to a client, over HTTP and in events."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from gateway.chain.address import show_address
from gateway.chain.port import tohex
from gateway.money import Asset, Money
from gateway.web.shapes import Time
from gateway.withdrawals.store import Withdrawal

Status = Literal[
    "requested", "held", "approved", "sent", "confirmed", "failed", "rejected", "cancelled"
]


class WithdrawalShape(BaseModel):
    """Money on its way out."""

    id: str
    account: str
    asset: str
    chain: str
    to_address: str
    amount: Annotated[str, Field(description="what the recipient receives")]
    fee: Annotated[str, Field(description="what the account pays on top")]
    status: Status
    held_reason: str | None
    waiting_reason: str | None
    failure_reason: str | None
    failure_detail: str | None
    not_before: Time | None
    tx_hash: str | None
    block_number: int | None
    confirmations: int
    confirmations_required: int
    refund: str | None
    created_at: Time
    sent_at: Time | None
    ended_at: Time | None

    @classmethod
    def of(cls, row: Withdrawal, asset: Asset, needed: int) -> Self:
        """Show a withdrawal; `needed` is how deep its chain wants a block."""
        return cls.model_validate(
            {
                "id": row.id,
                "account": row.account_id,
                "asset": row.asset,
                "chain": row.chain,
                "to_address": show_address(row.to_address),
                "amount": str(Money(int(row.amount), asset)),
                "fee": str(Money(int(row.fee), asset)),
                "status": row.status,
                "held_reason": row.held_reason,
                "waiting_reason": row.waiting_reason,
                "failure_reason": row.failure_reason,
                "failure_detail": row.failure_detail,
                "not_before": row.not_before,
                "tx_hash": None if row.tx_hash is None else tohex(row.tx_hash),
                "block_number": row.block_number,
                "confirmations": min(row.confirmations, needed),
                "confirmations_required": needed,
                "refund": row.refund_id,
                "created_at": row.created_at,
                "sent_at": row.sent_at,
                "ended_at": row.ended_at,
            }
        )
