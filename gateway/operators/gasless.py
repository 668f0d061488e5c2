"""Let payers pay by a signature, the house paying the gas: which tokens, for how much, by whom."""

import typer

from gateway import db
from gateway.chain.address import show_address
from gateway.chain.evm import node
from gateway.chain.store import chain as chain_of
from gateway.errors import GatewayError
from gateway.gasless import listing
from gateway.gasless.listing import Terms
from gateway.gasless.service import ROLE
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.operators.chains import signer_address
from gateway.operators.sweeps import times
from gateway.sending.service import register_signer


def allow(
    chain_id: str,
    asset: str,
    *,
    minimum: str | None,
    worth_gas: str | None,
    relay_signer: str | None,
    stop: bool,
) -> str:
    """Write it down and say what is true then. Raises BadParameter, having written nothing."""
    try:
        if stop:
            with db.transaction() as session:
                listing.stop(session, chain_id, asset)
            return f"{asset} on {chain_id} takes no signatures any more"
        return allowed(chain_id, asset, minimum, worth_gas, relay_signer)
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal


def allowed(
    chain_id: str, asset: str, minimum: str | None, worth_gas: str | None, relay: str | None
) -> str:
    """Ask the token, register the relay, write the terms."""
    evm = node(chain_id)
    with db.transaction() as session:
        domain = listing.ask_domain(session, evm, chain_id, asset)
        money = ledger.asset(session, asset)
    address = signer_address(relay, chain_id, ROLE)
    terms = Terms(
        minimum=None if minimum is None else Money.parse(minimum, money).units,
        worth_gas=None if worth_gas is None else times(worth_gas),
    )
    with db.transaction() as session:
        place = chain_of(session, chain_id)
        register_signer(
            session, chain=place.id, address=address, role=ROLE, next_nonce=evm.nonce(address)
        )
        row = listing.allow(session, domain, asset, terms)
        return (
            f"{asset} on {place.id} takes signatures as {row.name!r} version {row.version!r}\n"
            f"from {Money(int(row.minimum), money)} on, worth"
            f" {row.worth_gas.normalize():f} times the gas\n"
            f"relay signer  {show_address(address)}  (send it gas, and nothing else)"
        )
