"""Development's payments by signature: a relay that pays their gas, a token that takes them."""

from sqlalchemy.orm import Session

from gateway.chain.pool import Pool
from gateway.chain.store import chain as chain_of
from gateway.errors import Refused
from gateway.gasless import listing
from gateway.gasless.service import ROLE
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from gateway.sending.service import register_signer

USDC, COIN = "USDC", Asset("ETH", 18)


def allow_signatures(session: Session, chain_id: str, evm: Pool, relay: bytes, gas: int) -> None:
    """Let payers pay in USDC by a signature, where the token takes one: that of an old run may not.

    The `gas` the relay began with, in wei, is booked as the house's capital; once.
    """
    chain = chain_of(session, chain_id)
    register_signer(session, chain=chain.id, address=relay, role=ROLE, next_nonce=evm.nonce(relay))
    ledger.post(
        session,
        key=f"capital:{chain.id}:{ROLE}",
        debit=ledger.house(session, Chart.GAS_TANK, COIN, chain.id),
        credit=ledger.house(session, Chart.CAPITAL, COIN),
        money=Money(gas, COIN),
        movement=Movement.CAPITAL,
        ref=f"float:{chain.id}",
        evidence=ledger.Evidence(chain.id, chain.start_block - 1),
    )
    try:
        domain = listing.ask_domain(session, evm, chain.id, USDC)
    except Refused:
        return
    listing.allow(session, domain, USDC, listing.Terms())
