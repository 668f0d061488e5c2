"""Deposit addresses, over HTTP."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from gateway.accounts import service as accounts
from gateway.addresses import service
from gateway.chain.address import show_address
from gateway.errors import NotFound
from gateway.web.auth import Principal, require
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Body, Text

routes = router("/v1/accounts/{account}/addresses", "addresses")
Writer = Annotated[Principal, Depends(require("addresses:write"))]


class AddressBody(Body):
    """On which chain the payer will pay."""

    chain: Annotated[Text, Field(max_length=80, examples=["eip155:31337"])]


class AddressShape(BaseModel):
    """An address to pay to, with any asset of `minimum_deposits`.

    Smaller payments wait until together they reach the minimum, or are fetched with larger ones.
    """

    address: str
    chain: str
    minimum_deposits: dict[str, str]


@routes.post("")
def get_address(account: Text, body: AddressBody, session: Tx, principal: Writer) -> AddressShape:
    """Tell the account's address on a chain; asking again gives the same one."""
    owner = accounts.get(session, account)
    if not principal.sees(owner.id):
        raise NotFound("no such account")
    address = service.allocate(session, account_id=owner.id, chain=body.chain)
    minimums = service.minimum_deposits(session, address.chain)
    return AddressShape(
        address=show_address(address.address),
        chain=address.chain,
        minimum_deposits={code: str(money) for code, money in minimums.items()},
    )
