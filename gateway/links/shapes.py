"""What clients send of payment links, and how links are shown."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy.orm import Session

from gateway.invoices.rules import (
    EXPIRES_SECONDS_DEFAULT,
    EXPIRES_SECONDS_MAX,
    EXPIRES_SECONDS_MIN,
)
from gateway.invoices.shapes import (
    AssetList,
    AssetOnChain,
    Currency,
    Payee,
    Title,
    WebAddress,
)
from gateway.links import rules
from gateway.links.store import PaymentLink, offer_of
from gateway.money import Asset, Money
from gateway.settings import settings
from gateway.web.shapes import Amount, Body, Metadata, Moment, Time, example, storable

USES_MAX = 2**31 - 1
QUANTITY_MAX = 10_000
SUGGESTED_MAX = 6
MESSAGE_LENGTH_MAX = 500

MinAmount = Annotated[Amount | None, Field(description="the least a payer may choose")]
MaxAmount = Annotated[Amount | None, Field(description="the most a payer may choose")]
Suggested = Annotated[
    list[Amount], Field(max_length=SUGGESTED_MAX, description="offered as buttons")
]
MaxQuantity = Annotated[
    int | None,
    Field(ge=2, le=QUANTITY_MAX, description="the payer takes 1 to this many; `amount` is for one"),
]
MaxUses = Annotated[
    int | None,
    Field(
        ge=1,
        le=USES_MAX,
        description="invoices that may be paid; what comes after the end of one is for review",
    ),
]
End = Annotated[Moment | None, Field(strict=False, description="no payments are begun from then")]
Message = Annotated[
    Annotated[str, Field(min_length=1, max_length=MESSAGE_LENGTH_MAX), AfterValidator(storable)]
    | None,
    Field(description="what a payer reads while the link takes no payments"),
]
InvoiceSeconds = Annotated[
    int | None,
    Field(
        ge=EXPIRES_SECONDS_MIN,
        le=EXPIRES_SECONDS_MAX,
        description=f"seconds an invoice of this link can be paid; null: {EXPIRES_SECONDS_DEFAULT}",
    ),
]


class LinkBody(Body):
    """A new payment link; without an amount the payer chooses."""

    model_config = example(account="@falafel-corner", title="Tea", amount="3", currency="USD")

    account: Payee = None
    title: Title
    amount: Amount | None = None
    min_amount: MinAmount = None
    max_amount: MaxAmount = None
    suggested_amounts: Suggested = Field(default_factory=list)
    currency: Currency = "USD"
    max_quantity: MaxQuantity = None
    assets: AssetList | None = None
    success_url: WebAddress | None = None
    max_uses: MaxUses = None
    expires_at: End = None
    invoice_expires_in: InvoiceSeconds = None
    active: bool = True
    inactive_message: Message = None
    metadata: Metadata = Field(default_factory=dict)

    def offer(self, currency: Asset) -> rules.Offer:
        """Return what is offered; raises InvalidAmount."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return rules.Offer(currency=currency, **offered(given, currency))


class LinkChange(Body):
    """What changes of a link; what is left out stays, null takes a bound away."""

    model_config = example(active=False, inactive_message="Back on Sunday.")

    title: Title = Field(default="", description="left out: stays")
    amount: Amount | None = Field(default=None, description="null: the payer chooses")
    min_amount: MinAmount = None
    max_amount: MaxAmount = None
    suggested_amounts: Suggested = Field(default_factory=list)
    max_quantity: MaxQuantity = None
    assets: AssetList | None = None
    success_url: WebAddress | None = None
    max_uses: MaxUses = None
    expires_at: End = None
    invoice_expires_in: InvoiceSeconds = None
    active: bool = Field(default=True, description="left out: stays")
    inactive_message: Message = None
    metadata: Metadata = Field(default_factory=dict, description="left out: stays")

    def changes(self, currency: Asset) -> dict[str, Any]:
        """Return the fields of the offer that change; raises InvalidAmount."""
        return offered({name: getattr(self, name) for name in self.model_fields_set}, currency)


def offered(given: Mapping[str, Any], currency: Asset) -> dict[str, Any]:
    """Return a body's fields as an offer has them; raises InvalidAmount."""
    fields = {k: v for k, v in given.items() if k not in ("account", "currency")}
    for name in ("amount", "min_amount", "max_amount"):
        if fields.get(name) is not None:
            fields[name] = Money.parse(fields[name], currency)
    if "suggested_amounts" in fields:
        suggested = fields.pop("suggested_amounts")
        fields["suggested"] = tuple(Money.parse(one, currency) for one in suggested)
    if "invoice_expires_in" in fields:
        fields["invoice_seconds"] = fields.pop("invoice_expires_in")
    if fields.get("assets"):
        fields["assets"] = tuple((one.asset, one.chain) for one in fields["assets"])
    return fields


class LinkShape(BaseModel):
    """A payment link. `uses` counts its invoices that are open, being paid, or paid; a link whose
    uses are all taken opens again when one of them expires or is voided.
    """

    id: str
    url: str
    pos_url: Annotated[str, Field(description="the same as a till, for a counter")]
    account: str
    active: bool
    status: Annotated[
        rules.Status, Field(description="`active` if a payer could pay now, else why not")
    ]
    title: str
    amount: str | None
    min_amount: str | None
    max_amount: str | None
    suggested_amounts: list[str]
    currency: str
    max_quantity: int | None
    assets: list[AssetOnChain] | None
    success_url: str | None
    max_uses: int | None
    uses: int
    paid: Annotated[int, Field(description="invoices of this link that are paid")]
    amount_credited: Annotated[str, Field(description="final, of all its invoices")]
    expires_at: Time | None
    invoice_expires_in: int | None
    inactive_message: str | None
    metadata: dict[str, str]
    created_at: Time

    @classmethod
    def of(
        cls, session: Session, link: PaymentLink, tally: rules.Tally, status: rules.Status
    ) -> Self:
        """Show a link."""
        offer = offer_of(session, link)
        return cls.model_validate(
            {
                "id": link.id,
                "url": url_of(link.id),
                "pos_url": url_of(link.id, "pos"),
                "account": link.account_id,
                "active": link.active,
                "status": status,
                "title": link.title,
                "amount": shown(offer.amount),
                "min_amount": shown(offer.min_amount),
                "max_amount": shown(offer.max_amount),
                "suggested_amounts": [str(one) for one in offer.suggested],
                "currency": link.currency,
                "max_quantity": link.max_quantity,
                "assets": link.assets,
                "success_url": link.success_url,
                "max_uses": link.max_uses,
                "uses": tally.uses,
                "paid": tally.paid,
                "amount_credited": str(Money(tally.credited_units, offer.currency)),
                "expires_at": link.expires_at,
                "invoice_expires_in": link.invoice_seconds,
                "inactive_message": link.inactive_message,
                "metadata": link.details,
                "created_at": link.created_at,
            }
        )


def shown(amount: Money | None) -> str | None:
    """Show an amount that need not be there."""
    return None if amount is None else str(amount)


def url_of(link_id: str, page: str = "l") -> str:
    """Return the address of a link's page."""
    return f"{settings().base_url.rstrip('/')}/{page}/{link_id}"
