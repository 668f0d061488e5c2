"""What clients send of invoices, refunds and payment links, and how links are shown."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy.orm import Session

from gateway.invoices.offer import OPTIONS_MAX
from gateway.invoices.rules import (
    EXPIRES_SECONDS_DEFAULT,
    EXPIRES_SECONDS_MAX,
    EXPIRES_SECONDS_MIN,
)
from gateway.invoices.store import PaymentLink, asked
from gateway.settings import settings
from gateway.web.shapes import Address, Amount, Body, Metadata, Name, Text, Time, example, storable

URL_LENGTH_MAX = 2_000
USES_MAX = 2**31 - 1


def web_address(text: str) -> str:
    """Refuse what is no plain http(s) address: a payer will be offered it as a link."""
    try:
        parts = urlsplit(storable(text))
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise ValueError("not a web address") from error
    plain = text.isascii() and text.isprintable() and " " not in text
    if parts.scheme not in ("http", "https") or not host or not plain or "@" in parts.netloc:
        raise ValueError("an http or https address without a login")
    return text


Code = Annotated[
    str, Field(min_length=1, max_length=20, examples=["USDC"]), AfterValidator(storable)
]
ChainId = Annotated[
    str, Field(min_length=1, max_length=60, examples=["eip155:31337"]), AfterValidator(storable)
]
Currency = Annotated[
    str,
    Field(min_length=1, max_length=20, description='"USD" or an asset', examples=["USD"]),
    AfterValidator(storable),
]
WebAddress = Annotated[str, Field(max_length=URL_LENGTH_MAX), AfterValidator(web_address)]
Payee = Annotated[Text | None, Field(max_length=80, description="required of operators")]
Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(storable)]


class AssetOnChain(Body):
    """An asset on a chain."""

    asset: Code
    chain: ChainId


AssetList = Annotated[
    list[AssetOnChain],
    Field(min_length=1, max_length=OPTIONS_MAX, description="default: every priced asset"),
]


def pairs(assets: list[AssetOnChain] | None) -> tuple[tuple[str, str], ...] | None:
    """Return the assets as the services take them."""
    return tuple((one.asset, one.chain) for one in assets) if assets else None


class InvoiceBody(Body):
    """A new invoice; the same body under one order_id again gives the same invoice."""

    model_config = example(
        account="@falafel-corner",
        amount="12.50",
        currency="USD",
        order_id="1043",
        metadata={"table": "4"},
    )

    account: Payee = None
    amount: Amount
    currency: Currency = "USD"
    order_id: Name | None = None
    assets: AssetList | None = None
    expires_in: Annotated[
        int, Field(ge=EXPIRES_SECONDS_MIN, le=EXPIRES_SECONDS_MAX, description="seconds")
    ] = EXPIRES_SECONDS_DEFAULT
    title: Annotated[Title | None, Field(description="the purpose, as the payer reads it")] = None
    success_url: WebAddress | None = None
    metadata: Metadata = Field(default_factory=dict)


class RefundBody(Body):
    """A refund: of all that is left by default, in the invoice's currency."""

    model_config = example(amount="5", to_address="0x000000000000000000000000000000000000beef")

    amount: Amount | None = None
    to_address: Annotated[
        Address | None,
        Field(description="required: the sender of a payment may be an exchange"),
    ] = None


class LinkBody(Body):
    """A new payment link; without an amount the payer chooses."""

    model_config = example(account="@falafel-corner", title="Tea", amount="3", currency="USD")

    account: Payee = None
    title: Title
    amount: Amount | None = None
    currency: Currency = "USD"
    assets: AssetList | None = None
    success_url: WebAddress | None = None
    max_uses: Annotated[int, Field(ge=1, le=USES_MAX)] | None = None
    metadata: Metadata = Field(default_factory=dict)


class LinkChange(Body):
    """What can change of a link."""

    active: bool


class LinkShape(BaseModel):
    """A payment link; `uses` counts its invoices that are open, being paid, or paid."""

    id: str
    url: str
    account: str
    active: bool
    title: str
    amount: str | None
    currency: str
    assets: list[AssetOnChain] | None
    success_url: str | None
    max_uses: int | None
    uses: int
    metadata: dict[str, str]
    created_at: Time

    @classmethod
    def of(cls, session: Session, link: PaymentLink, uses: int) -> Self:
        """Show a link."""
        amount = asked(session, link)
        return cls.model_validate(
            {
                "id": link.id,
                "url": f"{settings().base_url.rstrip('/')}/l/{link.id}",
                "account": link.account_id,
                "active": link.active,
                "title": link.title,
                "amount": str(amount) if amount else None,
                "currency": link.currency,
                "assets": link.assets,
                "success_url": link.success_url,
                "max_uses": link.max_uses,
                "uses": uses,
                "metadata": link.details,
                "created_at": link.created_at,
            }
        )
