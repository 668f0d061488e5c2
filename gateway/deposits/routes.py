"""Deposits, over HTTP."""

from typing import Annotated

from fastapi import Depends, Query

from gateway.deposits import service
from gateway.deposits.shapes import DepositShape, Status
from gateway.deposits.store import Deposit
from gateway.errors import NotFound
from gateway.web.auth import Principal, owner_listed, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

routes = router("/v1/deposits", "deposits")
Reader = Annotated[Principal, Depends(require("deposits:read"))]
Filter = Annotated[Text | None, Query(max_length=80)]


@routes.get("")
def list_deposits(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    *,
    account: Filter = None,
    status: Status | None = None,
    asset: Filter = None,
    chain: Filter = None,
    invoice: Filter = None,
    tx_hash: Annotated[str | None, Query(pattern=r"^0x[0-9a-fA-F]{64}$")] = None,
) -> Page[DepositShape]:
    """List deposits, newest first; an account's own key sees that account's."""
    conditions = [] if tx_hash is None else [Deposit.tx_hash == bytes.fromhex(tx_hash[2:])]
    rows, more = page(
        session,
        Deposit,
        where,
        *conditions,
        account_id=owner_listed(session, principal, account),
        status=status,
        asset=asset,
        chain=chain,
        invoice_id=invoice,
    )
    return Page(data=service.shapes(session, rows), has_more=more)


@routes.get("/{deposit}")
def get_deposit(deposit: Text, session: Tx, principal: Reader) -> DepositShape:
    """Find a deposit."""
    found = service.get(session, deposit)
    if not principal.sees(found.account_id):
        raise NotFound("no such deposit")
    return service.shapes(session, [found])[0]
