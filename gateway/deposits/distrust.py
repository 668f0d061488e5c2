"""Tokens that do not do what was assumed when they were listed: what is paid in them is set aside.

Whoever notices begins to doubt and calls an operator; listing the token again trusts it again.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import store as chains
from gateway.chain.address import show_address
from gateway.chain.decimals import token_decimals
from gateway.chain.port import Node
from gateway.errors import Refused
from gateway.webhooks import alarms

AMOUNT_DIFFERS, DECIMALS_CHANGED = "amount_differs", "decimals_changed"

DISTRUST = text("""
    update chain_asset set distrusted_since = coalesce(distrusted_since, now())
    where chain = :chain and contract = :contract returning asset
""")


def distrust(session: Session, chain: str, contract: bytes, why: str, detail: str) -> None:
    """Have what is paid in a listed token set aside from now on; `why` is the alarm's kind."""
    asset = session.execute(DISTRUST, {"chain": chain, "contract": contract}).scalar_one()
    where = f"{asset}={show_address(contract)}"
    alarms.raise_alarm(
        session,
        kind=why,
        subject=f"{chain} {asset}",
        detail=(
            f"{detail}. What is paid in {asset} is set aside, until you trust it again:"
            f" mizan chain asset {chain} {where}"
        ),
    )


def read_decimals_again(chain: str, node: Node) -> int:
    """Ask each listed token of a chain for its decimals; returns how many tell others by now.

    Raises NodeAway, NodeError.
    """
    with db.transaction() as session:
        listed = [
            (one.contract, one.decimals)
            for one in chains.chain_assets(session, chain)
            if one.contract is not None
        ]
    changed = 0
    for contract, decimals in listed:
        told = told_decimals(node, contract)
        if told != f"{decimals} decimals":
            changed += 1
            with db.transaction() as session:
                detail = f"the token tells {told}, listed with {decimals}"
                distrust(session, chain, contract, DECIMALS_CHANGED, detail)
    return changed


def told_decimals(node: Node, contract: bytes) -> str:
    """Say what a token tells of its decimals now."""
    try:
        return f"{token_decimals(node, contract)} decimals"
    except Refused as error:
        return f"none ({error.detail})"
