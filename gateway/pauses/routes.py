"""Switches over HTTP; operators only."""

from typing import Annotated, Literal, Self

from fastapi import Depends
from pydantic import Field, model_validator

from gateway.pauses import service
from gateway.pauses.shapes import PauseShape
from gateway.pauses.store import Pause
from gateway.web.auth import Principal, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Body, Text, example

routes = router("/v1/pauses", "policy")
Reader = Annotated[Principal, Depends(require("operations:read"))]
Writer = Annotated[Principal, Depends(require("operations:write"))]


class PauseBody(Body):
    """What to stop: everything that leaves, a chain, an asset, or one side of an account."""

    model_config = example(scope="asset", subject="USDC", reason="the issuer paused the token")

    scope: Literal["all", "chain", "asset", "account"]
    subject: Annotated[Text, Field(max_length=80)] = ""
    side: Literal["debit", "credit"] | None = None
    reason: Annotated[Text, Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def names_its_subject(self) -> Self:
        """Refuse a switch that does not say what it stops."""
        if (self.scope == "all") != (self.subject == ""):
            raise ValueError("every scope but all names its subject")
        if (self.scope == "account") != (self.side is not None):
            raise ValueError("an account, and nothing else, has a side: debit or credit")
        return self


@routes.get("")
def list_pauses(
    session: Tx, _: Reader, where: ListCursor, active: bool | None = None
) -> Page[PauseShape]:
    """List switches, newest first."""
    conditions = []
    if active is not None:
        conditions = [Pause.lifted_at.is_(None) if active else Pause.lifted_at.is_not(None)]
    rows, more = page(session, Pause, where, *conditions)
    return Page(data=[PauseShape.of(row) for row in rows], has_more=more)


@routes.post("", status_code=201)
def place(body: PauseBody, session: Tx, principal: Writer) -> PauseShape:
    """Stop at once what the switch names. What was asked for waits and says so."""
    row = service.place(
        session,
        scope=body.scope,
        subject=body.subject,
        side=body.side,
        reason=body.reason,
        by=principal.key_id,
    )
    return PauseShape.of(row)


@routes.post("/{pause}/lift")
def lift(pause: Text, session: Tx, principal: Writer) -> PauseShape:
    """Let it move again; what stops everything is lifted by another operator than placed it."""
    return PauseShape.of(service.lift(session, pause, by=principal.key_id))
