"""Ask for the receipts of what pays us, of one node and of a second one: both must tell the same.

One block is always read from one node. The second one, where the chain has it, only confirms.
"""

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from gateway.chain.evm import Evm
from gateway.chain.pool import Contradiction, NotYet
from gateway.chain.port import Header, Log, NodeAway, NodeError, Receipt, unhex, whole
from gateway.deposits.heads import View
from gateway.deposits.native import TOP_LEVEL, Driver, Move, Transactions

Coin: TypeAlias = tuple[str, str, str, str, int]
Frame: TypeAlias = tuple[bytes, bytes, bool]
Told: TypeAlias = tuple[bytes, bool, list[tuple[int, tuple[str, ...]]]]


def receipts(view: View, finds: Sequence[tuple[Header, bytes]]) -> dict[bytes, Receipt]:
    """Return the receipts of transactions, each with the block it was found in, by hash.

    Raises NodeAway when the node's receipts are not of its own blocks, NotYet while the second
    node lacks one, Contradiction when both have it and tell different things.
    """
    blocks = {tx_hash: block for block, tx_hash in finds}
    if not blocks:
        return {}
    found = own_receipts(view.node, blocks)
    if view.witness is not None:
        told = view.witness.receipts(list(blocks))
        for (tx_hash, block), other in zip(blocks.items(), told, strict=True):
            if other is None:
                raise NotYet(view.witness, block.number)
            if facts_of(other) != facts_of(found[tx_hash]):
                raise contradiction(view.node, view.witness, block, tx_hash)
    return found


def own_receipts(node: Evm, blocks: dict[bytes, Header]) -> dict[bytes, Receipt]:
    """Return the receipts of the node that told the blocks; raises NodeAway unless they fit."""
    found = {}
    for tx_hash, receipt in zip(blocks, node.receipts(list(blocks)), strict=True):
        block = blocks[tx_hash]
        if receipt is None or receipt.block_hash != block.hash or receipt.tx_hash != tx_hash:
            raise NodeAway(f"the node's receipts and its block {block.number} do not agree")
        found[tx_hash] = receipt
    return found


def contradiction(node: Evm, witness: Evm, block: Header, tx_hash: bytes) -> NodeAway:
    """Return why a second node tells another receipt: another branch, or another story.

    A node on another branch is late or early: only one on ours can contradict.
    """
    same = witness.header(block.number)
    if same is None or same.hash != block.hash:
        return NotYet(witness, block.number)

    def question(asked: Evm) -> Told | None:
        receipt = asked.receipt(tx_hash)
        return None if receipt is None else facts_of(receipt)

    return Contradiction(node, witness, question, f"transaction 0x{tx_hash.hex()}")


def coins(
    view: View, driver: Driver, finds: Sequence[tuple[Header, list[Log], list[Move], list[Move]]]
) -> None:
    """See that a second node tells the same native coin in the transactions that pay us.

    Of each block: its logs, what paid us, and all that moved. Receipts say nothing of native coin.
    A second node that knows no inner calls confirms what transactions carry themselves, and that
    the addresses they paid hold as much more. Raises NotYet, Contradiction, NodeAway, NodeError.
    """
    if view.witness is None:
        return
    for block, logs, paid, moved in finds:
        if not paid:
            continue
        known, ours = driver, {coin_of(move) for move in paid}
        try:
            theirs = told_coins(view.witness, known, block, logs)
        except NodeError:
            inner = [move for move in paid if move.position != TOP_LEVEL]
            held_more(view.node, view.witness, block, inner, moved)
            known, ours = Transactions(), {coin for coin in ours if coin[1] == TOP_LEVEL}
            theirs = told_coins(view.witness, known, block, logs)
        if not ours <= theirs:
            question = partial(told_coins, driver=known, block=block, logs=logs)
            about = f"the native coin of block {block.number}"
            raise Contradiction(view.node, view.witness, question, about)


def held_more(node: Evm, witness: Evm, block: Header, inner: list[Move], moved: list[Move]) -> None:
    """See that by a second node's balances as much came to these addresses as moved there.

    One that no longer has the state of the block before decides nothing. Raises Contradiction,
    NodeAway.
    """
    came = dict.fromkeys((move.to.lower() for move in inner), 0)
    for move in moved if came else ():
        for address, sign in ((move.to.lower(), 1), (move.sender.lower(), -1)):
            if address in came:
                came[address] += sign * whole(move.value)
    addresses = [unhex(address) for address in came]

    def question(asked: Evm) -> list[int]:
        before, after = (
            asked.balances(addresses, None, one) for one in (block.parent_hash, block.hash)
        )
        return [there - was for was, there in zip(before, after, strict=True)]

    try:
        grown = question(witness)
    except NodeError:
        return
    if any(more < told for more, told in zip(grown, came.values(), strict=True)):
        about = f"what native coin came in block {block.number}"
        raise Contradiction(node, witness, question, about)


def told_coins(asked: Evm, driver: Driver, block: Header, logs: list[Log]) -> frozenset[Coin]:
    """Return the native coin a node tells of a block; raises NotYet where it lacks the block."""
    try:
        (moves,) = driver.moves(asked, [block], [logs])
        return frozenset(coin_of(move) for move in moves)
    except NodeAway as error:
        if error.said_by:
            raise
        raise NotYet(asked, block.number) from error


def coin_of(move: Move) -> Coin:
    """Return what two nodes must tell alike of native coin; they may write it in other letters."""
    to_and_from = move.sender.lower(), move.to.lower()
    return move.tx_hash.lower(), move.position, *to_and_from, whole(move.value)


def same_block(view: View, block: Header) -> None:
    """See that the second node has this block, with the same parent and the same logs' filter.

    And that both say of it that something ran in it, or that nothing did.

    Raises NotYet while it does not have it, Contradiction when it tells another.
    """
    if view.witness is None:
        return
    other = view.witness.header(block.hash)
    if other is None:
        raise NotYet(view.witness, block.number)
    if frame_of(other) != frame_of(block):

        def question(asked: Evm) -> Frame | None:
            header = asked.header(block.hash)
            return None if header is None else frame_of(header)

        raise Contradiction(view.node, view.witness, question, f"block {block.number}")


def frame_of(block: Header) -> Frame:
    """Return what two nodes must tell alike of a block's header."""
    return block.parent_hash, block.logs_bloom, block.gas_used == 0


def facts_of(receipt: Receipt) -> Told:
    """Return what two nodes must tell alike of a transaction that is in one block."""
    logs = [(log.log_index, facts(log)) for log in receipt.logs]
    return receipt.block_hash, receipt.succeeded, logs


def facts(log: Log) -> tuple[str, ...]:
    """Return what an event says; nodes may write letters small or large."""
    return tuple(part.lower() for part in (log.address_hex, *log.topics_hex, log.data_hex))
