"""The inbox over HTTP: operators only."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.chain.address import parse_address
from gateway.deposits.adopt import adopt
from gateway.inbox import decide, refund, service
from gateway.inbox.decide import Doors
from gateway.inbox.shapes import InboxShape, Kind, Status, WholeInboxShape, shapes, whole
from gateway.inbox.store import Item
from gateway.invoices import service as invoices
from gateway.money import Money
from gateway.transfers import service as transfers
from gateway.web.auth import Principal, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Address, Amount, Body, Text, example

REASON_CHARACTERS_MAX = 500

routes = router("/v1/inbox", "inbox")

Reader = Annotated[Principal, Depends(require("inbox:read"))]
Writer = Annotated[Principal, Depends(require("inbox:write"))]
Payer = Annotated[Principal, Depends(require("inbox:write", idempotency_key=True))]
Filter = Annotated[Text | None, Query(max_length=80)]
Reason = Annotated[Text, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


class AssignBody(Body):
    """Whose it is: by default the owner of the address."""

    model_config = example(account="@falafel-corner", reason="paid with the wrong coin")

    account: Annotated[
        Text | None, Field(max_length=80, description='An account id or "@handle".')
    ] = None
    reason: Reason | None = None


class RefundBody(Body):
    """Where it goes back to: by default the sender, if that is a plain account."""

    model_config = example(to_address="0x000000000000000000000000000000000000beef", reason="asked")

    to_address: Address | None = None
    amount: Annotated[Amount | None, Field(description="All of it when left out.")] = None
    reason: Reason | None = None


class AcceptBody(Body):
    """Why it is taken all the same."""

    model_config = example(reason="the customer mixed the tokens up")

    reason: Reason | None = None


class DismissBody(Body):
    """Why nothing is to be done."""

    model_config = example(reason="a worthless token sent to everybody")

    reason: Reason


def transfer(session: Tx, payer: str, payee: str, money: Money, memo: str) -> str:
    """Move money by a transfer; returns its id."""
    made = transfers.send(
        session,
        from_account=payer,
        to=payee,
        asset=money.asset.code,
        amount=str(money),
        memo=memo,
    )
    return made.id


DOORS = Doors(adopt=adopt, transfer=transfer)


@routes.get("")
def list_inbox(
    session: Tx,
    _: Reader,
    where: ListCursor,
    *,
    kind: Kind | None = None,
    status: Status | None = None,
    account: Filter = None,
    chain: Filter = None,
) -> Page[InboxShape]:
    """List what arrived and could not simply be credited, newest first."""
    owner = None if account is None else accounts.get(session, account).id
    rows, more = page(session, Item, where, kind=kind, status=status, account_id=owner, chain=chain)
    return Page(data=shapes(session, rows), has_more=more)


@routes.get("/{item}")
def get_item(item: Text, session: Tx, _: Reader) -> WholeInboxShape:
    """Show an item with its transfers."""
    return whole(session, service.get(session, item))


@routes.post("/{item}/assign")
def assign(item: Text, body: AssignBody, session: Tx, principal: Writer) -> WholeInboxShape:
    """Say whose it is. A stray becomes a deposit that confirms and is credited like any other."""
    named = None if body.account is None else accounts.get(session, body.account).id
    made = decide.assign(
        session,
        item,
        account_id=named,
        by=principal.key_id,
        reason=body.reason,
        doors=DOORS,
    )
    return whole(session, made)


@routes.post("/{item}/refund")
def send_back(item: Text, body: RefundBody, session: Tx, principal: Payer) -> WholeInboxShape:
    """Send it back by a withdrawal of its account, which pays the fee; policy judges it.

    Should the withdrawal not be paid, the item is open again.
    """
    made = refund.refund(
        session,
        item,
        to_address=None if body.to_address is None else parse_address(body.to_address),
        amount=body.amount,
        by=principal.key_id,
        reason=body.reason,
    )
    return whole(session, made)


@routes.post("/{item}/accept")
def accept(item: Text, body: AcceptBody, session: Tx, principal: Writer) -> WholeInboxShape:
    """Take the wrong asset for its invoice: it counts there at the rate of this moment."""

    def settle_invoice(session: Session, invoice: str, deposit: str) -> None:
        invoices.accept(session, invoice, payment=deposit, by=principal.key_id)

    made = decide.accept(
        session, item, by=principal.key_id, reason=body.reason, settle_invoice=settle_invoice
    )
    return whole(session, made)


@routes.post("/{item}/dismiss")
def dismiss(item: Text, body: DismissBody, session: Tx, principal: Writer) -> WholeInboxShape:
    """Say that nothing is to be done, and why; it may still be assigned later."""
    return whole(
        session,
        decide.dismiss(session, item, by=principal.key_id, reason=body.reason),
    )
