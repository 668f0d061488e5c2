"""A switch as the API shows it."""

from typing import Literal, Self

from pydantic import BaseModel

from gateway.pauses.store import Pause
from gateway.web.shapes import Time


class PauseShape(BaseModel):
    """A switch: what it stops, why, who placed it and who lifted it."""

    id: str
    scope: Literal["all", "chain", "asset", "account"]
    subject: str | None
    side: Literal["debit", "credit"] | None
    reason: str
    placed_by: str
    lifted_by: str | None
    lifted_at: Time | None
    created_at: Time

    @classmethod
    def of(cls, row: Pause) -> Self:
        """Show a pause."""
        return cls.model_validate(
            {name: getattr(row, name) for name in cls.model_fields}
            | {"subject": row.subject or None}
        )
