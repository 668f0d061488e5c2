"""Write a chain and its assets into the tables; doing it again adds what is missing."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.chain.deploy import Deployed
from gateway.chain.store import Chain, ChainAsset
from gateway.errors import Conflict, Refused

ENSURE_ASSET = text(
    "insert into ledger.asset (code, name, decimals) values (:code, :name, :decimals)"
    " on conflict (code) do nothing"
)


@dataclass(frozen=True, slots=True)
class NewAsset:
    """An asset on the chain: `decimals` there, amounts in base units of the ledger.

    `ledger_decimals` counts when the ledger meets the asset for the first time: the greatest
    precision the asset has on any chain that will ever be added. None means this chain's.
    """

    code: str
    name: str
    contract: bytes | None
    decimals: int
    ledger_decimals: int | None = None
    minimum_deposit: int = 1
    hot_target: int = 0


def add_chain(
    session: Session,
    *,
    chain_id: int,
    name: str,
    confirmations: int,
    block_seconds: Decimal,
    deployed: Deployed,
    start_block: int | None = None,
    explorer_url: str | None = None,
    assets: list[NewAsset],
) -> Chain:
    """Add a chain; an existing one keeps its row and gets the assets it lacks.

    `start_block` None begins after the deployment. Raises Conflict when the chain is here with
    other contracts: addresses already given out depend on them.
    """
    chain = session.get(Chain, f"eip155:{chain_id}")
    if chain is None:
        chain = Chain(
            id=f"eip155:{chain_id}",
            chain_id=chain_id,
            name=name,
            confirmations=confirmations,
            block_seconds=block_seconds,
            start_block=deployed.block_number if start_block is None else start_block,
            vault_factory=deployed.vault_factory,
            payout_vault=deployed.payout_vault,
            treasury=deployed.treasury,
            payout_approver=deployed.payout_approver,
            explorer_url=explorer_url,
        )
        session.add(chain)
        session.flush()
    check_contracts(chain, deployed)
    chain.payout_approver = deployed.payout_approver
    for asset in assets:
        add_asset(session, chain.id, asset)
    return chain


def check_contracts(chain: Chain, deployed: Deployed) -> None:
    """Raise Conflict unless the chain is here with these contracts."""
    ours = (chain.vault_factory, chain.payout_vault)
    if ours != (deployed.vault_factory, deployed.payout_vault):
        raise Conflict(f"{chain.id} is here with other contracts", code="chain_differs")


def add_asset(session: Session, chain: str, new: NewAsset) -> ChainAsset:
    """List an asset on a chain. Raises Refused when the ledger is less precise than the chain."""
    wanted = new.decimals if new.ledger_decimals is None else new.ledger_decimals
    session.execute(ENSURE_ASSET, {"code": new.code, "name": new.name, "decimals": wanted})
    decimals = session.execute(
        text("select decimals from ledger.asset where code = :code"), {"code": new.code}
    ).scalar_one()
    if decimals < new.decimals:
        raise Refused(
            f"the ledger keeps {new.code} with {decimals} decimals, {chain} has {new.decimals}:"
            " part of a deposit could not be booked"
        )
    listed = session.get(ChainAsset, (chain, new.code))
    if listed is None:
        refuse_twice(session, chain, new)
        listed = ChainAsset(
            chain=chain,
            asset=new.code,
            contract=new.contract,
            decimals=new.decimals,
            minimum_deposit=Decimal(new.minimum_deposit),
            hot_target=Decimal(new.hot_target),
        )
        session.add(listed)
        session.flush()
    elif (listed.contract, listed.decimals) != (new.contract, new.decimals):
        raise Conflict(f"{new.code} is on {chain} with another contract", code="asset_differs")
    return listed


def refuse_twice(session: Session, chain: str, new: NewAsset) -> None:
    """Raise Conflict when the contract is listed under another code: one coin, one balance."""
    query = select(ChainAsset.asset).where(
        ChainAsset.chain == chain, ChainAsset.contract.is_not_distinct_from(new.contract)
    )
    known = session.scalar(query)
    if known is not None:
        raise Conflict(f"it is on {chain} as {known}", code="asset_differs")
