"""What clients send of refunds, and how they are shown."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from gateway.chain.address import show_address
from gateway.invoices.shapes import ChainId, Code
from gateway.invoices.store import currency
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.refunds.rules import (
    EXPIRES_SECONDS_DEFAULT,
    EXPIRES_SECONDS_MAX,
    EXPIRES_SECONDS_MIN,
    Kind,
    RateKind,
    Status,
)
from gateway.refunds.store import Refund
from gateway.settings import settings
from gateway.web.shapes import Address, Amount, Body, Text, Time, example


class RefundBody(Body):
    """A refund: of all that is left by default, in the invoice's currency.

    It goes to `to_address`, or to what the payer names on a page of its own: `"to": "payer"`.
    """

    model_config = example(amount="5", to_address="0x000000000000000000000000000000000000beef")

    kind: Annotated[
        Kind | None,
        Field(
            description='"partial" with an amount, "full" without; "overpaid" leaves the price',
        ),
    ] = None
    amount: Annotated[Amount | None, Field(description="of a partial refund")] = None
    rate: Annotated[
        RateKind,
        Field(description="as the payment was counted, or as the market is now"),
    ] = "quote"
    asset: Annotated[Code | None, Field(description="one that paid; by default what paid most")] = (
        None
    )
    chain: ChainId | None = None
    payment: Annotated[
        Text | None,
        Field(
            max_length=80,
            description="a payment that does not settle, by its deposit's id: all of it goes back,"
            " to `to_address`",
        ),
    ] = None
    to_address: Annotated[
        Address | None,
        Field(
            description='needed unless `to` is "payer": a sender may be an exchange. Of an account'
            " that requires its address book, an entry of it"
        ),
    ] = None
    to: Annotated[
        Literal["payer"] | None,
        Field(
            description="the payer names the address on the page `page_url`. Of an account that"
            " requires its address book, one that did not pay waits like a new entry"
        ),
    ] = None
    expires_in: Annotated[
        int,
        Field(
            ge=EXPIRES_SECONDS_MIN,
            le=EXPIRES_SECONDS_MAX,
            description="seconds in which the payer may answer",
        ),
    ] = EXPIRES_SECONDS_DEFAULT


class PageBody(Body):
    """A new page for a payer who has not answered."""

    model_config = example(expires_in=604_800)

    expires_in: Annotated[
        int,
        Field(ge=EXPIRES_SECONDS_MIN, le=EXPIRES_SECONDS_MAX, description="seconds from now"),
    ] = EXPIRES_SECONDS_DEFAULT


class RefundShape(BaseModel):
    """A refund: `amount` of `asset` leaves, `currency_amount` is what it is of the invoice."""

    id: str
    invoice: str
    account: str
    status: Status
    kind: Kind
    amount: str
    asset: str
    chain: str
    currency_amount: str
    currency: str
    payment: Annotated[
        str | None,
        Field(description="the deposit that goes back whole; null: an amount of the invoice"),
    ]
    rate_kind: Annotated[RateKind, Field(description="as it was paid, or the market's")]
    rate: Annotated[str | None, Field(description="the currency per unit of the asset")]
    rate_source: str | None
    rate_at: Time | None
    to_address: Annotated[str | None, Field(description="null until the payer named it")]
    page_url: Annotated[
        str | None,
        Field(description="the payer's page, for nobody else; only in the answer that made it"),
    ]
    refusal: Annotated[
        str | None, Field(description="why the last address the payer named was refused")
    ]
    withdrawal: str | None
    created_at: Time
    expires_at: Annotated[Time | None, Field(description="until when the payer may answer")]
    ended_at: Time | None

    @classmethod
    def of(cls, session: Session, row: Refund, token: str | None = None) -> Self:
        """Show a refund; `token` is its page's, known only when that is made."""
        priced = currency(session, row.currency)
        return cls.model_validate(
            {
                "id": row.id,
                "invoice": row.invoice_id,
                "account": row.account_id,
                "status": row.status,
                "kind": row.kind,
                "amount": str(Money(int(row.amount), ledger.asset(session, row.asset))),
                "asset": row.asset,
                "chain": row.chain,
                "currency_amount": str(Money(int(row.currency_amount), priced)),
                "currency": row.currency,
                "payment": row.deposit_id,
                "rate_kind": row.rate_kind,
                "rate": None if row.rate is None else f"{row.rate.normalize():f}",
                "rate_source": row.rate_source,
                "rate_at": row.rate_at,
                "to_address": show_address(row.to_address) if row.to_address else None,
                "page_url": page_url(token) if token else None,
                "refusal": row.refusal,
                "withdrawal": row.withdrawal_id,
                "created_at": row.created_at,
                "expires_at": row.expires_at,
                "ended_at": row.ended_at,
            }
        )


def page_url(token: str) -> str:
    """Return the address of the payer's page of a refund."""
    return f"{settings().base_url.rstrip('/')}/refund/{token}"
