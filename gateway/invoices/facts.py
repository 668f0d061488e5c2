"""An invoice with everything its rules need, loaded at once, and how the API shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from gateway.chain import freshness
from gateway.chain.address import show_address
from gateway.invoices import rules, unsettled
from gateway.invoices.shapes import InvoiceTermsShape
from gateway.invoices.store import (
    Invoice,
    InvoiceOption,
    InvoicePayment,
    currency,
    options_of,
    payments_of,
)
from gateway.ledger import service as ledger
from gateway.money import Asset, Money
from gateway.settings import settings
from gateway.web.shapes import Time, rfc3339


@dataclass(frozen=True, slots=True)
class Facts:
    """The rows of one invoice and the assets they are made of."""

    invoice: Invoice
    options: list[InvoiceOption]
    payments: list[InvoicePayment]
    currency: Asset
    assets: dict[str, Asset]
    paused: frozenset[str]
    """Chains that take no payments now, this invoice's or not."""

    @property
    def price(self) -> Money:
        """What is asked."""
        return Money(int(self.invoice.amount), self.currency)

    @property
    def terms(self) -> rules.Terms:
        """What was asked, as the rules read it."""
        return rules.Terms(
            price=self.price,
            options=tuple(self.option(row) for row in self.options),
            expires_at=self.invoice.expires_at,
            voided=self.invoice.voided_at is not None,
            under=Money(int(self.invoice.under_tolerance), self.currency),
            over=Money(int(self.invoice.over_tolerance), self.currency),
            returned=Money(int(self.invoice.amount_returned), self.currency),
            late=rules.Late(
                hours=self.invoice.late_hours,
                percent=self.invoice.late_percent,
                otherwise=self.invoice.late_else,  # type: ignore[arg-type]  # the table checks it
            ),
        )

    @property
    def received(self) -> list[rules.Payment]:
        """What arrived, as the rules read it."""
        return [
            rules.Payment(
                chain=row.chain,
                amount=Money(int(row.amount), self.assets[row.asset]),
                # what went back whole is no money of this invoice any more
                status="reversed" if row.refund_id else row.status,  # type: ignore[arg-type]
                seen_at=row.seen_at,
                heard_at=row.heard_at,
                rate=row.rate,
                accepted=row.accepted_at is not None,
                counted_rate=row.counted_rate,
            )
            for row in self.payments
        ]

    @property
    def stored(self) -> rules.Outcome:
        """What was true when the row was written last."""
        row = self.invoice
        return rules.Outcome(
            status=row.status,  # type: ignore[arg-type]  # the table checks it
            paid_state=row.paid_state,  # type: ignore[arg-type]  # the table checks it
            late=row.late,
            paid=Money(int(row.amount_paid), self.currency),
            credited=Money(int(row.amount_credited), self.currency),
            late_action=row.late_action,  # type: ignore[arg-type]  # the table checks it
        )

    @property
    def due(self) -> Money:
        """What is still to be paid."""
        return rules.due(self.terms, self.stored.paid)

    @property
    def missing(self) -> Money:
        """What is short of the price, asked for or not."""
        return rules.missing(self.terms, self.stored.paid)

    @property
    def over(self) -> Money:
        """What came above the price, once that is more than is tolerated."""
        return rules.above(self.terms, self.stored.paid)

    def told(self, deposits: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the deposits of the payments as the API shows them, with what they are to this."""
        terms = self.terms
        return [
            {
                **deposit,
                "late": rules.came_late(terms, payment),
                "settles": payment.status in rules.SEEN
                and rules.settles(terms, payment)
                and rules.worth(terms, payment) > 0,
                "unsettled": unsettled.why(terms, payment),
                "refund": row.refund_id,
                "accepted_at": row.accepted_at and rfc3339(row.accepted_at),
            }
            for deposit, row, payment in zip(deposits, self.payments, self.received, strict=True)
        ]

    def option(self, row: InvoiceOption) -> rules.Option:
        """Return an option as the rules read it."""
        whole = Money(int(row.amount), self.assets[row.asset])
        return rules.Option(chain=row.chain, whole=whole, places=row.places, rate=row.rate)

    def place(self, row: InvoiceOption) -> str | None:
        """Return where this option is paid; None while its chain takes no payments."""
        return None if row.chain in self.paused else show_address(row.address)

    def remaining(self, row: InvoiceOption) -> Money:
        """Return what is still to be paid by this option."""
        return rules.remaining(self.terms, self.received, self.option(row))

    def minimum(self, row: InvoiceOption) -> Money:
        """Return the least that is credited of one payment by this option."""
        return Money(int(row.minimum), self.assets[row.asset])


def load(session: Session, invoices: Sequence[Invoice]) -> list[Facts]:
    """Load the facts of some invoices with one query for each table."""
    ids = [invoice.id for invoice in invoices]
    assets = {asset.code: asset for asset in ledger.assets(session)}
    paused = freshness.paused(session)
    options: dict[str, list[InvoiceOption]] = {}
    payments: dict[str, list[InvoicePayment]] = {}
    for option in options_of(session, ids):
        options.setdefault(option.invoice_id, []).append(option)
    for payment in payments_of(session, ids):
        payments.setdefault(payment.invoice_id, []).append(payment)
    return [
        Facts(
            invoice=invoice,
            options=options.get(invoice.id, []),
            payments=payments.get(invoice.id, []),
            currency=assets.get(invoice.currency) or currency(session, invoice.currency),
            assets=assets,
            paused=paused,
        )
        for invoice in invoices
    ]


class OptionShape(BaseModel):
    """One way to pay: `amount` is what remains to be paid, `rate` the currency per unit.

    A payment below `minimum_deposit` waits until others make it up.
    """

    asset: str
    chain: str
    address: Annotated[str | None, Field(description="null while `paused`")]
    paused: Annotated[bool, Field(description="the chain's node is not up to date: not payable")]
    amount: str
    minimum_deposit: str
    rate: str
    rate_source: Annotated[str, Field(examples=["median(bitstamp,coinbase,kraken)"])]
    rate_at: Annotated[Time, Field(description="when it was quoted")]
    rate_quote: Annotated[
        str | None, Field(description="the stored quote; null: a fixed price or the same asset")
    ]
    quote_expires_at: Time


class InvoiceShape(BaseModel):
    """An invoice. `amount_paid` is what was seen, late or not; `amount_credited` what is final.

    `amount_due` is asked for; `amount_missing` is short of the price, within the tolerance too.
    """

    id: str
    url: str
    account: str
    status: Literal["open", "processing", "paid", "expired", "void"]
    paid_state: Literal["none", "partial", "exact", "over"]
    late: Annotated[bool, Field(description="some of it was paid after expires_at")]
    amount: str
    currency: str
    amount_paid: str
    amount_credited: str
    amount_due: str
    amount_missing: str
    amount_over: Annotated[str, Field(description="above the price, if more than is tolerated")]
    late_action: Annotated[
        Literal["review", "refund"] | None,
        Field(
            description="enough came too late for the terms and settles nothing: accept or refund"
        ),
    ]
    reverted_at: Annotated[
        Time | None,
        Field(description="a payment that had counted left the chain then: `amount_due` is due"),
    ]
    terms: InvoiceTermsShape
    order_id: str | None
    payment_link: str | None
    quantity: Annotated[int | None, Field(description="pieces of the link; null: not counted")]
    title: str | None
    success_url: str | None
    payment_options: list[OptionShape]
    payments: Annotated[
        list[dict[str, Any]],
        Field(
            description="deposits, oldest first, each with `late`, `settles` (it counts towards the"
            " price), `unsettled` (void, wrong_asset, too_late or null), `refund` (what carries it"
            " back whole) and `accepted_at`"
        ),
    ]
    metadata: dict[str, str]
    expires_at: Time
    paid_at: Time | None
    voided_at: Time | None
    created_at: Time

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Show an invoice."""
        row, state = facts.invoice, facts.stored
        terms, received = facts.terms, facts.received
        return cls(
            id=row.id,
            url=url_of(row.id),
            account=row.account_id,
            status=state.status,
            paid_state=state.paid_state,
            late=state.late,
            amount=str(facts.price),
            currency=row.currency,
            amount_paid=str(state.paid),
            amount_credited=str(state.credited),
            amount_due=str(rules.due(terms, state.paid)),
            amount_missing=str(rules.missing(terms, state.paid)),
            amount_over=str(rules.above(terms, state.paid)),
            late_action=state.late_action,
            reverted_at=row.reverted_at,
            terms=InvoiceTermsShape.of(terms),
            order_id=row.order_id,
            payment_link=row.link_id,
            quantity=row.quantity,
            title=row.title,
            success_url=row.success_url,
            payment_options=[
                option_shape(facts, option, rules.remaining(terms, received, facts.option(option)))
                for option in facts.options
            ],
            payments=facts.told([payment.details for payment in facts.payments]),
            metadata=row.details,
            expires_at=row.expires_at,
            paid_at=row.paid_at,
            voided_at=row.voided_at,
            created_at=row.created_at,
        )


def option_shape(facts: Facts, row: InvoiceOption, remaining: Money) -> OptionShape:
    """Show one way to pay what remains."""
    return OptionShape(
        asset=row.asset,
        chain=row.chain,
        address=facts.place(row),
        paused=row.chain in facts.paused,
        amount=str(remaining),
        minimum_deposit=str(facts.minimum(row)),
        rate=f"{row.rate.normalize():f}",
        rate_source=row.rate_source,
        rate_at=row.rate_at,
        rate_quote=row.rate_quote_id,
        quote_expires_at=facts.invoice.expires_at,
    )


def url_of(invoice_id: str) -> str:
    """Return the address of the payer's page."""
    return f"{settings().base_url.rstrip('/')}/pay/{invoice_id}"
