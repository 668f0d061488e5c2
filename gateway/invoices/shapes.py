"""What clients send of invoices and of their terms, and how a merchant's terms are shown."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

from gateway.invoices.offer import OPTIONS_MAX
from gateway.invoices.rules import (
    EXPIRES_SECONDS_DEFAULT,
    EXPIRES_SECONDS_MAX,
    EXPIRES_SECONDS_MIN,
    Terms,
)
from gateway.invoices.terms import LATE_HOURS_MAX, UNDER_PERCENT_MAX, Fields
from gateway.web.shapes import Amount, Body, Metadata, Name, Text, Time, example, storable

URL_LENGTH_MAX = 2_000


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


def support_address(text: str) -> str:
    """Refuse what is neither an https address nor a plain mailto: one."""
    if re.fullmatch(r"mailto:[!-~]+@[!-~]+", storable(text)):
        return text
    if not text.startswith("https://"):
        raise ValueError("an https or mailto address")
    return web_address(text)


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
SupportAddress = Annotated[str, Field(max_length=URL_LENGTH_MAX), AfterValidator(support_address)]
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


def at_most(percent: int) -> Callable[[str], str]:
    """Return what refuses a share above so many per cent."""

    def check(text: str) -> str:
        if Decimal(text) > percent:
            raise ValueError(f"at most {percent} per cent")
        return text

    return check


Share = Annotated[
    str,
    Field(pattern=r"^(0|[1-9][0-9]?|100)(\.[0-9]{1,4})?$", description="per cent", examples=["1"]),
]


class TermsBody(Body):
    """What a merchant does without and how late it takes money. On an invoice, in its currency,
    what is left out is as the merchant's; of the merchant's, amounts are US dollars.
    """

    model_config = example(under_percent="1", under_amount="0.05", late_hours=48)

    under_percent: Annotated[
        Share,
        Field(description="of the price: may be missing"),
        AfterValidator(at_most(UNDER_PERCENT_MAX)),
    ] = "0"
    under_amount: Annotated[Amount, Field(description="or this much, if it is more")] = "0"
    over_percent: Annotated[
        Share, Field(description="of the price: no overpayment"), AfterValidator(at_most(100))
    ] = "0"
    over_amount: Annotated[Amount, Field(description="or this much, if it is more")] = "0"
    late_percent: Annotated[
        Annotated[Share, AfterValidator(at_most(100))] | None,
        Field(description="how far the market may be from the quote; null: however far"),
    ] = "5"
    late_hours: Annotated[
        int | None,
        Field(ge=0, le=LATE_HOURS_MAX, description="after `expires_at`; null: for ever"),
    ] = 24
    late: Annotated[
        Literal["credit", "refund"],
        Field(description="what is later is credited: for review, or to be sent back"),
    ] = "credit"


class MerchantTermsBody(TermsBody):
    """A merchant's terms, all of them, and where its payers ask."""

    support_url: Annotated[
        SupportAddress | None,
        Field(description="https or mailto: the page links it where a payer has to ask"),
    ] = None


class TermsShape(BaseModel):
    """A merchant's terms, copied onto each invoice when it is opened; null is no bound."""

    account: str
    under_percent: str
    under_amount: Annotated[str, Field(description="US dollars, for invoices in dollars")]
    over_percent: str
    over_amount: Annotated[str, Field(description="US dollars, for invoices in dollars")]
    late_percent: str | None
    late_hours: int | None
    late: Literal["credit", "refund"]
    support_url: Annotated[str | None, Field(description="where payers ask: https or mailto")]
    changed_at: Annotated[Time | None, Field(description="null: the defaults")]

    @classmethod
    def of(
        cls, account_id: str, fields: Fields, changed_at: datetime | None, support_url: str | None
    ) -> Self:
        """Show the terms of a merchant."""
        told = {"account": account_id, "changed_at": changed_at, "support_url": support_url}
        return cls.model_validate({**told, **fields})


class InvoiceTermsShape(BaseModel):
    """The terms an invoice was opened with; null is no bound."""

    under: Annotated[str, Field(description="of the price, what may be missing when it is paid")]
    over: Annotated[str, Field(description="what may come above the price and is not told")]
    late_percent: Annotated[
        str | None, Field(description="how far the market may be from the quote by then")
    ]
    late_hours: Annotated[int | None, Field(description="how long after `expires_at`")]
    late: Annotated[
        Literal["credit", "refund"],
        Field(description="else it is credited, and waits for review or is to be sent back"),
    ]

    @classmethod
    def of(cls, terms: Terms) -> Self:
        """Show the terms of an invoice."""
        percent = terms.late.percent
        return cls(
            under=str(terms.whole - terms.enough),
            over=str(terms.too_much - terms.whole),
            late_percent=None if percent is None else f"{percent.normalize():f}",
            late_hours=terms.late.hours,
            late=terms.late.otherwise,
        )


class AcceptBody(Body):
    """What to accept: all that came too late, or the one payment named, by its deposit's id."""

    model_config = example(rate="quote")

    payment: Annotated[Text | None, Field(max_length=80)] = None
    rate: Annotated[
        Literal["quote", "current"],
        Field(description="what it counts at; an asset that was not asked for: current"),
    ] = "quote"


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
    terms: Annotated[
        TermsBody | None, Field(description="what differs from the merchant's checkout terms")
    ] = None
