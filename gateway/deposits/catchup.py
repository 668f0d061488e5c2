"""Read final blocks in ranges, ahead of the one who takes them; ranges grow and shrink by answers.

Below the height the node calls final no block is replaced, so that blocks may be asked for by
height, many at a time. While one range is matched and committed, the next ones are being read.
"""

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from gateway.chain.port import NodeAway, NodeError
from gateway.chain.store import Chain
from gateway.deposits import sight
from gateway.deposits.heads import View
from gateway.deposits.native import Driver
from gateway.deposits.sight import Fetched
from gateway.deposits.watched import Watched

RANGE_BLOCKS_FIRST = 8
RANGE_SECONDS_MAX = 2.0
"""A range that took longer to read is long enough: locks, leases and memory are held that long."""
GROWTH = 2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ahead:
    """A range that is being read."""

    first: int
    last: int
    view: View
    answer: "Future[tuple[Fetched, float]]"


class CatchUp:
    """Reads a chain's final blocks; used by one thread, which takes the ranges in order."""

    def __init__(self, chain: Chain, watched: Watched) -> None:
        self.chain, self._watched = chain.id, watched
        self.blocks = min(RANGE_BLOCKS_FIRST, chain.read_blocks_max)
        self._blocks_max, self.logs_max = chain.read_blocks_max, chain.read_logs_max
        self._ahead_max = chain.read_ahead
        self._ahead: deque[Ahead] = deque()
        self._threads: ThreadPoolExecutor | None = None

    def range_from(self, first: int, last: int, view: View, driver: Driver) -> Fetched:
        """Return the next range, from `first` and within `last`; others are being read after it.

        Asks for fewer blocks by itself as long as there are fewer. Raises NodeAway, and NodeError
        when a single block is refused.
        """
        while True:
            self._read(first, last, view, driver, max(1, self._ahead_max))
            one = self._ahead.popleft()
            try:
                fetched, seconds = one.answer.result()
            except (NodeAway, NodeError) as error:
                self._shrink(one, error)
                continue
            self._grow(one, sum(map(len, fetched.logs)), seconds)
            self._read(one.last + 1, last, view, driver, self._ahead_max)
            return fetched

    def forget(self) -> None:
        """Drop what was read ahead and end the threads: the chain or the node is another now."""
        self._ahead.clear()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _read(self, first: int, last: int, view: View, driver: Driver, most: int) -> None:
        """Have `first` and the ranges after it read, `most` at a time, up to `last`."""
        if self._ahead and (self._ahead[0].first, self._ahead[0].view.node) != (first, view.node):
            self._ahead.clear()
        threads = self._pool()
        if self._ahead:
            first = self._ahead[-1].last + 1
        while first <= last and len(self._ahead) < most:
            end = min(last, first + self.blocks - 1)
            answer = threads.submit(fetch, view, first, end, self._watched, driver, self.logs_max)
            self._ahead.append(Ahead(first, end, view, answer))
            first = end + 1

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max(1, self._ahead_max), "read-ahead")
        return self._threads

    def _shrink(self, one: Ahead, error: NodeAway | NodeError) -> None:
        """Halve the ranges after a failure; raises it when nothing is left to halve or wait for.

        A node that is away is left to the loop, which waits longer each time.
        """
        self._ahead.clear()
        count = one.last - one.first + 1
        self.blocks = max(1, count // GROWTH)
        log.info("catch_up.shrunk", chain=self.chain, blocks=self.blocks, error=str(error))
        halvable = isinstance(error, (NodeError, sight.CutOff))
        if count == 1 or not halvable:
            raise error

    def _grow(self, one: Ahead, logs: int, seconds: float) -> None:
        """Double the ranges after a full one that was fast and far from the cap of an answer."""
        if one.last - one.first + 1 < self.blocks:
            return
        if seconds * GROWTH <= RANGE_SECONDS_MAX and logs * GROWTH < self.logs_max:
            self.blocks = min(self.blocks * GROWTH, self._blocks_max)


def fetch(
    view: View, first: int, last: int, watched: Watched, driver: Driver, logs_max: int
) -> tuple[Fetched, float]:
    """Read a range and return how long that took, in seconds. Runs in a thread."""
    began = time.monotonic()
    fetched = sight.fetch_range(view, first, last, watched, driver, logs_max)
    return fetched, time.monotonic() - began
