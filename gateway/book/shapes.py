"""An address book as the API shows it."""

from typing import Self

from pydantic import BaseModel

from gateway.book.store import BookEntry
from gateway.chain.address import show_address
from gateway.web.shapes import Time


class EntryShape(BaseModel):
    """An address money may go to after `active_after`."""

    id: str
    account: str
    chain: str
    address: str
    label: str
    active_after: Time
    proven_at: Time | None
    removed_at: Time | None
    created_at: Time

    @classmethod
    def of(cls, row: BookEntry) -> Self:
        """Show an entry."""
        return cls.model_validate(
            {
                "id": row.id,
                "account": row.account_id,
                "chain": row.chain,
                "address": show_address(row.address),
                "label": row.label,
                "active_after": row.active_after,
                "proven_at": row.proven_at,
                "removed_at": row.removed_at,
                "created_at": row.created_at,
            }
        )


class ChallengeShape(BaseModel):
    """The text the address must sign, as a personal message (EIP-191, EIP-4361)."""

    nonce: str
    message: str
    expires_at: Time


class RuleShape(BaseModel):
    """Whether money goes to the book only; `optional_from`: until then it does."""

    account: str
    required: bool
    optional_from: Time | None
