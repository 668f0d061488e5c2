"""How what waits for a person looks to an operator, over HTTP and in events."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain.address import show_address
from gateway.chain.port import tohex
from gateway.chain.store import ChainAsset
from gateway.inbox import store
from gateway.inbox.store import Arrival, Decision, Item
from gateway.ledger import service as ledger
from gateway.money import Asset
from gateway.web.shapes import Time

Kind = Literal["unknown_token", "wrong_asset", "wrong_chain", "unattributed", "set_aside"]
Status = Literal["open", "assigned", "accepted", "refunded", "dismissed", "orphaned"]

Listed = dict[tuple[str, bytes | None], tuple[ChainAsset, Asset]]


class DecisionShape(BaseModel):
    """A decision; `reopened` is that of a refund's withdrawal which did not arrive."""

    decision: Literal["assigned", "accepted", "refunded", "dismissed", "reopened"]
    by: Annotated[str, Field(description="the API key, or the withdrawal that reopened it")]
    reason: str | None
    account: str | None
    withdrawal: str | None
    transfer: str | None
    at: Time

    @classmethod
    def of(cls, row: Decision) -> Self:
        """Show a decision."""
        return cls.model_validate(
            {
                "decision": row.decision,
                "by": row.decided_by,
                "reason": row.reason,
                "account": row.account_id,
                "withdrawal": row.withdrawal_id,
                "transfer": row.transfer_id,
                "at": row.created_at,
            }
        )


class InboxShape(BaseModel):
    """Something that arrived and waits for a person; `detail` says why it is here."""

    id: str
    kind: Kind
    status: Status
    chain: str
    account: Annotated[str | None, Field(description="whose address it is")]
    invoice: str | None
    address: str
    contract: Annotated[str | None, Field(description="the token; null: the native coin")]
    asset: Annotated[str | None, Field(description="null: not listed on this chain")]
    amount: Annotated[str | None, Field(description="of all transfers; null while not listed")]
    units: Annotated[str, Field(description="the same in base units of the chain")]
    transfers: Annotated[int, Field(description="on our chain now")]
    from_address: Annotated[str | None, Field(description="null: unknown, or several")]
    first_block: int
    detail: str
    deposit: str | None
    withdrawal: str | None
    decided_by: str | None
    decided_at: Time | None
    reason: str | None
    decisions: list[DecisionShape]
    created_at: Time

    @classmethod
    def of(cls, row: Item, listed: Listed, decided: list[Decision]) -> Self:
        """Show an item, with what its asset is by now."""
        found = listed.get((row.chain, row.contract))
        return cls.model_validate(
            {
                "id": row.id,
                "kind": row.kind,
                "status": row.status,
                "chain": row.chain,
                "account": row.account_id,
                "invoice": row.invoice_id,
                "address": show_address(row.address),
                "contract": row.contract and show_address(row.contract),
                "asset": found[1].code if found else row.asset,
                "amount": str(found[0].to_ledger(int(row.units), found[1])) if found else None,
                "units": str(int(row.units)),
                "transfers": row.arrivals,
                "from_address": row.sender and show_address(row.sender),
                "first_block": row.first_block,
                "detail": row.detail,
                "deposit": row.deposit_id,
                "withdrawal": row.withdrawal_id,
                "decided_by": row.decided_by,
                "decided_at": row.decided_at,
                "reason": row.reason,
                "decisions": [DecisionShape.of(one) for one in decided],
                "created_at": row.created_at,
            }
        )


class ArrivalShape(BaseModel):
    """One transfer of an item, in the block it was seen in last."""

    tx_hash: Annotated[str | None, Field(description="null: only the block is known")]
    position: str
    from_address: str | None
    units: str
    block_number: int
    block_hash: str
    block_time: Time
    log_index: int | None
    canonical: Annotated[bool, Field(description="false: its block left the chain")]
    deposit: Annotated[str | None, Field(description="what it became")]

    @classmethod
    def of(cls, row: Arrival) -> Self:
        """Show a transfer."""
        return cls(
            tx_hash=None if row.tx_hash is None else tohex(row.tx_hash),
            position=row.position,
            from_address=None if row.sender is None else show_address(row.sender),
            units=str(int(row.units)),
            block_number=row.block_number,
            block_hash=tohex(row.block_hash),
            block_time=row.block_time,
            log_index=row.log_index,
            canonical=row.canonical,
            deposit=row.deposit_id,
        )


class WholeInboxShape(InboxShape):
    """An item with its transfers, as far as they are kept one by one."""

    arrivals: list[ArrivalShape]


def listed_assets(session: Session, rows: Sequence[Item]) -> Listed:
    """Return what is listed on the chains of some items, by chain and contract."""
    precise = {asset.code: asset for asset in ledger.assets(session)}
    return {
        (chain, one.contract): (one, precise[one.asset])
        for chain in {row.chain for row in rows}
        for one in chains.chain_assets(session, chain)
    }


def shapes(session: Session, rows: Sequence[Item]) -> list[InboxShape]:
    """Show items as the list does."""
    listed = listed_assets(session, rows)
    decided = store.decisions(session, [row.id for row in rows])
    return [InboxShape.of(row, listed, decided.get(row.id, [])) for row in rows]


def shape(session: Session, row: Item) -> InboxShape:
    """Show an item as events do."""
    return shapes(session, [row])[0]


def whole(session: Session, row: Item) -> WholeInboxShape:
    """Show an item with its transfers."""
    told: dict[str, Any] = {
        **shape(session, row).model_dump(),
        "arrivals": [ArrivalShape.of(one) for one in store.arrivals(session, row.id)],
    }
    return WholeInboxShape.model_validate(told)
