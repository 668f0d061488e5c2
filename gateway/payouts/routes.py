"""Payouts and their schedules over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from gateway.accounts import service as accounts
from gateway.errors import NotFound
from gateway.ledger import service as ledger
from gateway.money import Asset, Money
from gateway.payouts import rules, schedules, service
from gateway.payouts.shapes import PayoutShape, PayoutStatus, ScheduleShape
from gateway.payouts.store import Payout, PayoutSchedule
from gateway.web.auth import Principal, owner_listed, owner_named, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Amount, Body, Text, example

payout_routes = router("/v1/payouts", "payouts")
schedule_routes = router("/v1/payout_schedules", "payouts")

Reader = Annotated[Principal, Depends(require("withdrawals:read"))]
Writer = Annotated[Principal, Depends(require("withdrawals:write"))]
Payer = Annotated[Principal, Depends(require("withdrawals:write", idempotency_key=True))]
Filter = Annotated[Text | None, Query(max_length=80)]
Entry = Annotated[Text, Field(max_length=80, description="an entry of the account's address book")]
Payee = Annotated[Text | None, Field(max_length=80, description="required of operators")]
Least = Annotated[
    str,
    Field(
        max_length=100,
        pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$",
        description="A plain decimal in the asset's unit; zero for none.",
        examples=["50"],
    ),
]


class PayoutBody(Body):
    """A payout now: of an amount, or of all that is there."""

    model_config = example(
        account="@falafel-corner", asset="USDC", address_entry="adr_…", amount="1.50"
    )

    account: Payee = None
    asset: Text
    address_entry: Entry
    amount: Annotated[Amount | None, Field(description="what arrives; default: everything")] = None


class ScheduleBody(Body):
    """When a balance goes by itself; setting it again for the asset and chain replaces it."""

    model_config = example(
        account="@falafel-corner",
        asset="USDC",
        address_entry="adr_…",
        every="week",
        day=1,
        hour=6,
        minimum="50",
        keep_reserve="100",
    )

    account: Payee = None
    asset: Text
    address_entry: Entry
    every: rules.Every
    day: Annotated[int, Field(ge=1, le=28, description="week: 1 is Monday; month: the day")] = 1
    hour: Annotated[int, Field(ge=0, le=23, description="UTC")] = 0
    minimum: Least = "0"
    keep_reserve: Least = "0"
    active: bool = True


def least(text: str, asset: Asset) -> Money:
    """Read an amount that may be nothing; raises InvalidAmount."""
    return Money.parse(text, asset) if text.strip("0.") else Money(0, asset)


@payout_routes.post("", status_code=201)
def pay_out(body: PayoutBody, session: Tx, principal: Payer) -> PayoutShape:
    """Pay out to an address of the book. It goes through policy like every withdrawal."""
    account = accounts.get(session, owner_named(session, principal, body.account))
    asset = ledger.asset(session, body.asset)
    row = service.pay_now(
        session,
        account_id=account.id,
        asset=asset.code,
        entry_id=body.address_entry,
        amount=None if body.amount is None else Money.parse(body.amount, asset),
        by=principal.key_id,
    )
    return service.shape(session, row)


@payout_routes.get("")
def list_payouts(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    account: Filter = None,
    status: PayoutStatus | None = None,
    asset: Filter = None,
    chain: Filter = None,
) -> Page[PayoutShape]:
    """List payouts, newest first."""
    owner = owner_listed(session, principal, account)
    rows, more = page(
        session, Payout, where, account_id=owner, status=status, asset=asset, chain=chain
    )
    return Page(data=[service.shape(session, row) for row in rows], has_more=more)


@payout_routes.get("/{payout}")
def get_payout(payout: Text, session: Tx, principal: Reader) -> PayoutShape:
    """Show a payout."""
    row = service.get(session, payout)
    if not principal.sees(row.account_id):
        raise NotFound("no such payout")
    return service.shape(session, row)


@schedule_routes.get("")
def list_schedules(
    session: Tx, principal: Reader, where: ListCursor, account: Filter = None
) -> Page[ScheduleShape]:
    """List payout schedules, newest first."""
    owner = owner_listed(session, principal, account)
    rows, more = page(session, PayoutSchedule, where, account_id=owner)
    return Page(data=[schedules.shape(session, row) for row in rows], has_more=more)


@schedule_routes.put("")
def put_schedule(body: ScheduleBody, session: Tx, principal: Writer) -> ScheduleShape:
    """Set when everything above `keep_reserve` goes to an address of the book."""
    account = accounts.get(session, owner_named(session, principal, body.account))
    asset = ledger.asset(session, body.asset)
    plan = schedules.Plan(
        asset=asset.code,
        entry_id=body.address_entry,
        calendar=rules.Calendar(body.every, body.day, body.hour),
        minimum=least(body.minimum, asset),
        keep=least(body.keep_reserve, asset),
        active=body.active,
    )
    row = schedules.put(session, account_id=account.id, plan=plan, by=principal.key_id)
    return schedules.shape(session, row)


routes = APIRouter()
routes.include_router(payout_routes)
routes.include_router(schedule_routes)
