"""Read a range of blocks again and add what was missed; what is there already stays as it is."""

import structlog

from gateway import db
from gateway.chain import store as chains
from gateway.chain.port import Header, Node, NodeAway
from gateway.deposits import accept, sight, store
from gateway.deposits.native import Driver, Transactions
from gateway.deposits.pending import Pending
from gateway.deposits.watched import watched

log = structlog.get_logger()


def rescan(
    chain: str, node: Node, *, from_block: int, to_block: int, driver: Driver | None = None
) -> int:
    """Return how many payments were added between two blocks, both included.

    Each block is a transaction of its own, so a long range holds nothing up and may be stopped.
    Blocks above the cursor are left to the watcher, which also credits what is found. Blocks
    before the chain's start are accepted as the node has them. Raises NodeAway, NodeError.
    """
    with db.transaction() as session:
        facts = chains.chain(session, chain)
        cursor = store.cursor_of(session, chain, facts.start_block)
    known, added = watched(chain), 0
    for number in range(from_block, min(to_block, cursor.number) + 1):
        block = node.header(number)
        if block is None:
            raise NodeAway(f"the node lacks block {number}")
        found = sight.payments(node, block, known, driver or Transactions())
        if not found:
            continue
        with db.transaction() as session:
            # the watcher waits: no reorganisation can come between this block and its payments
            store.lock_cursor(session, chain)
            if not agrees(store.canonical_hash(session, chain, number), block, facts.start_block):
                raise NodeAway(f"the node has another block {number} than the watcher read")
            store.keep_block(session, chain, block)
            added += len(accept.write(session, known, block, found, cursor.number))
    if added:
        Pending(chain, facts.confirmations).distrust()
    log.info("chain.rescanned", chain=chain, first=from_block, last=to_block, added=added)
    return added


def agrees(ours: bytes | None, block: Header, start_block: int) -> bool:
    """True if the node's block is the one the watcher read, or older than all it read."""
    return block.number < start_block if ours is None else ours == block.hash
