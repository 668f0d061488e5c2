"""Address books over HTTP."""

from typing import Annotated

from fastapi import Depends
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.book import service
from gateway.book.shapes import ChallengeShape, EntryShape, RuleShape
from gateway.book.store import BookEntry
from gateway.chain.address import parse_address
from gateway.chain.evm import node
from gateway.errors import NotFound
from gateway.web.auth import Principal, require
from gateway.web.pages import ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Address, Body, Name, Text, example
from gateway.withdrawals import service as withdrawals

routes = router("/v1/accounts/{account}/address_book", "accounts")
Reader = Annotated[Principal, Depends(require("withdrawals:read"))]
Writer = Annotated[Principal, Depends(require("withdrawals:write"))]
Signature = Annotated[str, Field(pattern=r"^0x([0-9a-fA-F]{2}){65,4096}$", max_length=8194)]


class EntryBody(Body):
    """An address money may go to."""

    model_config = example(
        chain="eip155:31337",
        address="0x000000000000000000000000000000000000beef",
        label="my wallet",
    )

    chain: Text
    address: Address
    label: Name


class ProofBody(Body):
    """The signature of a challenge's message."""

    nonce: Annotated[Text, Field(min_length=1, max_length=64)]
    signature: Signature


class RuleBody(Body):
    """Whether money goes to the book only."""

    model_config = example(required=True)

    required: bool


@routes.get("")
def list_entries(
    account: Text, session: Tx, principal: Reader, where: ListCursor
) -> Page[EntryShape]:
    """List the addresses of an account, newest first; removed ones stay on record."""
    owner = owner_of(session, principal, account)
    rows, more = page(session, BookEntry, where, account_id=owner)
    return Page(data=[EntryShape.of(row) for row in rows], has_more=more)


@routes.post("", status_code=201)
def add(account: Text, body: EntryBody, session: Tx, principal: Writer) -> EntryShape:
    """Add an address; it may be used after the activation delay."""
    place = parse_address(body.address)
    withdrawals.refuse_ours(session, place)
    entry = service.add(
        session,
        account_id=owner_of(session, principal, account),
        chain=body.chain,
        address=place,
        label=body.label,
        by=principal.key_id,
    )
    return EntryShape.of(entry)


@routes.post("/rule")
def set_rule(account: Text, body: RuleBody, session: Tx, principal: Writer) -> RuleShape:
    """Let money go to the book only, at once; or anywhere, after the activation delay."""
    owner = owner_of(session, principal, account)
    rule = service.require(session, account_id=owner, required=body.required, by=principal.key_id)
    return RuleShape(account=owner, required=rule.required, optional_from=rule.optional_from)


@routes.delete("/{entry}")
def remove(account: Text, entry: Text, session: Tx, principal: Writer) -> EntryShape:
    """Take an address out of the book, at once."""
    found = service.get(session, owner_of(session, principal, account), entry)
    return EntryShape.of(service.remove(session, found, by=principal.key_id))


@routes.post("/{entry}/challenge", status_code=201)
def challenge(account: Text, entry: Text, session: Tx, principal: Writer) -> ChallengeShape:
    """Ask for a message whose signature proves that the address is the account's."""
    found = service.get(session, owner_of(session, principal, account), entry)
    asked = service.challenge(session, found)
    return ChallengeShape(nonce=asked.nonce, message=asked.message, expires_at=asked.expires_at)


@routes.post("/{entry}/prove")
def prove(
    account: Text, entry: Text, body: ProofBody, session: Tx, principal: Writer
) -> EntryShape:
    """Prove the address by its signature, which shortens its cooling-off."""
    found = service.get(session, owner_of(session, principal, account), entry)
    signature = bytes.fromhex(body.signature[2:])
    asked = node(found.chain)
    return EntryShape.of(
        service.prove(session, found, asked, nonce=body.nonce, signature=signature)
    )


def owner_of(session: Session, principal: Principal, account: str) -> str:
    """Return the account's id if it exists for this key; raises NotFound."""
    owner = accounts.get(session, account).id
    if not principal.sees(owner):
        raise NotFound("no such account")
    return owner
