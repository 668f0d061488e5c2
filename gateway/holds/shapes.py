"""A hold as the API shows it."""

from typing import Literal, Self

from pydantic import BaseModel

from gateway.holds.store import HeldCase
from gateway.web.shapes import Time


class HoldShape(BaseModel):
    """Something that waits for a person: `subject` is the withdrawal's or deposit's id."""

    id: str
    kind: Literal["withdrawal", "deposit"]
    subject: str
    account: str
    reason: str
    owner: str | None
    status: Literal["open", "approved", "rejected", "expired", "closed"]
    ends_at: Time | None
    decided_by: str | None
    decided_at: Time | None
    note: str | None
    created_at: Time

    @classmethod
    def of(cls, row: HeldCase) -> Self:
        """Show a hold."""
        return cls.model_validate(
            {name: getattr(row, name) for name in cls.model_fields if name != "account"}
            | {"account": row.account_id}
        )
