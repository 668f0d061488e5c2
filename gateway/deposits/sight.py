"""Find in one block what was paid to us, and check each find against its receipt."""

from dataclasses import dataclass

from gateway.chain.port import Header, Log, Node, NodeAway, Receipt, unhex
from gateway.deposits import rules
from gateway.deposits.native import Driver, Move
from gateway.deposits.watched import Watched

TRANSFER_TOPIC = unhex(rules.TRANSFER)


@dataclass(frozen=True, slots=True)
class Payment:
    """What the chain says was paid to an address of ours; units of the chain.

    (tx_hash, kind, position) is the payment for ever; the log's place in the block is not.
    """

    tx_hash: bytes
    kind: str
    position: str
    sender: bytes
    to: bytes
    contract: bytes | None
    units: int
    log_index: int | None


def payments(node: Node, block: Header, watched: Watched, driver: Driver) -> list[Payment]:
    """Return the payments in a block, each once. Raises NodeAway, NodeError: ask again later."""
    if block.gas_used == 0:
        return []
    logs = node.logs(block.hash, [TRANSFER_TOPIC], watched.contracts) if watched.contracts else []
    moves = driver.moves(node, block) if None in watched.listed else []
    watched.refresh()
    paid_logs = [log for log in logs if is_payment(log, watched)]
    paid_moves = [move for move in moves if watched.pays_us(unhex(move.sender), unhex(move.to))]
    receipts = receipts_of(node, block, paid_logs, paid_moves)
    found = [from_log(log, receipts[log.tx_hash]) for log in paid_logs]
    found += [from_move(move) for move in paid_moves if receipts[unhex(move.tx_hash)].succeeded]
    return list({(one.tx_hash, one.kind, one.position): one for one in found}.values())


def is_payment(log: Log, watched: Watched) -> bool:
    """True for a Transfer of a listed token from outside to one of our addresses."""
    transfer = rules.transfer_of(log.topics_hex, log.data_hex)
    return (
        transfer is not None
        and not log.removed
        and log.address in watched.listed
        and watched.pays_us(transfer.sender, transfer.to)
    )


def receipts_of(
    node: Node, block: Header, logs: list[Log], moves: list[Move]
) -> dict[bytes, Receipt]:
    """Return the receipts of the finds' transactions, all of this block.

    Raises NodeAway when one is missing or of another block: the node is between two states.
    """
    hashes = list(dict.fromkeys([log.tx_hash for log in logs] + [unhex(m.tx_hash) for m in moves]))
    found = {}
    for tx_hash, receipt in zip(hashes, node.receipts(hashes), strict=True):
        if receipt is None or receipt.block_hash != block.hash or receipt.tx_hash != tx_hash:
            raise NodeAway(f"the node's receipts and its block {block.number} do not agree")
        found[tx_hash] = receipt
    return found


def from_log(log: Log, receipt: Receipt) -> Payment:
    """Return the payment of a Transfer event; its position counts its transaction's own logs."""
    own = {one.log_index: (position, one) for position, one in enumerate(receipt.logs)}
    position, told = own.get(log.log_index, (-1, None))
    transfer = rules.transfer_of(log.topics_hex, log.data_hex)
    if told is None or transfer is None or not receipt.succeeded or facts(told) != facts(log):
        raise NodeAway(f"the node's receipt tells another log {log.log_index} than its block")
    return Payment(
        tx_hash=log.tx_hash,
        kind="erc20",
        position=str(position),
        sender=transfer.sender,
        to=transfer.to,
        contract=log.address,
        units=transfer.units,
        log_index=log.log_index,
    )


def facts(log: Log) -> tuple[str, tuple[str, ...], str]:
    """Return what an event says, as the node wrote it."""
    return log.address_hex, log.topics_hex, log.data_hex


def from_move(move: Move) -> Payment:
    """Return the payment of native coin."""
    return Payment(
        tx_hash=unhex(move.tx_hash),
        kind="native",
        position=move.position,
        sender=unhex(move.sender),
        to=unhex(move.to),
        contract=None,
        units=int(move.value, 16),
        log_index=None,
    )
