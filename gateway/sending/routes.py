"""What we have sent and how it fares, over HTTP; operators only."""

from typing import Annotated

from fastapi import Depends, Query
from sqlalchemy import select

from gateway.errors import NotFound
from gateway.sending import cancelling
from gateway.sending.shapes import State, TransactionShape
from gateway.sending.store import Intent, Signer, Transaction, attempts
from gateway.web.auth import Principal, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

routes = router("/v1/transactions", "operations")
Reader = Annotated[Principal, Depends(require("operations:read"))]
Writer = Annotated[Principal, Depends(require("operations:write"))]


@routes.get("")
def list_transactions(
    session: Tx,
    _: Reader,
    where: ListCursor,
    state: State | None = None,
    chain: Annotated[Text | None, Query(max_length=80)] = None,
) -> Page[TransactionShape]:
    """List our transactions, newest first."""
    here = select(Signer.id).where(Signer.chain == chain)
    conditions = [] if chain is None else [Transaction.signer_id.in_(here)]
    rows, more = page(session, Transaction, where, *conditions, state=state)
    return Page(data=[shape(session, row) for row in rows], has_more=more)


@routes.get("/{transaction}")
def get_transaction(transaction: Text, session: Tx, _: Reader) -> TransactionShape:
    """Show a transaction with every attempt."""
    return shape(session, named(session, transaction))


@routes.post("/{transaction}/cancel", status_code=202)
def cancel(transaction: Text, session: Tx, principal: Writer) -> TransactionShape:
    """Spend the nonce of an unmined transaction on nothing; what it carried is planned again.

    It may still be mined: whichever of the two comes first.
    """
    row = named(session, transaction)
    cancelling.ask(session, row, by=principal.key_id)
    return shape(session, row)


def named(session: Tx, transaction_id: str) -> Transaction:
    """Return a transaction; raises NotFound."""
    row = session.get(Transaction, transaction_id)
    if row is None:
        raise NotFound("no such transaction")
    return row


def shape(session: Tx, row: Transaction) -> TransactionShape:
    """Return the transaction as the API shows it."""
    intent = session.get_one(Intent, row.intent_id)
    signer = session.get_one(Signer, row.signer_id)
    return TransactionShape.of(row, intent, signer, attempts(session, row.id))
