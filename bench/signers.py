"""More keys that pay out of development's vault, given to an installation before it starts."""

from pathlib import Path

from eth_account import Account

from gateway import db
from gateway.chain import deploy
from gateway.chain.calls import call_of
from gateway.chain.evm import node
from gateway.chain.store import Chain
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.local import development
from gateway.local.stack import Stack
from gateway.money import Asset, Money
from gateway.operators.keystore import seal
from gateway.sending.service import register_signer


def add_payout_signers(stack: Stack, chain_id: str, count: int) -> None:
    """Let `count` new keys pay; the process's settings are the installation's, prepared already."""
    evm = node(chain_id)
    cast = development.cast_of(stack.home, evm)
    fresh = [Account.create() for _ in range(count)]
    with db.transaction() as session:
        vault = session.get_one(Chain, chain_id).payout_vault
    with development.mining_at_once(evm):
        hand = deploy.Hand(evm, cast.owner)
        for one in fresh:
            development.order(evm, "anvil_setBalance", one.address, hex(development.GAS_FUNDS))
            place = development.address_of(one)
            hand.send(vault, call_of("PayoutVault", "setOperator", place, True))
    secrets = stack.secrets()
    for one in fresh:
        seal(one, Path(secrets["MIZAN_KEYSTORE"]), secrets["MIZAN_KEYSTORE_PASSWORD"])
        register(chain_id, development.address_of(one))


def register(chain_id: str, place: bytes) -> None:
    """Write a signer's row, and its gas as the house's capital."""
    with db.transaction() as session:
        chain = session.get_one(Chain, chain_id)
        register_signer(session, chain=chain_id, address=place, role="payout", next_nonce=0)
        coin = Asset("ETH", 18)
        ledger.post(
            session,
            key=f"capital:{chain_id}:{place.hex()}",
            debit=ledger.house(session, Chart.GAS_TANK, coin, chain_id),
            credit=ledger.house(session, Chart.CAPITAL, coin),
            money=Money(development.GAS_FUNDS, coin),
            movement=Movement.CAPITAL,
            ref=f"float:{chain_id}",
            evidence=ledger.Evidence(chain_id, chain.start_block - 1),
        )
