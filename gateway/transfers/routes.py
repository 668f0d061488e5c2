"""Transfers over HTTP."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field
from sqlalchemy import or_

from gateway.errors import NotFound
from gateway.ledger import service as ledger
from gateway.transfers import service
from gateway.transfers.shapes import TransferShape
from gateway.transfers.store import Transfer
from gateway.web.auth import Principal, owner_listed, owner_named, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Amount, Body, Text, example

routes = router("/v1/transfers", "transfers")


class TransferBody(Body):
    """A new transfer; an account's own key may leave `from` out."""

    model_config = example(
        **{"from": "@falafel-corner", "to": "@amira"}, asset="USDC", amount="1.50", memo="change"
    )

    from_account: Annotated[Text | None, Field(alias="from", max_length=80)] = None
    to: Annotated[Text, Field(max_length=80, description='An account id or "@handle".')]
    asset: Annotated[Text, Field(max_length=20, examples=["USDC"])]
    amount: Amount
    memo: Annotated[Text | None, Field(max_length=280)] = None


@routes.post("", status_code=201)
def send(
    body: TransferBody,
    session: Tx,
    principal: Annotated[Principal, Depends(require("transfers:write", idempotency_key=True))],
) -> TransferShape:
    """Send money to another account, at once."""
    transfer = service.send(
        session,
        from_account=owner_named(session, principal, body.from_account),
        to=body.to,
        asset=body.asset,
        amount=body.amount,
        memo=body.memo,
    )
    return TransferShape.of(transfer, ledger.asset(session, transfer.asset))


@routes.get("")
def list_transfers(
    session: Tx,
    principal: Annotated[Principal, Depends(require("transfers:read"))],
    where: ListCursor,
    account: Annotated[Text | None, Query(max_length=80)] = None,
    asset: Annotated[Text | None, Query(max_length=20)] = None,
) -> Page[TransferShape]:
    """List transfers that touched the account, newest first."""
    owner = owner_listed(session, principal, account)
    touched = [or_(Transfer.from_account == owner, Transfer.to_account == owner)] if owner else []
    rows, more = page(session, Transfer, where, *touched, asset=asset)
    assets = {known.code: known for known in ledger.assets(session)}
    return Page(data=[TransferShape.of(row, assets[row.asset]) for row in rows], has_more=more)


@routes.get("/{transfer}")
def get_transfer(
    transfer: Text,
    session: Tx,
    principal: Annotated[Principal, Depends(require("transfers:read"))],
) -> TransferShape:
    """Return a transfer that the key's account sent or received."""
    found = session.get(Transfer, transfer)
    if found is None or not (
        principal.sees(found.from_account) or principal.sees(found.to_account)
    ):
        raise NotFound("no such transfer")
    return TransferShape.of(found, ledger.asset(session, found.asset))
