"""How a transfer looks to a client."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from gateway.money import Asset, Money
from gateway.transfers.store import Transfer
from gateway.web.shapes import Time


class TransferShape(BaseModel):
    """Money that moved from one account to another."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    status: Literal["posted"] = "posted"
    from_account: Annotated[str, Field(alias="from")]
    to_account: Annotated[str, Field(alias="to")]
    asset: str
    amount: str
    memo: str | None
    created_at: Time

    @classmethod
    def of(cls, transfer: Transfer, asset: Asset) -> Self:
        """Show a transfer."""
        return cls(
            id=transfer.id,
            from_account=transfer.from_account,
            to_account=transfer.to_account,
            asset=transfer.asset,
            amount=str(Money(int(transfer.amount), asset)),
            memo=transfer.memo,
            created_at=transfer.created_at,
        )
