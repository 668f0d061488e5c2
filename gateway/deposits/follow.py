"""Follow one chain, a step at a time: the next block, or back to where the chain forked."""

from datetime import UTC, datetime
from enum import Enum

import structlog
from sqlalchemy import text

from gateway import db
from gateway.chain import store as chains
from gateway.chain.port import Header, Node, NodeAway
from gateway.deposits import accept, credit, reorg, sight, store
from gateway.deposits.native import Driver, Transactions
from gateway.deposits.pending import Pending, Place
from gateway.deposits.watched import watched
from gateway.webhooks import alarms

NODE_AWAY_ALARM_SECONDS = 60.0

log = structlog.get_logger()


class Step(Enum):
    """What one step did; after MOVED there may be more to do at once."""

    MOVED = "moved"
    IDLE = "idle"
    HALTED = "halted"


class Follower:
    """Reads one chain by one node. One process at a time: it holds the chain's lease.

    Should two run all the same, the cursor's compare-and-set lets one of them through.
    """

    def __init__(self, chain: str, node: Node, driver: Driver | None = None) -> None:
        with db.transaction() as session:
            facts = chains.chain(session, chain)
            cursor = store.cursor_of(session, chain, facts.start_block)
        self.chain, self.node = chain, node
        self.driver = driver or Transactions()
        self.start_block = facts.start_block
        self.block_seconds = float(facts.block_seconds)
        self.pending = Pending(chain, facts.confirmations)
        self.watched = watched(chain)
        self._away = cursor.away_since is not None
        self._place: Place | None = None

    def cursor(self) -> Place:
        """Return the last block that was taken."""
        with db.transaction() as session:
            cursor = store.cursor_of(session, self.chain, self.start_block)
            return cursor.number, cursor.hash

    def resume(self) -> None:
        """Credit what was final when the last process stopped."""
        place = self.cursor()
        credit.credit_due(self.pending, self.pending.step(place, place))

    def step(self) -> Step:
        """Take the next block, or take back what the chain no longer has.

        Raises NodeAway, NodeError, and CursorMoved when another process works on the chain.
        """
        # remembered between steps: where it really stands is compared when it is moved
        cursor, self._place = self._place or self.cursor(), None
        step, self._place = self.step_from(cursor)
        return step

    def step_from(self, cursor: Place) -> tuple[Step, Place]:
        """Do one step and return where the cursor stands then."""
        head = self.node.head()
        self.answered()
        if head.number <= cursor[0]:
            return self.at_or_below(cursor, head)
        block = head if head.number == cursor[0] + 1 else self.node.header(cursor[0] + 1)
        if block is None:
            return Step.IDLE, cursor
        if cursor[1] is not None and block.parent_hash != cursor[1]:
            return self.fork(cursor, block)
        return self.take(cursor, block, head.number)

    def at_or_below(self, cursor: Place, head: Header) -> tuple[Step, Place]:
        """Decide about a head that is not above the cursor: ours and late, or another branch."""
        if cursor[1] in (None, head.hash):
            return Step.IDLE, cursor
        with db.transaction() as session:
            ours = store.canonical_hash(session, self.chain, head.number)
        return (Step.IDLE, cursor) if ours == head.hash else self.fork(cursor, head)

    def take(self, cursor: Place, block: Header, node_head: int) -> tuple[Step, Place]:
        """Take a block that follows the cursor, then credit what it makes final."""
        found = sight.payments(self.node, block, self.watched, self.driver)
        fresh = accept.accept(self.watched, cursor, block, found, node_head)
        place = block.number, block.hash
        credit.credit_due(self.pending, self.pending.step(cursor, place, fresh))
        return Step.MOVED, place

    def fork(self, cursor: Place, other: Header) -> tuple[Step, Place]:
        """Go back to the common ancestor, or stop when there is none near."""
        to = reorg.ancestor(self.node, self.chain, cursor, other)
        if to is None:
            reorg.halt(self.chain, cursor, other)
            return Step.HALTED, cursor
        reorg.roll_back(self.chain, cursor, to)
        self.pending.forget_above(cursor, to)
        return Step.MOVED, to

    def answered(self) -> None:
        """Note that the node is there again."""
        if self._away:
            with db.transaction() as session:
                session.execute(
                    text("update watch_cursor set away_since = null where chain = :chain"),
                    {"chain": self.chain},
                )
            self._away = False

    def away(self, error: NodeAway | Exception) -> None:
        """Note that the node is away; after NODE_AWAY_ALARM_SECONDS call an operator."""
        self._away = True
        log.warning("node.away", chain=self.chain, error=str(error))
        with db.transaction() as session:
            since: datetime = session.execute(
                text(
                    "update watch_cursor set away_since = coalesce(away_since, now())"
                    " where chain = :chain returning away_since"
                ),
                {"chain": self.chain},
            ).scalar_one()
            seconds = (datetime.now(UTC) - since).total_seconds()
            if seconds >= NODE_AWAY_ALARM_SECONDS:
                alarms.raise_alarm(
                    session,
                    kind="node_away",
                    subject=self.chain,
                    detail=f"no answer since {since:%H:%M:%S} UTC: {error}",
                )
