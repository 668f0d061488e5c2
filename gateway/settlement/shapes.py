"""How reports, closed days, reconciliation and traces look to a client."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from gateway.money import Asset, Money
from gateway.settlement.store import Settlement
from gateway.web.shapes import Time

Signed = Annotated[str, Field(description="signed: what leaves the balance is negative")]


class ReportRow(BaseModel):
    """One movement of an account's money; a withdrawal with its fee is one."""

    date: Annotated[Time, Field(description="when the ledger posted it")]
    type: Annotated[str, Field(examples=["deposit", "withdrawal", "refund", "transfer"])]
    id: str
    invoice: str | None
    order_id: str | None
    asset: str
    chain: str | None
    gross: Signed
    fee: Signed
    net: Annotated[str, Field(description="gross + fee: what the balance changed by")]
    rate: Annotated[str | None, Field(description="the invoice's: quote_currency for one asset")]
    quote_currency: str | None
    quote_amount: str | None
    tx_hash: str | None
    block_number: int | None
    block_hash: str | None
    log_index: int | None
    balance_after: str
    rate_source: Annotated[str | None, Field(description="who said so: median(coinbase,kraken)")]
    rate_at: Annotated[Time | None, Field(description="when the rate was quoted")]
    account: Annotated[str, Field(description="whose balance this is")]


class ReportTotal(BaseModel):
    """What the rows of one asset add up to; net is closing_balance - opening_balance."""

    asset: str
    gross: Signed
    fee: Signed
    net: Signed
    opening_balance: str
    closing_balance: str
    count: int


class Report(BaseModel):
    """The settlement report of a range of time."""

    data: list[ReportRow]
    totals: list[ReportTotal]


class SettlementShape(BaseModel):
    """A merchant's day in one asset.

    net = gross + fees + refunds, closing_balance = opening_balance + net + payouts.

    Movements belong to the day on which the ledger posted them, so a closed day never changes.
    """

    id: str
    date: Annotated[str, Field(examples=["2026-01-31"])]
    account: str
    asset: str
    status: Literal["open", "closed"]
    gross: Signed
    fees: Signed
    refunds: Signed
    net: Signed
    payouts: Signed
    opening_balance: str
    closing_balance: str
    count: int
    closed_at: Time | None

    @classmethod
    def of(cls, row: Settlement, asset: Asset) -> Self:
        """Show a day; one that was not stored yet is open."""

        def money(units: Any) -> str:
            return str(Money(int(units), asset))

        return cls.model_validate(
            {
                "id": row.id,
                "date": row.date.isoformat(),
                "account": row.account_id,
                "asset": row.asset,
                "status": "open" if row.created_at is None else "closed",
                "gross": money(row.gross),
                "fees": money(row.fees),
                "refunds": money(row.refunds),
                "net": money(row.net),
                "payouts": money(row.payouts),
                "opening_balance": money(row.opening_balance),
                "closing_balance": money(row.closing_balance),
                "count": row.count,
                "closed_at": row.created_at,
            }
        )


class Day(BaseModel):
    """One day of every merchant the key sees."""

    date: str
    status: Literal["open", "closed"]
    data: list[SettlementShape]


class ReconciliationRow(BaseModel):
    """One asset on one chain: what the node says of every address we own, and the ledger."""

    chain: str
    asset: str
    block_number: int
    on_chain: str
    ledger: str
    unswept: Annotated[str, Field(description="the part still at deposit addresses")]
    below_worth: Annotated[
        str,
        Field(description="the part at addresses that are not worth the gas of a sweep now"),
    ]
    below_minimum: Annotated[
        str, Field(description="on chain in payments too small to be credited, so in no books yet")
    ]
    difference: Annotated[str, Field(description="on_chain - ledger - below_minimum")]


class OwedRow(BaseModel):
    """One asset: what we hold against what we owe; difference = custody - owed - house."""

    asset: str
    custody: str
    owed: str
    house: str
    difference: str


class Reconciliation(BaseModel):
    """The ledger against the chain, and against what we owe."""

    data: list[ReconciliationRow]
    owed: list[OwedRow]


class TraceEntry(BaseModel):
    """A ledger entry the transaction caused."""

    account: Annotated[str | None, Field(description="null: the house")]
    place: Annotated[int, Field(description="chart of accounts")]
    type: str
    asset: str
    amount: Signed
    ref: str
    created_at: Time


class Trace(BaseModel):
    """What a transaction did here, or why nothing."""

    tx_hash: str
    found: bool
    chain: str | None
    block_number: int | None
    deposits: list[dict[str, Any]]
    withdrawals: list[dict[str, Any]]
    sweeps: list[dict[str, Any]]
    inbox: Annotated[list[dict[str, Any]], Field(description="what waits for an operator")]
    entries: list[TraceEntry]
    explanation: str
