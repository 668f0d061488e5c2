"""Find in blocks what was paid to us, and check each find against its receipt.

Reading has two halves. `fetch_block` and `fetch_range` ask one node and may run in a thread, ahead
of time. `match` holds the answers against the addresses we gave out, after those were refreshed, so
that an address that was shown to a payer is always in time; where none was added since a range was
read, what was matched then stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.chain import checks
from gateway.chain.port import Header, Log, NodeAway, Receipt, unhex
from gateway.deposits import confirm
from gateway.deposits.heads import View
from gateway.deposits.junk import thinned
from gateway.deposits.matching import Event, as_read, coins_of, events_of, named
from gateway.deposits.native import Driver, Move
from gateway.deposits.payment import Payment, Read, Stray
from gateway.deposits.tokens import doubted
from gateway.deposits.told import TRANSFER_TOPIC, all_told, heard, logs_of, told_alike
from gateway.deposits.watched import Watched

__all__ = ["Fetched", "Payment", "Read", "Stray", "fetch_block", "fetch_range", "match", "read"]


class CutOff(NodeAway):
    """The answer is as long as the node's cap: it may go on, so ask for fewer blocks."""

    code = "answer_cut_off"


@dataclass(frozen=True, slots=True)
class Found:
    """What of some blocks concerns us by the addresses of `version`, and its receipts.

    `left_out` counts the events of each block that were too many to be looked at.
    """

    version: int
    events: list[list[Event]]
    left_out: list[int]
    coins: list[list[Move]]
    receipts: dict[bytes, Receipt]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one node told of blocks that follow each other.

    `moves` is None where the native coin was not listed when the blocks were read. `found` is what
    could be matched ahead of time. An answer of `logs_max` logs may have been cut off.
    """

    view: View
    blocks: list[Header]
    logs: list[list[Log]]
    moves: list[list[Move]] | None
    logs_max: int | None = None
    found: Found | None = None


def read(
    view: View,
    first: int,
    last: int,
    watched: Watched,
    driver: Driver,
    logs_max: int | None = None,
) -> list[Read]:
    """Read blocks by height and match them; one block by its hash, several as a final range.

    Raises NodeAway, NodeError: ask again later, or for fewer blocks.
    """
    fetched = fetch_range(view, first, last, watched, driver, logs_max)
    watched.refresh()
    return match(fetched, watched, driver)


def fetch_block(
    view: View, block: Header, watched: Watched, driver: Driver, logs_max: int | None = None
) -> Fetched:
    """Read one block by its hash, so that a node that lacks it says so.

    Raises NodeAway, NodeError.
    """
    confirm.same_block(view, block)
    if block.gas_used == 0 and not checks.bloom_of(block):
        return Fetched(view, [block], [[]], [[]])
    logs = [logs_of(view.node, block, logs_max)]
    return Fetched(view, [block], logs, moved(view, [block], logs, watched, driver), logs_max)


def fetch_range(
    view: View,
    first: int,
    last: int,
    watched: Watched,
    driver: Driver,
    logs_max: int | None = None,
) -> Fetched:
    """Read final blocks in one question for the logs and one batch for the headers.

    They are matched, too, by the addresses known by now: the receipts are there when it is their
    turn. Raises CutOff for an answer of `logs_max` logs; NodeAway, NodeError.
    """
    if first == last:
        (block,) = linked([view.node.header(first)], first)
        fetched = fetch_block(view, block, watched, driver, logs_max)
        return replace(fetched, found=look(fetched, watched, driver))
    answer = view.node.logs_between(first, last, [TRANSFER_TOPIC])
    if logs_max is not None and checks.truncated(answer, logs_max):
        raise CutOff(f"{len(answer)} logs in blocks {first} to {last}")
    blocks = linked(view.node.headers(first, last), first)
    confirm.same_block(view, blocks[-1])
    logs = [checks.checked_logs(block, own) for block, own in by_block(blocks, answer)]
    fetched = Fetched(view, blocks, logs, moved(view, blocks, logs, watched, driver), logs_max)
    return replace(fetched, found=look(fetched, watched, driver))


def moved(
    view: View, blocks: list[Header], logs: list[list[Log]], watched: Watched, driver: Driver
) -> list[list[Move]] | None:
    """Return the native coin that moved in each block, if it is listed."""
    return driver.moves(view.node, blocks, logs) if None in watched.listed else None


def linked(headers: Sequence[Header | None], first: int) -> list[Header]:
    """Return the headers of a range; raises NodeAway unless each names the one before it."""
    blocks: list[Header] = []
    for number, header in enumerate(headers, first):
        if header is None or header.number != number:
            raise NodeAway(f"the node lacks block {number} of a range")
        if blocks and header.parent_hash_hex != blocks[-1].hash_hex:
            raise NodeAway(f"the node's blocks {number - 1} and {number} do not follow each other")
        blocks.append(header)
    return blocks


def by_block(blocks: list[Header], answer: list[Log]) -> list[tuple[Header, list[Log]]]:
    """Give each log to its block; raises NodeAway for a log of another block."""
    own: dict[str | None, list[Log]] = {block.hash_hex: [] for block in blocks}
    try:
        for one in answer:
            own[one.block_hash_hex].append(one)
    except KeyError as error:
        raise NodeAway(f"the node told a log of block {error}, which is not in the range") from None
    return [(block, own[block.hash_hex]) for block in blocks]


def match(fetched: Fetched, watched: Watched, driver: Driver) -> list[Read]:
    """Return what concerns us in each block, once; `watched` was refreshed after the reading.

    Raises NodeAway, NodeError while the receipts of the finds cannot be had.
    """
    found = fetched.found
    if found is None or found.version != watched.version:
        found = look(fetched, watched, driver)
    every = zip(fetched.blocks, found.events, found.coins, found.left_out, strict=True)
    return [
        as_read(block, events, coins, found.receipts, watched, left_out)
        for block, events, coins, left_out in every
    ]


def look(fetched: Fetched, watched: Watched, driver: Driver) -> Found:
    """Hold blocks against the addresses known now and ask for the receipts of what is found.

    Raises NodeAway, NodeError.
    """
    version, view, blocks = watched.version, fetched.view, fetched.blocks
    logs = [
        heard(view, block, own, watched.contracts, fetched.logs_max)
        for block, own in zip(blocks, fetched.logs, strict=True)
    ]
    moves = fetched.moves
    if moves is None:
        moves = moved(view, blocks, logs, watched, driver)
    found = [events_of(own, watched) for own in logs]
    if len(blocks) == 1:
        told_alike(view, blocks[0], found[0], watched, fetched.logs_max)
    events, left_out = thinned(found, watched)
    events = [named(block, own) for block, own in zip(blocks, events, strict=True)]
    events = doubted(view, blocks, logs, events, watched)
    coins = [coins_of(own, watched) for own in moves or [[]] * len(blocks)]
    known = fetched.found.receipts if fetched.found else {}
    receipts = receipts_of(view, list(zip(blocks, logs, events, coins, strict=True)), known)
    every = moves or [[]] * len(blocks)
    confirm.coins(view, driver, list(zip(blocks, logs, coins, every, strict=True)))
    return Found(version, events, left_out, coins, receipts)


def receipts_of(
    view: View,
    seen: list[tuple[Header, list[Log], list[Event], list[Move]]],
    known: dict[bytes, Receipt],
) -> dict[bytes, Receipt]:
    """Return the receipts of what was found in blocks; those at hand are not asked for again.

    Raises NodeAway, NodeError, also where a receipt has more events than its block was told with.
    """
    hashes = [
        dict.fromkeys(
            [one.log.tx_hash for one in events if one.position is None]
            + [unhex(move.tx_hash) for move in coins]
        )
        for _, _, events, coins in seen
    ]
    finds = [
        (block, one)
        for (block, *_), own in zip(seen, hashes, strict=True)
        for one in own
        if one not in known
    ]
    receipts = known | confirm.receipts(view, finds)
    for (block, logs, *_), own in zip(seen, hashes, strict=True):
        all_told(block, logs, [receipts[one] for one in own])
    return receipts
