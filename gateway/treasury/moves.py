"""A refill or a drain that the cold side signed, booked from its own transaction.

The books cannot guess it: what left the payout vault might as well be stolen. So an operator names
the transaction, and what it says is booked: between the payout vault and the treasury, and what the
treasury paid for its gas.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain.artifacts import topic
from gateway.chain.port import Log, Node, Receipt
from gateway.chain.store import Chain, ChainAsset
from gateway.errors import Refused
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.sending.follow import is_final

TRANSFER = topic("Transfer(address,address,uint256)")
WITHDRAWN = topic("Withdrawn(address,address,uint256)")
NATIVE_WORD = bytes(32)


@dataclass(frozen=True, slots=True)
class Move:
    """Chain units of an asset that went into the payout vault, or out of it."""

    listed: ChainAsset
    units: int
    into_vault: bool
    place: str


def book(session: Session, node: Node, chain: Chain, tx_hash: bytes) -> list[str]:
    """Book what a final transaction moved between payout vault and treasury; once.

    Returns a line for each amount. Raises NodeAway, Refused when it is not final or moved nothing.
    """
    receipt = final_receipt(node, chain, tx_hash)
    lines = [
        line
        for move in moves(session, node, chain, receipt)
        if (line := book_move(session, chain, receipt, move))
    ]
    paid = book_gas(session, chain, receipt)
    return lines + ([paid] if paid else [])


def final_receipt(node: Node, chain: Chain, tx_hash: bytes) -> Receipt:
    """Return the receipt of a transaction that succeeded and is final. Raises Refused."""
    receipt = node.receipt(tx_hash)
    if receipt is None or not receipt.succeeded:
        raise Refused("there is no such transaction, or it failed", field="tx")
    if not is_final(node, receipt, head=node.head().number, needed=chain.confirmations):
        raise Refused(f"it is not final: wait for {chain.confirmations} blocks", field="tx")
    return receipt


def moves(session: Session, node: Node, chain: Chain, receipt: Receipt) -> Iterator[Move]:
    """Yield what the transaction moved, as its logs and its own value say. Raises Refused."""
    listed = {one.contract: one for one in chains.chain_assets(session, chain.id)}
    found = [move for log in receipt.logs if (move := move_of(chain, listed, log))]
    sent = node.transaction(receipt.tx_hash)
    ends = None if sent is None else (sent.sender, sent.to)
    if sent is not None and sent.value and ends == (chain.treasury, chain.payout_vault):
        found.append(Move(listed[None], sent.value, True, "value"))
    if not found:
        raise Refused("it moved nothing between the payout vault and the treasury", field="tx")
    yield from found


def move_of(chain: Chain, listed: dict[bytes | None, ChainAsset], log: Log) -> Move | None:
    """Return what one log says moved; None if it says nothing about the two places."""
    vault, treasury = (place.rjust(32, b"\0") for place in (chain.payout_vault, chain.treasury))
    topics, place = log.topics, str(log.log_index)
    if topics[:3] == (WITHDRAWN, NATIVE_WORD, treasury) and log.address == chain.payout_vault:
        return Move(listed[None], int.from_bytes(log.data[:32], "big"), False, place)
    if topics[:1] != (TRANSFER,) or log.address not in listed:
        return None
    if topics[1:] not in ((treasury, vault), (vault, treasury)):
        return None
    units = int.from_bytes(log.data[:32], "big")
    return Move(listed[log.address], units, topics[2] == vault, place) if units else None


def book_move(session: Session, chain: Chain, receipt: Receipt, move: Move) -> str | None:
    """Book one move; None if that was done before."""
    asset = ledger.asset(session, move.listed.asset)
    hot = ledger.house(session, Chart.HOT, asset, chain.id)
    cold = ledger.house(session, Chart.TREASURY, asset, chain.id)
    money = move.listed.to_ledger(move.units, asset)
    done = ledger.post(
        session,
        key=f"custody:{receipt.tx_hash.hex()}:{move.place}",
        debit=hot if move.into_vault else cold,
        credit=cold if move.into_vault else hot,
        money=money,
        movement=Movement.CUSTODY,
        ref=f"custody:{chain.id}",
        evidence=ledger.Evidence(chain.id, receipt.block_number, receipt.tx_hash),
    )
    places = ("treasury", "payout vault") if move.into_vault else ("payout vault", "treasury")
    return f"{money} {asset.code} booked from the {places[0]} to the {places[1]}" if done else None


def book_gas(session: Session, chain: Chain, receipt: Receipt) -> str | None:
    """Book what the treasury paid for the gas; None if it was another's, or booked before."""
    if bytes.fromhex(receipt.from_hex[2:]) != chain.treasury or not receipt.fee:
        return None
    native = next(one for one in chains.chain_assets(session, chain.id) if one.contract is None)
    asset = ledger.asset(session, native.asset)
    money: Money = native.to_ledger(receipt.fee, asset)
    done = ledger.post(
        session,
        key=f"custody:{receipt.tx_hash.hex()}:gas",
        debit=ledger.house(session, Chart.GAS, asset),
        credit=ledger.house(session, Chart.TREASURY, asset, chain.id),
        money=money,
        movement=Movement.GAS,
        ref=f"custody:{chain.id}",
        evidence=ledger.Evidence(chain.id, receipt.block_number, receipt.tx_hash),
    )
    return f"{money} {asset.code} booked as gas the treasury paid" if done else None
