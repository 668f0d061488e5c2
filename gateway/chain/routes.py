"""Which chains and assets there are, over HTTP."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from gateway.chain import store
from gateway.chain.address import show_address
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.web.auth import Principal, authenticate
from gateway.web.problems import router
from gateway.web.requests import Tx

routes = router("/v1", "chains")
AnyKey = Annotated[Principal, Depends(authenticate)]


class AssetOnChain(BaseModel):
    """An asset as a chain has it."""

    chain: str
    contract: Annotated[str | None, Field(description="null: the chain's own coin")]
    decimals: int
    minimum_deposit: str


class AssetShape(BaseModel):
    """An asset; `decimals` is the precision of its amounts here."""

    asset: str
    decimals: int
    chains: list[AssetOnChain]


class Assets(BaseModel):
    """Every asset."""

    data: list[AssetShape]


class ChainShape(BaseModel):
    """A chain; `confirmations` counts for withdrawals, and deposits without a rule of their own.

    Larger deposits may have to wait for more, or for the network to call their block safe or
    final: each says so in its `finality`.
    """

    chain: str
    name: str
    confirmations: int
    block_seconds: float
    explorer_url: str | None


class Chains(BaseModel):
    """Every chain."""

    data: list[ChainShape]


@routes.get("/assets")
def list_assets(session: Tx, _: AnyKey) -> Assets:
    """List the assets and the chains they are on."""
    found: dict[str, AssetShape] = {}
    for asset in ledger.assets(session):
        found[asset.code] = AssetShape(asset=asset.code, decimals=asset.decimals, chains=[])
        for chain in store.chains(session):
            for listed in store.chain_assets(session, chain.id):
                if listed.asset == asset.code:
                    found[asset.code].chains.append(
                        AssetOnChain(
                            chain=chain.id,
                            contract=show_address(listed.contract) if listed.contract else None,
                            decimals=listed.decimals,
                            minimum_deposit=str(Money(int(listed.minimum_deposit), asset)),
                        )
                    )
    return Assets(data=list(found.values()))


@routes.get("/chains")
def list_chains(session: Tx, _: AnyKey) -> Chains:
    """List the chains money moves on."""
    return Chains(
        data=[
            ChainShape(
                chain=chain.id,
                name=chain.name,
                confirmations=chain.confirmations,
                block_seconds=float(chain.block_seconds),
                explorer_url=chain.explorer_url,
            )
            for chain in store.chains(session)
        ]
    )
