"""A transaction of ours as an operator sees it: what it carries, its nonce, all that was signed."""

from typing import Literal, Self

from pydantic import BaseModel

from gateway.chain.address import show_address
from gateway.chain.port import tohex
from gateway.sending.store import Attempt, Intent, Signer, Transaction
from gateway.web.shapes import Time

State = Literal["signed", "mined", "confirmed", "reverted", "cancelled"]
Kind = Literal["payout", "sweep", "send", "relay"]


class AttemptShape(BaseModel):
    """Signed bytes, and what a node last said of them; fees in wei a unit of gas."""

    tx_hash: str
    tip: str
    cap: str
    gas: int
    cancels: bool
    outcome: str | None
    sent_at: Time | None
    created_at: Time

    @classmethod
    def of(cls, row: Attempt) -> Self:
        """Show an attempt."""
        return cls.model_validate(
            {
                "tx_hash": tohex(row.hash),
                "tip": str(int(row.tip)),
                "cap": str(int(row.cap)),
                "gas": row.gas,
                "cancels": row.cancels,
                "outcome": row.outcome,
                "sent_at": row.sent_at,
                "created_at": row.created_at,
            }
        )


class TransactionShape(BaseModel):
    """One nonce of a signer: every attempt has it, at most one of them is mined."""

    id: str
    chain: str
    kind: Kind
    asset: str
    signer: str
    nonce: int
    seq: int | None
    state: State
    cancel_wanted: bool
    refusal: str | None
    withdrawals: list[str]
    tx_hash: str | None
    block_number: int | None
    gas_used: int | None
    fee: str | None
    attempts: list[AttemptShape]
    created_at: Time

    @classmethod
    def of(cls, row: Transaction, intent: Intent, signer: Signer, found: list[Attempt]) -> Self:
        """Show a transaction; `fee` is what its gas cost, in wei."""
        return cls.model_validate(
            {
                "id": row.id,
                "chain": intent.chain,
                "kind": intent.kind,
                "asset": intent.asset,
                "signer": show_address(signer.address),
                "nonce": row.nonce,
                "seq": row.seq,
                "state": row.state,
                "cancel_wanted": intent.cancel_wanted is not None,
                "refusal": intent.refusal,
                "withdrawals": intent.payload.get("withdrawals", []),
                "tx_hash": None if row.tx_hash is None else tohex(row.tx_hash),
                "block_number": row.block_number,
                "gas_used": row.gas_used,
                "fee": None if row.fee is None else str(int(row.fee)),
                "attempts": [AttemptShape.of(attempt) for attempt in found],
                "created_at": row.created_at,
            }
        )
