"""Tiers and limits as the API shows them; amounts are US dollars."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from gateway.policy.store import TierLimit
from gateway.web.shapes import Time

Kind = Literal["day", "month", "count", "approval"]
CENTS = Decimal("0.01")


class WindowShape(BaseModel):
    """A limit that runs: what it allows, what is left now, when more is free."""

    window: Literal["day", "month"]
    limit: str
    left: str
    frees_at: Time | None


class LimitsShape(BaseModel):
    """What an account may take out."""

    account: str
    tier: Annotated[int, Field(ge=0, le=3)]
    windows: Annotated[list[WindowShape], Field(description="none where no limit is set")]
    withdrawals_a_day: int | None
    approval_above: str | None


class TierLimitShape(BaseModel):
    """What a tier allows from a moment on; `count` is a number of withdrawals, the rest USD."""

    id: str
    tier: int
    kind: Kind
    amount: str
    valid_from: Time
    set_by: str
    created_at: Time

    @classmethod
    def of(cls, row: TierLimit) -> Self:
        """Show a limit."""
        return cls.model_validate(
            {
                "id": row.id,
                "tier": row.tier,
                "kind": row.kind,
                "amount": dollars(row.amount),
                "valid_from": row.valid_from,
                "set_by": row.set_by,
                "created_at": row.created_at,
            }
        )


def dollars(amount: Decimal) -> str:
    """Write an amount with its cents."""
    return str(amount.quantize(CENTS))
