"""Is it the token that pays nobody now, or only this recipient? Asked before money is sent in vain.

A paused token, or one whose issuer blocked our vault, would fail every payment of a batch: gas
spent, all money given back, and the same again with the next batch. Such a token's withdrawals
wait instead. One recipient's refusal is no reason to: that payment fails alone, on chain.
"""

from gateway import db
from gateway.chain.artifacts import call_data
from gateway.chain.port import Node, NodeError
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.webhooks.alarms import raise_alarm
from gateway.withdrawals.store import Withdrawal

STOPPED = "token_stopped"
TRANSFER = "transfer(address,uint256)"
WORD = 32


def is_stopped(node: Node, chain: Chain, listed: ChainAsset, row: Withdrawal) -> bool:
    """True if the vault can pay the token neither to this recipient nor to itself; an operator is
    called then. Raises NodeAway.
    """
    token, vault = listed.contract, chain.payout_vault
    if token is None:
        return False
    with db.transaction() as session:
        units = listed.to_chain(Money(int(row.amount), ledger.asset(session, row.asset)))
    if any(moves(node, token, vault, to, units) for to in (row.to_address, vault)):
        return False
    with db.transaction() as session:
        raise_alarm(
            session,
            kind=STOPPED,
            subject=f"{chain.id} {listed.asset}",
            detail="the token pays nobody from our vault: paused, or the vault is blocked",
        )
    return True


def moves(node: Node, token: bytes, sender: bytes, to: bytes, units: int) -> bool:
    """True if a transfer would succeed now, as the vault reads a token's answer."""
    try:
        answer = node.call(token, call_data(TRANSFER, to, units), sender=sender)
    except NodeError:
        return False
    return not answer or int.from_bytes(answer[:WORD], "big") == 1
