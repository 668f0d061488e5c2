"""The lists of the console: whose rows they show, in which columns, filtered by what.

Rows are what the API's own lists answer, so the console shows nothing that a key cannot read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel

from gateway.accounts.routes import balances as account_balances
from gateway.deposits.routes import list_deposits
from gateway.deposits.shapes import Status as DepositStatus
from gateway.invoices.routes import list_invoices
from gateway.links.routes import list_links
from gateway.payouts.routes import list_payouts
from gateway.payouts.shapes import PayoutStatus
from gateway.refunds.routes import list_all_refunds
from gateway.refunds.rules import Status as RefundStatus
from gateway.settlement.routes import list_settlements
from gateway.shop.visit import Visit
from gateway.web.pages import Cursor, Page
from gateway.webhooks.routes import list_deliveries, list_endpoints

Kind = Literal[
    "text",
    "code",
    "hash",
    "money",
    "status",
    "time",
    "invoice",
    "endpoint",
    "delivery",
    "flag",
    "network",
    "page",
]
Filters = dict[str, str | None]
Fetch = Callable[[Visit, Cursor, Filters], Page[Any]]

INVOICE_STATUS = ("open", "processing", "paid", "expired", "void")
DELIVERY_STATUS = ("pending", "delivered", "failed")


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a row; `unit` names the field that says what the money is."""

    key: str
    kind: Kind = "text"
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: `waits` are the states in which a row changes by itself, so the page stays live."""

    name: str
    scope: str
    fetch: Fetch
    columns: tuple[Column, ...]
    status: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    dated: bool = True
    action: str = ""


def balances(visit: Visit, _: Cursor, __: Filters) -> Page[Any]:
    """List what the merchant has of each asset."""
    found = account_balances(visit.merchant.account_id, visit.session, visit.principal)
    return Page[BaseModel](data=list(found.data), has_more=False)


def invoices(visit: Visit, where: Cursor, chosen: Filters) -> Page[Any]:
    """List invoices."""
    status: Any = chosen["status"]
    return list_invoices(
        visit.session,
        visit.principal,
        where,
        status=status,
        order_id=chosen["order_id"],
        payment_link=chosen["payment_link"],
    )


def links(visit: Visit, where: Cursor, chosen: Filters) -> Page[Any]:
    """List payment links."""
    active = {"active": True, "inactive": False}.get(chosen["status"] or "")
    return list_links(visit.session, visit.principal, where, active=active)


def payments(visit: Visit, where: Cursor, chosen: Filters) -> Page[Any]:
    """List what came in."""
    status: Any = chosen["status"]
    return list_deposits(
        visit.session,
        visit.principal,
        where,
        status=status,
        asset=chosen["asset"],
        invoice=chosen["invoice"],
    )


def refunds(visit: Visit, where: Cursor, chosen: Filters) -> Page[Any]:
    """List refunds of every invoice."""
    status: Any = chosen["status"]
    return list_all_refunds(
        visit.session, visit.principal, where, status=status, asset=chosen["asset"]
    )


def payouts(visit: Visit, where: Cursor, chosen: Filters) -> Page[Any]:
    """List payouts."""
    status: Any = chosen["status"]
    return list_payouts(visit.session, visit.principal, where, status=status, asset=chosen["asset"])


def endpoints(visit: Visit, where: Cursor, _: Filters) -> Page[Any]:
    """List webhook endpoints."""
    return list_endpoints(visit.session, visit.principal, where)


def deliveries(visit: Visit, where: Cursor, chosen: Filters) -> Page[Any]:
    """List what was sent to one endpoint."""
    status: Any = chosen["status"]
    return list_deliveries(
        chosen["endpoint"] or "", visit.session, visit.principal, where, status=status
    )


def settlement(visit: Visit, where: Cursor, chosen: Filters) -> Page[Any]:
    """List days, open ones as they are now."""
    return list_settlements(visit.session, visit.principal, where, asset=chosen["asset"])


def sums(*keys: str) -> tuple[Column, ...]:
    """Return columns of money in the row's asset."""
    return tuple(Column(key, "money", "asset") for key in keys)


LISTINGS = {
    one.name: one
    for one in (
        Listing(
            "balances",
            "accounts:read",
            balances,
            (Column("asset"), *sums("available", "held", "pending")),
            dated=False,
        ),
        Listing(
            "invoices",
            "invoices:read",
            invoices,
            (
                Column("id", "invoice"),
                Column("order_id"),
                Column("title"),
                Column("amount", "money", "currency"),
                Column("amount_paid", "money", "currency"),
                Column("status", "status"),
                Column("created_at", "time"),
            ),
            status=INVOICE_STATUS,
            filters=("order_id", "payment_link"),
            waits=("open", "processing"),
        ),
        Listing(
            "links",
            "invoices:read",
            links,
            (
                Column("title"),
                Column("amount", "money", "currency"),
                Column("uses"),
                Column("max_uses"),
                Column("amount_credited", "money", "currency"),
                Column("url", "page"),
                Column("pos_url", "page"),
                Column("status", "status"),
                Column("created_at", "time"),
            ),
            status=("active", "inactive"),
            action="switch",
        ),
        Listing(
            "payments",
            "deposits:read",
            payments,
            (
                Column("amount", "money", "asset"),
                Column("chain", "network"),
                Column("status", "status"),
                Column("confirmations"),
                Column("invoice", "invoice"),
                Column("from_address", "code"),
                Column("tx_hash", "hash"),
                Column("detected_at", "time"),
            ),
            status=get_args(DepositStatus),
            filters=("asset", "invoice"),
            waits=("confirming",),
        ),
        Listing(
            "refunds",
            "invoices:read",
            refunds,
            (
                Column("invoice", "invoice"),
                Column("amount", "money", "asset"),
                Column("currency_amount", "money", "currency"),
                Column("status", "status"),
                Column("to_address", "code"),
                Column("created_at", "time"),
            ),
            status=get_args(RefundStatus),
            filters=("asset",),
            waits=("pending", "awaiting_address"),
        ),
        Listing(
            "payouts",
            "withdrawals:read",
            payouts,
            (
                Column("amount", "money", "asset"),
                Column("fee", "money", "asset"),
                Column("chain", "network"),
                Column("status", "status"),
                Column("waiting_reason", "code"),
                Column("to_address", "code"),
                Column("due_at", "time"),
                Column("created_at", "time"),
            ),
            status=get_args(PayoutStatus),
            filters=("asset",),
            waits=("waiting", "pending"),
            action="call_off",
        ),
        Listing(
            "webhooks",
            "webhooks:read",
            endpoints,
            (
                Column("url", "endpoint"),
                Column("events"),
                Column("active", "flag"),
                Column("disabled_reason"),
                Column("created_at", "time"),
            ),
        ),
        Listing(
            "deliveries",
            "webhooks:read",
            deliveries,
            (
                Column("type", "delivery"),
                Column("object", "hash"),
                Column("status", "status"),
                Column("attempts"),
                Column("response_status"),
                Column("error"),
                Column("next_attempt_at", "time"),
                Column("created_at", "time"),
            ),
            status=DELIVERY_STATUS,
            waits=("pending",),
            action="redeliver",
        ),
        Listing(
            "settlement",
            "reports:read",
            settlement,
            (
                Column("date"),
                *sums(
                    "opening_balance",
                    "gross",
                    "fees",
                    "refunds",
                    "net",
                    "payouts",
                    "closing_balance",
                ),
                Column("count"),
                Column("status", "status"),
            ),
            filters=("asset",),
        ),
    )
}
TABS = tuple(name for name in LISTINGS if name != "deliveries")
