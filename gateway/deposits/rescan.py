"""Read a range of blocks again and add what was missed; what is there already stays as it is."""

from dataclasses import replace

import structlog

from gateway import db
from gateway.chain import store as chains
from gateway.chain.pool import Pool
from gateway.chain.port import Header, NodeAway
from gateway.deposits import accept, found, pending, sight, store
from gateway.deposits.heads import Heads, View
from gateway.deposits.native import Driver
from gateway.deposits.native.choose import driver_of
from gateway.deposits.payment import Read
from gateway.deposits.watched import Watched, watched

log = structlog.get_logger()


def rescan(
    chain: str, pool: Pool, *, from_block: int, to_block: int, driver: Driver | None = None
) -> int:
    """Return how many payments were added between two blocks, both included.

    Each block is read by itself and is a transaction of its own, so a long range holds nothing up
    and may be stopped. Blocks above the cursor are left to the watcher, which also credits what is
    found. Blocks before the chain's start are accepted as the node has them. What came to us
    without being a payment goes to the inbox. Raises NodeAway, NodeError.
    """
    with db.transaction() as session:
        facts = chains.chain(session, chain)
        cursor = store.cursor_of(session, chain, facts.start_block)
    view = Heads(chain, pool, float(facts.block_seconds)).view((cursor.number, cursor.hash))
    if driver is None:
        with db.transaction() as session:
            driver = driver_of(session, facts, view.node)
    known, added = watched(chain), 0
    for number in range(from_block, min(to_block, cursor.number) + 1):
        (read,) = sight.read(view, number, number, known, driver, facts.read_logs_max)
        if read.payments or read.strays or read.left_out:
            added += add(known, view, read, facts.start_block)
    log.info("chain.rescanned", chain=chain, first=from_block, last=to_block, added=added)
    return added


def add(known: Watched, view: View, read: Read, start_block: int) -> int:
    """Write what a block paid us unless it is there; returns how many payments were added.

    Raises NodeAway when the block is not the one the watcher read.
    """
    block = read.block
    with db.transaction() as session:
        # the watcher waits: no reorganisation can come between this block and its payments
        store.lock_cursor(session, known.chain)
        ours = store.canonical_hash(session, known.chain, block.number)
        if not agrees(ours, block, start_block):
            raise NodeAway(f"the node has another block {block.number} than the watcher read")
        store.keep_blocks(session, known.chain, [block])
        read = replace(read, payments=found.missed(session, known, block, read.payments))
        fresh = accept.write(session, known, read, view.head.number, again=ours is not None)
        if fresh:
            pending.beside(session, known.chain)
        return len(fresh)


def agrees(ours: bytes | None, block: Header, start_block: int) -> bool:
    """True if the node's block is the one the watcher read, or older than all it read."""
    return block.number < start_block if ours is None else ours == block.hash
