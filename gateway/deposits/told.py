"""A block's Transfer events as one node tells them, in whichever way it can tell all of them."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from gateway.chain import checks
from gateway.chain.evm import Evm
from gateway.chain.pool import Contradiction
from gateway.chain.port import Header, Log, NodeAway, NodeError, Receipt, unhex
from gateway.deposits import confirm, rules
from gateway.deposits.heads import View
from gateway.deposits.matching import Event, events_of
from gateway.deposits.watched import Watched

TRANSFER_TOPIC = unhex(rules.TRANSFER)
NOT_SERVED = -32601
"""The node does not know the method at all (JSON-RPC 2.0, 5.1)."""
CUT_OFF = -32005
"""The answer is too long (EIP-1474, limit exceeded)."""

Told: TypeAlias = tuple[int, bytes, tuple[str, ...]]


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
    return checked(node, block, logs)


def checked(node: Evm, block: Header, logs: list[Log]) -> list[Log]:
    """Return a block's logs as they are; raises NodeAway, said by this node, unless they can be."""
    try:
        return checks.checked_logs(block, logs)
    except NodeAway as error:
        error.said_by = node.name
        raise


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
    return checked(node, block, [log for log in logs if TRANSFER_TOPIC in log.topics[:1]])


def told_alike(
    view: View, block: Header, events: list[Event], watched: Watched, most: int | None
) -> None:
    """See that a second node tells the same payments in listed tokens, and no more of them.

    It is asked only where the block's filter has such a token. Raises Contradiction, NodeAway.
    """
    contracts = checks.moved(block, watched.contracts)
    if view.witness is None or not contracts:
        return

    def question(asked: Evm) -> frozenset[Told]:
        logs = asked.logs(block.hash, [TRANSFER_TOPIC], contracts)
        if most is not None and checks.truncated(logs, most):
            raise NodeError(CUT_OFF, "the answer is as long as the node's cap")
        return frozenset(map(told_by, events_of(checked(asked, block, logs), watched)))

    ours = {told_by(one) for one in events if one.log.address in contracts}
    try:
        theirs = question(view.witness)
    except NodeError:  # it cannot tell
        return
    if ours != theirs:
        about = f"the payments of block {block.number}"
        raise Contradiction(view.node, view.witness, question, about)


def told_by(event: Event) -> Told:
    """Return what two nodes must tell alike of an event."""
    one = event.log
    return one.log_index, one.tx_hash, confirm.facts(one)


def all_told(block: Header, logs: list[Log], receipts: Iterable[Receipt]) -> None:
    """See that of each of these transactions every Transfer event is among the block's logs.

    Raises NodeAway: the node leaves some out.
    """
    own = {receipt.tx_hash_hex.lower(): receipt for receipt in receipts}
    if not own:
        return
    told = Counter(one.tx_hash_hex.lower() for one in logs)
    for tx_hash, receipt in own.items():
        count = sum(TRANSFER_TOPIC in log.topics[:1] for log in receipt.logs)
        if receipt.block_hash == block.hash and told[tx_hash] < count:
            raise NodeAway(
                f"the node told {told[tx_hash]} of {count} Transfer events of {tx_hash}"
                f" in block {block.number}"
            )
