"""Tiers and limits over HTTP."""

from decimal import Decimal
from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.errors import NotFound, Refused
from gateway.policy import limits
from gateway.policy.shapes import Kind, LimitsShape, TierLimitShape, WindowShape, dollars
from gateway.policy.store import TierLimit
from gateway.web.auth import Principal, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Body, Moment, Text, example

AMOUNT_MAX = Decimal(10) ** 12

routes = router("/v1", "policy")
Reader = Annotated[Principal, Depends(require("accounts:read"))]
Operator = Annotated[Principal, Depends(require("operations:read"))]
Writer = Annotated[Principal, Depends(require("operations:write"))]
Tier = Annotated[int, Field(ge=0, le=3)]


class TierBody(Body):
    """How well an account is known from now on, and on what evidence."""

    model_config = example(tier=1, evidence="name and address checked")

    tier: Tier
    evidence: Annotated[Text, Field(min_length=1, max_length=500)]


class LimitBody(Body):
    """What a tier allows: US dollars a day or month, withdrawals a day, or without approval."""

    model_config = example(tier=1, kind="day", amount="1000")

    tier: Tier
    kind: Kind
    amount: Annotated[str, Field(max_length=16, pattern=r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$")]
    valid_from: Annotated[Moment | None, Field(strict=False)] = None


@routes.get("/accounts/{account}/limits")
def account_limits(account: Text, session: Tx, principal: Reader) -> LimitsShape:
    """Tell what an account may take out now, and when it may take out more."""
    owner = accounts.get(session, account)
    if not principal.sees(owner.id):
        raise NotFound("no such account")
    return shape(session, owner.id)


@routes.post("/accounts/{account}/tier")
def set_tier(account: Text, body: TierBody, session: Tx, principal: Writer) -> LimitsShape:
    """Say how well an account is known; what it may take out follows from that at once."""
    owner = accounts.get(session, account)
    limits.set_tier(
        session,
        account_id=owner.id,
        tier=body.tier,
        evidence=body.evidence,
        by=principal.key_id,
    )
    return shape(session, owner.id)


@routes.get("/limits")
def list_limits(
    session: Tx, _: Operator, where: ListCursor, kind: Annotated[Kind | None, Query()] = None
) -> Page[TierLimitShape]:
    """List what tiers allowed and allow, newest first."""
    rows, more = page(session, TierLimit, where, kind=kind)
    return Page(data=[TierLimitShape.of(row) for row in rows], has_more=more)


@routes.post("/limits", status_code=201)
def set_limit(body: LimitBody, session: Tx, principal: Writer) -> TierLimitShape:
    """Say what a tier allows, from now or a later moment on."""
    amount = Decimal(body.amount)
    if amount > AMOUNT_MAX:
        raise Refused("a limit is at most a trillion", code="invalid_amount", field="amount")
    row = limits.set_limit(
        session,
        tier=body.tier,
        kind=body.kind,
        amount=amount,
        by=principal.key_id,
        valid_from=body.valid_from,
    )
    session.refresh(row)
    return TierLimitShape.of(row)


def shape(session: Session, account_id: str) -> LimitsShape:
    """Return an account's limits as the API shows them."""
    tier = limits.tier_of(session, account_id)
    windows = []
    for window in limits.WINDOWS:
        limit = limits.limit_of(session, tier, window)
        left, frees_at = limits.room(session, account_id, window)
        if limit is not None and left is not None:
            windows.append(
                WindowShape.model_validate(
                    {
                        "window": window,
                        "limit": dollars(limit),
                        "left": dollars(left),
                        "frees_at": frees_at,
                    }
                )
            )
    count = limits.limit_of(session, tier, "count")
    approval = limits.limit_of(session, tier, "approval")
    return LimitsShape(
        account=account_id,
        tier=tier,
        windows=windows,
        withdrawals_a_day=None if count is None else int(count),
        approval_above=None if approval is None else dollars(approval),
    )
