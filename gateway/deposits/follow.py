"""Follow one chain, a step at a time: final blocks in ranges, then block by block, or back."""

import time
from enum import Enum

import structlog
from sqlalchemy import text

from gateway import db
from gateway.chain import store as chains
from gateway.chain.pool import NotYet, Pool
from gateway.chain.port import Header, NodeAway, NodeError
from gateway.deposits import accept, credit, reorg, sight, store
from gateway.deposits.catchup import CatchUp
from gateway.deposits.heads import Heads, View
from gateway.deposits.native import Driver
from gateway.deposits.native.choose import driver_of
from gateway.deposits.pending import Pending, Place
from gateway.deposits.probe import Probe
from gateway.deposits.sight import Fetched
from gateway.deposits.watched import watched
from gateway.webhooks import alarms

NODE_AWAY_ALARM_SECONDS = 60.0
VIEW_SECONDS = 1.0
"""How long final blocks are taken without asking for the newest one again."""

AWAY = text("""
    update watch_cursor set away_since = coalesce(away_since, now()) where chain = :chain
    returning away_since at time zone 'UTC' as away_since,
        extract(epoch from now() - away_since) as seconds
""")

log = structlog.get_logger()


class Step(Enum):
    """What one step did; after MOVED there may be more to do at once."""

    MOVED = "moved"
    IDLE = "idle"
    HALTED = "halted"


class Follower:
    """Reads one chain by its endpoints. One process at a time: it holds the chain's lease.

    Should two run all the same, the cursor's compare-and-set lets one of them through.
    """

    def __init__(self, chain: str, pool: Pool, driver: Driver | None = None) -> None:
        with db.transaction() as session:
            facts = chains.chain(session, chain)
            cursor = store.cursor_of(session, chain, facts.start_block)
        self.chain, self.pool = chain, pool
        self.block_seconds = float(facts.block_seconds)
        self.start_block = facts.start_block
        for node in pool.nodes:
            node.calls_max = facts.read_calls_max
        self.heads = Heads(chain, pool, self.block_seconds)
        self.pending = Pending(chain, cursor.index_epoch)
        self.watched = watched(chain)
        self.catching_up = CatchUp(facts, self.watched)
        self.probe = Probe(chain)
        self._driver = driver
        self._away = cursor.away_since is not None
        self._place: Place | None = None
        self._view: tuple[float, View] | None = None

    def cursor(self) -> Place:
        """Return the last block that was taken."""
        with db.transaction() as session:
            cursor = store.cursor_of(session, self.chain, self.start_block)
            return cursor.number, cursor.hash

    def resume(self) -> None:
        """Credit what was final when the last process stopped."""
        place = self.cursor()
        with db.transaction() as session:
            heights = store.heights(session, self.chain)
        credit.credit_final(self.pending, place, place, (), heights)

    def step(self) -> Step:
        """Take the next blocks, or take back what the chain no longer has.

        Raises NodeAway, NodeError, and CursorMoved when another process works on the chain.
        """
        # remembered between steps: where it really stands is compared when it is moved
        cursor, self._place = self._place or self.cursor(), None
        try:
            step, self._place = self.step_from(cursor)
        except BaseException:
            self._view = None
            self.catching_up.forget()
            raise
        self.answered()
        return step

    def look_closer(self) -> None:
        """Probe a few balances while there is nothing to read."""
        if self._place is not None:
            node = self.pool.primary()
            self.probe.step(node, self._place[0], self.pool.witness(node))

    def step_from(self, cursor: Place) -> tuple[Step, Place]:
        """Do one step and return where the cursor stands then."""
        view = self.view(cursor)
        if view.head.number <= cursor[0]:
            return self.at_or_below(cursor, view)
        if view.finalized is not None and cursor[0] < view.finalized:
            return self.take_range(cursor, view, view.finalized)
        self.catching_up.forget()
        return self.take_next(cursor, view)

    def view(self, cursor: Place) -> View:
        """Return what this step goes by; the last one is good for a second of final blocks."""
        if self._view is not None:
            at, view = self._view
            fresh = time.monotonic() - at < VIEW_SECONDS and view.node is self.pool.primary()
            if fresh and cursor[0] < (view.finalized or 0):
                return view
        view = self.heads.view(cursor)
        self._view = time.monotonic(), view
        return view

    def at_or_below(self, cursor: Place, view: View) -> tuple[Step, Place]:
        """Decide about a head that is not above the cursor: late, gone down, or another branch."""
        head = view.head
        if cursor[1] in (None, head.hash):
            return Step.IDLE, cursor
        with db.transaction() as session:
            ours = store.canonical_hash(session, self.chain, head.number)
        if ours != head.hash:
            return self.fork(cursor, view, head)
        if not self.heads.gone_down:
            return Step.IDLE, cursor
        below = head.number < reorg.lowest(self.chain, cursor)
        return self.go_back(cursor, None if below else (head.number, head.hash), head)

    def take_range(self, cursor: Place, view: View, last: int) -> tuple[Step, Place]:
        """Take the next final blocks; others are being read meanwhile."""
        fetched = self.catching_up.range_from(cursor[0] + 1, last, view, self.driver(view))
        return self.take(cursor, view, fetched)

    def take_next(self, cursor: Place, view: View) -> tuple[Step, Place]:
        """Take the block after the cursor. Raises NotYet while the node of that head lacks it."""
        following = view.head.number == cursor[0] + 1
        block = view.head if following else view.node.header(cursor[0] + 1)
        if block is None:
            raise NotYet(view.node, cursor[0] + 1)
        if cursor[1] is not None and block.parent_hash != cursor[1]:
            return self.fork(cursor, view, block)
        most = self.catching_up.logs_max
        fetched = sight.fetch_block(view, block, self.watched, self.driver(view), most)
        return self.take(cursor, view, fetched)

    def take(self, cursor: Place, view: View, fetched: Fetched) -> tuple[Step, Place]:
        """Take blocks that follow the cursor, then credit what they make final."""
        first, last = fetched.blocks[0], fetched.blocks[-1]
        if cursor[1] is not None and first.parent_hash != cursor[1]:
            return self.fork(cursor, view, first)
        self.watched.refresh()
        reads = sight.match(fetched, self.watched, self.driver(view))
        fresh = accept.accept(self.watched, cursor, reads, view)
        place = last.number, last.hash
        credit.credit_final(self.pending, cursor, place, fresh, accept.heights_of(view))
        return Step.MOVED, place

    def fork(self, cursor: Place, view: View, other: Header) -> tuple[Step, Place]:
        """Go back to where our branch and that of `other` part."""
        return self.go_back(cursor, reorg.ancestor(view.node, self.chain, cursor, other), other)

    def go_back(self, cursor: Place, to: Place | None, other: Header) -> tuple[Step, Place]:
        """Take back what the chain no longer has, or stop where none may be taken back.

        Raises NotYet while another endpoint still has our newest block.
        """
        self.catching_up.forget()
        self.heads.dissent(cursor)
        if to is None:
            reorg.halt(self.chain, cursor, other)
            return Step.HALTED, cursor
        hit, epoch = reorg.roll_back(self.chain, cursor, to)
        self.pending.forget(cursor, to, hit, epoch)
        return Step.MOVED, to

    def driver(self, view: View) -> Driver:
        """Return how native coin is found here; the node is asked once what it can tell."""
        if self._driver is None:
            with db.transaction() as session:
                facts = chains.chain(session, self.chain)
                self._driver = driver_of(session, facts, view.node)
        return self._driver

    def answered(self) -> None:
        """Note that the node is there again: it told all that a step asked, not its head alone."""
        if self._away:
            with db.transaction() as session:
                session.execute(
                    text("update watch_cursor set away_since = null where chain = :chain"),
                    {"chain": self.chain},
                )
            self._away = False

    def away(self, error: NodeAway | NodeError | Exception) -> None:
        """Note that the node is away; after NODE_AWAY_ALARM_SECONDS call an operator."""
        self._away = True
        log.warning("node.away", chain=self.chain, error=str(error))
        if isinstance(error, (NodeAway, NodeError)):
            self.heads.failed(error)
        with db.transaction() as session:
            gone = session.execute(AWAY, {"chain": self.chain}).one()
            if gone.seconds >= NODE_AWAY_ALARM_SECONDS:
                alarms.raise_alarm(
                    session,
                    kind="node_away",
                    subject=self.chain,
                    detail=f"nothing could be read since {gone.away_since:%H:%M:%S} UTC: {error}",
                )
