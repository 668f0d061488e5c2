"""Sweeps: final deposits go to the payout vault up to its target, the rest to the treasury.

A vault is emptied when that is worth its gas, when it waited for long, or when its coins are
needed; never while a deposit in it may still vanish, because a sweep takes all its coins along.
"""

import structlog
from sqlalchemy import text

from gateway import db
from gateway.chain import evm
from gateway.chain import store as chains
from gateway.chain.address import show_address
from gateway.chain.port import Node, NodeAway
from gateway.chain.store import Chain
from gateway.ledger import service as ledger
from gateway.sending import service as sending
from gateway.sending import sweeps, tank
from gateway.withdrawals.quotes import native_asset
from workers.app import worker_task
from workers.follow import Kind, alarm, follow
from workers.sweep_end import call_off, end
from workers.sweep_plan import plan

REFUSED = text(
    "select id, refusal from intent where chain = :chain and kind = 'sweep' and status = 'refused'"
)

log = structlog.get_logger()


@worker_task()
def sweep(chain_id: str) -> None:
    """Do whatever sweeps of the chain need now."""
    tick(chain_id, evm.node(chain_id))


def tick(chain_id: str, node: Node) -> None:
    """Do one round: see what is there for gas, follow what is signed, then plan for each asset."""
    tell(chain_id)
    with db.transaction() as session:
        place = chains.chain(session, chain_id)
        listed = chains.chain_assets(session, chain_id)
    try:
        watch_gas(place, node)
        follow(place, node, Kind("sweep", lambda *_: None, end, call_off))
        for asset in listed:
            plan(place, asset, node)
    except NodeAway as error:
        log.warning("node.away", chain=chain_id, error=error.detail)


def tell(chain_id: str) -> None:
    """Tell what the signer refused, and take back plans it never came to."""
    with db.transaction() as session:
        refused = session.execute(REFUSED, {"chain": chain_id}).all()
        stale = sending.stale(session, chain_id, "sweep")
    for row in refused:
        alarm("signer_refused", row.id, f"the signer refused a sweep: {row.refusal}")
    for intent_id in stale:
        with db.transaction() as session:
            if sending.take_back(session, intent_id):
                sweeps.close_items(session, intent_id, tried=False)


def watch_gas(place: Chain, node: Node) -> None:
    """Call for gas before a signer of the chain, of whatever role, has none. Raises NodeAway."""
    with db.transaction() as session:
        coin = native_asset(session, place.id)
        asset = ledger.asset(session, coin.asset)
        known = tank.sizes(session, place.id)
    for found in tank.ask(node, place, known):
        with db.transaction() as session:
            tank.keep(session, found)
        if not found.missing:
            continue
        has, lacks = (coin.to_ledger(wei, asset) for wei in (found.balance, found.missing))
        address = show_address(found.signer.address)
        alarm(
            "gas_low",
            f"{place.id} {address}",
            f"the {found.signer.role} signer has {has} {asset.code}, enough for"
            f" {found.transactions} transactions at today's price: send {lacks} {asset.code}"
            f" to {address}",
        )
