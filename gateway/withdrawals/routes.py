"""Withdrawals over HTTP."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel

from gateway.chain.address import parse_address
from gateway.errors import NotFound
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.refunds import service as refunds
from gateway.web.auth import Principal, owner_listed, owner_named, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Address, Amount, Body, Text, example
from gateway.withdrawals import service
from gateway.withdrawals.shapes import Status, WithdrawalShape
from gateway.withdrawals.store import Withdrawal

routes = router("/v1/withdrawals", "withdrawals")

Reader = Annotated[Principal, Depends(require("withdrawals:read"))]
Writer = Annotated[Principal, Depends(require("withdrawals:write"))]
Payer = Annotated[Principal, Depends(require("withdrawals:write", idempotency_key=True))]
Approver = Annotated[Principal, Depends(require("withdrawals:approve"))]
Code = Annotated[Text, Query(max_length=80)]


class WithdrawalBody(Body):
    """A new withdrawal: the recipient receives `amount`, the account pays the fee on top."""

    model_config = example(
        account="@falafel-corner",
        asset="USDC",
        chain="eip155:31337",
        to_address="0x000000000000000000000000000000000000beef",
        amount="1.50",
    )

    account: Text | None = None
    asset: Text
    chain: Text
    to_address: Address
    amount: Amount


class QuoteBody(Body):
    """What a withdrawal would be."""

    model_config = example(asset="USDC", chain="eip155:31337", amount="25")

    asset: Text
    chain: Text
    amount: Amount | None = None


class QuoteShape(BaseModel):
    """What a withdrawal costs now, and how long it usually takes."""

    asset: str
    chain: str
    fee: str
    total: str | None
    estimated_seconds: int


def visible(session: Tx, principal: Principal, withdrawal_id: str) -> Withdrawal:
    """Return the withdrawal if it exists for this key; raises NotFound."""
    row = service.get(session, withdrawal_id)
    if not principal.sees(row.account_id):
        raise NotFound("no such withdrawal")
    return row


def told(session: Tx, row: Withdrawal) -> WithdrawalShape:
    """Show a withdrawal that ended; its refund ends with it."""
    if row.refund_id is not None:
        refunds.refund_ended(
            session, refund_id=row.refund_id, withdrawal_id=row.id, status=row.status
        )
    return service.shape(session, row)


@routes.post("", status_code=201)
def ask(body: WithdrawalBody, session: Tx, principal: Payer) -> WithdrawalShape:
    """Ask for a withdrawal. Amount and fee are reserved; it is sent, or held for a person."""
    row = service.request(
        session,
        account_id=owner_named(session, principal, body.account),
        asset=body.asset,
        chain=body.chain,
        to_address=parse_address(body.to_address),
        amount=Money.parse(body.amount, ledger.asset(session, body.asset)),
        requested_by=principal.key_id,
    )
    return service.shape(session, row)


@routes.post("/quote")
def quote(body: QuoteBody, session: Tx, _: Writer) -> QuoteShape:
    """Tell the fee and the time of a withdrawal before it is asked for."""
    found = service.fee_quote(session, asset=body.asset, chain=body.chain)
    total = None
    if body.amount is not None:
        total = str(Money.parse(body.amount, found.fee.asset) + found.fee)
    return QuoteShape(
        asset=body.asset,
        chain=body.chain,
        fee=str(found.fee),
        total=total,
        estimated_seconds=found.seconds,
    )


@routes.get("")
def list_withdrawals(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    account: Code | None = None,
    status: Status | None = None,
    asset: Code | None = None,
    chain: Code | None = None,
) -> Page[WithdrawalShape]:
    """List withdrawals, newest first."""
    owner = owner_listed(session, principal, account)
    rows, more = page(
        session, Withdrawal, where, account_id=owner, status=status, asset=asset, chain=chain
    )
    return Page(data=[service.shape(session, row) for row in rows], has_more=more)


@routes.get("/{withdrawal}")
def get_withdrawal(withdrawal: Text, session: Tx, principal: Reader) -> WithdrawalShape:
    """Show a withdrawal."""
    return service.shape(session, visible(session, principal, withdrawal))


@routes.post("/{withdrawal}/approve")
def approve(withdrawal: Text, session: Tx, principal: Approver) -> WithdrawalShape:
    """Let a held withdrawal go; not with the key that asked for it."""
    visible(session, principal, withdrawal)
    return service.shape(session, service.approve(session, withdrawal, by=principal.key_id))


@routes.post("/{withdrawal}/reject")
def reject(withdrawal: Text, session: Tx, principal: Approver) -> WithdrawalShape:
    """Refuse a held withdrawal; its money is free again."""
    visible(session, principal, withdrawal)
    return told(session, service.reject(session, withdrawal, by=principal.key_id))


@routes.post("/{withdrawal}/cancel")
def cancel(withdrawal: Text, session: Tx, principal: Writer) -> WithdrawalShape:
    """Call off a withdrawal that is not signed yet; its money is free again."""
    visible(session, principal, withdrawal)
    return told(session, service.cancel(session, withdrawal))
