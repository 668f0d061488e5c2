"""Payments by signature over HTTP: what is to be signed, and taking what was.

A node is asked between two transactions, so that nothing waits for it with a connection in hand.
"""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from gateway import db
from gateway.chain import evm
from gateway.chain.address import parse_address
from gateway.chain.eip3009 import Authorization, typed_data
from gateway.errors import Conflict, Refused
from gateway.gasless import sending
from gateway.gasless import service as gasless
from gateway.gasless.sending import Parcel
from gateway.gasless.shapes import AuthorizationShape, SignedBody, TypedData
from gateway.invoices import service as invoices
from gateway.web.problems import router
from gateway.web.shapes import Text

routes = router("", "checkout")


@routes.get("/pay/{invoice}/authorization", include_in_schema=False)
def to_be_signed(
    invoice: Text,
    chain: Annotated[Text, Query(max_length=80)],
    asset: Annotated[Text, Query(max_length=20)],
    payer: Annotated[Text, Query(alias="from", max_length=80)],
) -> TypedData:
    """Return what a payer's wallet is to sign. This keeps nothing."""
    holder = parse_address(payer.lower(), "from")
    with db.snapshot() as session:
        facts = invoices.get(session, invoice)
        way = gasless.way(session, facts, chain, asset)
        wanted = gasless.wanted(way, holder, datetime.now(UTC))
        return TypedData(
            chain=chain,
            asset=asset,
            chain_id=hex(way.domain.chain_id),
            typed_data=typed_data(way.domain, wanted),
        )


@routes.post("/pay/{invoice}/authorization", status_code=202, include_in_schema=False)
def take_signed(invoice: Text, body: SignedBody) -> AuthorizationShape:
    """Take what a payer signed, once for each nonce: it is sent for the payer.

    Refused where the token would refuse it, or it is not worth its gas.
    """
    return take(invoice, body.chain, body.asset, body.signed, body.key)


def take(
    invoice_id: str, chain: str, asset: str | bytes, signed: Authorization, key: bytes
) -> AuthorizationShape:
    """Take it, or tell how it fares that was taken. Raises NotFound, Conflict, Refused,
    DependencyAway.
    """
    try:
        return known(invoice_id, chain, asset, signed) or new(invoice_id, chain, asset, signed, key)
    except (Conflict, Refused):
        # handed in twice at once: what the other one did is what it is refused for
        taken = known(invoice_id, chain, asset, signed)
        if taken is None:
            raise
        return taken


def known(
    invoice_id: str, chain: str, asset: str | bytes | None, signed: Authorization
) -> AuthorizationShape | None:
    """Return how it fares if it was taken; `asset` None is any. Raises NotFound, Conflict."""
    with db.snapshot() as session:
        facts = invoices.get(session, invoice_id)
        row = gasless.handed_in(session, facts, chain, asset, signed)
        return None if row is None else AuthorizationShape.of(row)


def new(
    invoice_id: str, chain: str, asset: str | bytes, signed: Authorization, key: bytes
) -> AuthorizationShape:
    """Check, ask the token, queue. Raises as `take`."""
    with db.snapshot() as session:
        facts = invoices.get(session, invoice_id)
        way = gasless.way(session, facts, chain, asset)
        gasless.check(session, facts, way, signed, key)
    sending.refuse(evm.node(chain), Parcel(way.domain, signed, key), way.relay)
    with db.transaction() as session:
        row = gasless.queue(session, invoice_id, chain, way.option.asset, signed, key)
        return AuthorizationShape.of(row)


def look(authorization_id: str) -> AuthorizationShape:
    """Return how a signed payment fares now."""
    with db.snapshot() as session:
        return AuthorizationShape.of(gasless.get(session, authorization_id))
