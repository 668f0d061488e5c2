"""Hot and cold funds over HTTP; operators only."""

from typing import Annotated

from fastapi import Depends

from gateway.chain.address import show_address
from gateway.chain.port import tohex
from gateway.treasury import service
from gateway.treasury.service import Holding
from gateway.treasury.shapes import ProposalShape, TreasuryList, TreasuryShape
from gateway.web.auth import Principal, require
from gateway.web.problems import router
from gateway.web.requests import Tx

routes = router("/v1/treasury", "operations")
Reader = Annotated[Principal, Depends(require("operations:read"))]


@routes.get("")
def treasury(session: Tx, _: Reader) -> TreasuryList:
    """Show what is hot, what is cold, what waits, and what the cold side should sign."""
    return TreasuryList(data=[shape(found) for found in service.look(session)])


def shape(found: Holding) -> TreasuryShape:
    """Return a holding as the API shows it."""
    position, show = found.position, found.shown
    return TreasuryShape(
        chain=found.chain.id,
        asset=found.asset.code,
        hot=show(position.hot),
        on_chain=None if found.on_chain is None else show(found.on_chain),
        leaving=show(position.leaving),
        waiting=show(position.waiting),
        coming=show(position.coming),
        unswept=show(found.unswept),
        treasury=show(position.treasury),
        gas_tank=None if found.gas_tank is None else show(found.gas_tank),
        target=show(position.target),
        min=show(position.least),
        max=None if position.most is None else show(position.most),
        proposal=proposed(found),
    )


def proposed(found: Holding) -> ProposalShape | None:
    """Return what should be signed now, None if nothing."""
    wanted = found.proposal
    if wanted is None:
        return None
    order = service.order(found, wanted)
    return ProposalShape(
        direction=wanted.direction,
        amount=found.shown(wanted.units),
        to=show_address(order.to),
        value=str(order.value),
        calldata=tohex(order.calldata),
    )
