"""A deposit as the API, the events and an invoice's payments show it."""

from typing import Literal, Self

from pydantic import BaseModel

from gateway.chain.address import show_address
from gateway.chain.port import tohex
from gateway.deposits import rules
from gateway.deposits.store import Deposit
from gateway.money import Asset, Money
from gateway.web.shapes import Time

Finality = Literal["blocks", "safe", "finalized"]
"""What credits it: so many blocks, or the network's own word that its block is safe or final."""
Status = Literal["confirming", "credited", "orphaned", "reversed"]


class DepositShape(BaseModel):
    """A deposit; block, amount and sender are those of the block it was seen in last.

    `confirmations_required` is null where the network's own word is waited for instead.
    """

    id: str
    account: str
    invoice: str | None
    chain: str
    asset: str
    amount: str
    address: str
    from_address: str
    tx_hash: str
    block_number: int
    block_hash: str
    log_index: int | None
    status: Status
    under_review: bool
    confirmations: int
    finality: Finality
    confirmations_required: int | None
    detected_at: Time
    credited_at: Time | None

    @classmethod
    def of(cls, row: Deposit, asset: Asset, head: int | None) -> Self:
        """Show a deposit as its chain's newest read block confirms it."""
        return cls.model_validate(
            {
                "id": row.id,
                "account": row.account_id,
                "invoice": row.invoice_id,
                "chain": row.chain,
                "asset": row.asset,
                "amount": str(Money(int(row.amount), asset)),
                "address": show_address(row.address),
                "from_address": show_address(row.from_address),
                "tx_hash": tohex(row.tx_hash),
                "block_number": row.block_number,
                "block_hash": tohex(row.block_hash),
                "log_index": row.log_index,
                "status": row.status,
                "under_review": row.blocked,
                "confirmations": rules.confirmations(row.status, row.block_number, head),
                "finality": row.finality,
                "confirmations_required": row.required,
                "detected_at": row.created_at,
                "credited_at": row.credited_at,
            }
        )
