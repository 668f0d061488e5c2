"""How hot and cold funds look to an operator."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class ProposalShape(BaseModel):
    """A transaction for the cold wallet, to be signed as it is."""

    direction: Annotated[
        Literal["refill", "drain"],
        Field(
            description="refill: signed by the treasury; drain: by the owner of the payout vault"
        ),
    ]
    amount: str
    to: str
    value: Annotated[str, Field(description="wei")]
    calldata: str


class TreasuryShape(BaseModel):
    """One asset on one chain: where it is, what waits for it, and what should move."""

    chain: str
    asset: str
    hot: Annotated[str, Field(description="in the payout vault, by the ledger")]
    on_chain: Annotated[
        str | None, Field(description="what the node says is there; null while it is away")
    ]
    leaving: Annotated[str, Field(description="the part of hot that is sent and not final")]
    waiting: Annotated[str, Field(description="approved withdrawals that are not sent")]
    coming: Annotated[str, Field(description="what sweeps can bring to the payout vault")]
    unswept: str
    treasury: str
    gas_tank: Annotated[str | None, Field(description="what the signers have for gas")]
    target: str
    min: str
    max: str | None
    proposal: ProposalShape | None


class TreasuryList(BaseModel):
    """Every asset on every chain."""

    data: list[TreasuryShape]
