"""Holds over HTTP; operators only."""

from typing import Annotated, Literal

from fastapi import Depends
from pydantic import Field

from gateway.decisions import service as decisions
from gateway.holds import service
from gateway.holds.shapes import HoldShape
from gateway.holds.store import HeldCase
from gateway.web.auth import Principal, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Body, Text, example

routes = router("/v1/holds", "policy")
Reader = Annotated[Principal, Depends(require("operations:read"))]
Approver = Annotated[Principal, Depends(require("withdrawals:approve"))]
Status = Literal["open", "approved", "rejected", "expired", "closed"]


class DecisionBody(Body):
    """Why it is decided so."""

    model_config = example(note="called the customer")

    note: Annotated[Text | None, Field(max_length=500)] = None


@routes.get("")
def list_holds(
    session: Tx,
    _: Reader,
    where: ListCursor,
    status: Status | None = None,
    kind: Literal["withdrawal", "deposit"] | None = None,
) -> Page[HoldShape]:
    """List what is and was held, newest first."""
    rows, more = page(session, HeldCase, where, status=status, kind=kind)
    return Page(data=[HoldShape.of(row) for row in rows], has_more=more)


@routes.get("/{hold}")
def get_hold(hold: Text, session: Tx, _: Reader) -> HoldShape:
    """Show a hold."""
    return HoldShape.of(service.get(session, hold))


@routes.post("/{hold}/take")
def take(hold: Text, session: Tx, principal: Approver) -> HoldShape:
    """Say that you look at it."""
    return HoldShape.of(service.take(session, hold, by=principal.key_id))


@routes.post("/{hold}/approve")
def approve(hold: Text, body: DecisionBody, session: Tx, principal: Approver) -> HoldShape:
    """Let it go; not with the key that asked for it."""
    return HoldShape.of(decisions.approve(session, hold, by=principal.key_id, note=body.note))


@routes.post("/{hold}/reject")
def reject(hold: Text, body: DecisionBody, session: Tx, principal: Approver) -> HoldShape:
    """Refuse it; the money of a withdrawal is free again."""
    return HoldShape.of(decisions.reject(session, hold, by=principal.key_id, note=body.note))
