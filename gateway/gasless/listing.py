"""Which tokens take a signature: asked of the token itself, written by the owner of the tables."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from gateway.chain import eip3009
from gateway.chain import store as chains
from gateway.chain.eip3009 import Domain
from gateway.chain.port import Node
from gateway.errors import Refused
from gateway.gasless.store import GaslessToken


@dataclass(frozen=True, slots=True)
class Terms:
    """What is sent for a payer: at least `minimum` ledger units, worth so many times its gas."""

    minimum: int | None = None
    worth_gas: Decimal | None = None


def ask_domain(session: Session, node: Node, chain_id: str, asset: str) -> Domain:
    """Return the domain a token signs under.

    Raises Refused where it has no transfers by signature, NodeAway, UnknownChain, UnknownAsset.
    """
    place = chains.chain(session, chain_id)
    listed = chains.chain_asset(session, chain_id, asset)
    found = None
    if listed.contract is not None:
        found = eip3009.domain_of(node, listed.contract, place.chain_id)
    if found is None:
        raise Refused(f"{asset} on {chain_id} takes no signatures (EIP-3009)", field="asset")
    return found


def allow(session: Session, domain: Domain, asset: str, terms: Terms) -> GaslessToken:
    """Take signatures for a token from now on; what `terms` leave open stays as it was."""
    chain_id = f"eip155:{domain.chain_id}"
    row = session.get(GaslessToken, (chain_id, asset))
    if row is None:
        row = GaslessToken(chain=chain_id, asset=asset)
        session.add(row)
    row.name, row.version, row.active = domain.name, domain.version, True
    if terms.minimum is not None:
        row.minimum = Decimal(terms.minimum)
    if terms.worth_gas is not None:
        row.worth_gas = terms.worth_gas
    session.flush()
    session.refresh(row)
    return row


def stop(session: Session, chain_id: str, asset: str) -> None:
    """Take no more signatures for a token. Raises Refused if it takes none."""
    row = session.get(GaslessToken, (chain_id, asset))
    if row is None:
        raise Refused(f"{asset} on {chain_id} takes no signatures", field="asset")
    row.active = False
    session.flush()
