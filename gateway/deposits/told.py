"""A block's Transfer events as one node tells them, in whichever way it can tell all of them."""

from gateway.chain import checks
from gateway.chain.evm import Evm
from gateway.chain.port import Header, Log, NodeAway, NodeError, unhex
from gateway.deposits import confirm, rules
from gateway.deposits.heads import View

TRANSFER_TOPIC = unhex(rules.TRANSFER)
NOT_SERVED = -32601
"""The node does not know the method at all (JSON-RPC 2.0, 5.1)."""


def logs_of(node: Evm, block: Header, most: int | None) -> list[Log]:
    """Return a block's Transfer events, asked by its hash.

    A node refuses what are too many logs for it, or cuts the answer off after `most`: fewer blocks
    than one cannot be asked for, so they are read out of the receipts then. Raises NodeAway,
    NodeError.
    """
    try:
        logs = node.logs(block.hash, [TRANSFER_TOPIC])
    except NodeError as error:
        if error.rpc_code == NOT_SERVED or node.header(block.hash) is None:
            raise
        return by_receipts(node, block)
    if most is not None and checks.truncated(logs, most):
        return by_receipts(node, block)
    return checks.checked_logs(block, logs)


def heard(
    view: View, block: Header, logs: list[Log], contracts: list[bytes], most: int | None
) -> list[Log]:
    """Return the block's logs, asked once more where it should hold some of a listed token.

    The block's filter also says so by chance; what the second answer tells is taken. A lone node
    that tells none at all is asked for the receipts, which it finds in another way.
    """
    if not checks.suspicious_silence(block, logs, contracts):
        return logs
    if view.witness is not None:
        return logs_of(view.witness, block, most)
    return logs or by_receipts(view.node, block)


def by_receipts(node: Evm, block: Header) -> list[Log]:
    """Return a block's Transfer events out of its transactions' receipts.

    Raises NodeAway unless there is one of this very block for each transaction: a node may have a
    block before it has them.
    """
    full = node.block(block.hash)
    if full is None or full.hash != block.hash:
        raise NodeAway(f"the node no longer has block {block.number}")
    receipts = confirm.own_receipts(node, {tx.hash: block for tx in full.transactions})
    logs = [log for receipt in receipts.values() for log in receipt.logs]
    return checks.checked_logs(block, [log for log in logs if TRANSFER_TOPIC in log.topics[:1]])
