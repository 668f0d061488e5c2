"""Which endpoint a step reads, and how far the chain is there: newest, safe and finalized block.

With several endpoints every one's head is compared about once a second. One that is far behind the
best is benched, and operators are told from here; one that went back while another did not is read
no more, and benched if it stays there. Late is only who is on the same branch: otherwise an
endpoint that makes blocks up would have the honest ones benched. For the same reason lateness must
outlast a few block times, in which an honest endpoint comes to tell its own block at the height of
a made up one.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from gateway.chain.evm import Evm
from gateway.chain.pool import Contradiction, NotYet, Offence, Pool
from gateway.chain.port import Header, NodeAway, NodeError
from gateway.deposits.endpoints import Report

HEADS_SECONDS = 1.0
HEADS_WAIT_SECONDS = 2.0
"""An endpoint that does not tell its head within this time is away."""
LAG_BLOCKS = 5
LAG_SECONDS = 5.0
LAG_BLOCK_TIMES = 3.0
"""An endpoint may be late for the longer of the two."""
LOWER_HEAD_SECONDS = 3.0
LOWER_HEAD_BLOCK_TIMES = 2.0
"""A head below ours that lasts for the longer of the two is a chain that went back."""
GAP_SECONDS = 20.0
"""What nobody noted for longer, or for a block time, begins to last anew: another process watched.
Less than a slice, more than the pause between two looks."""
TAGS_RETRY_SECONDS = 60.0
"""When to ask a node again that did not know `safe` and `finalized`."""
TAGS = ("safe", "finalized")

Place = tuple[int, bytes | None]


@dataclass(frozen=True, slots=True)
class View:
    """What one step goes by: `node` is read, `witness` confirms; heights are where they stand.

    `witness` is None where no other endpoint is healthy. `safe` and `finalized` are the lower of
    what the two tell, at most the head's number, and None where the node does not tell.
    """

    node: Evm
    witness: Evm | None
    head: Header
    safe: int | None
    finalized: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What an endpoint told last; `silent_until` is when to ask for its tags again."""

    head: Header
    safe: int | None = None
    finalized: int | None = None
    silent_until: float = 0.0


class AllAway(NodeAway):
    """No endpoint told its newest block; each of them was benched for it."""


class Heads:
    """The heads of one chain's endpoints, as one follower sees them."""

    def __init__(self, chain: str, pool: Pool, block_seconds: float = 1.0) -> None:
        self.chain, self.pool = chain, pool
        self.lag_seconds = max(LAG_SECONDS, LAG_BLOCK_TIMES * block_seconds)
        self.lower_seconds = max(LOWER_HEAD_SECONDS, LOWER_HEAD_BLOCK_TIMES * block_seconds)
        self._gap = max(GAP_SECONDS, block_seconds)
        self.gone_down = False
        """True once the newest head has been below the cursor for `lower_seconds`."""
        self._node = pool.primary()
        self._seen: dict[Evm, Seen] = {}
        self._compared: float | None = None
        self._threads = ThreadPoolExecutor(2 * len(pool.nodes)) if len(pool.nodes) > 1 else None
        self._cursor: Place | None = None
        self._report = Report(chain, pool)

    def view(self, cursor: Place) -> View:
        """Return what the step after `cursor` goes by. Raises NodeAway, NodeError."""
        stuck, self._cursor = cursor == self._cursor, cursor
        self._node = self.pool.primary()
        seen = self._look(self._node) if self._threads is None else self._choose(cursor)
        self.gone_down = self._lasts_lower(cursor, seen.head)
        self._report.tell(seen.head.number if stuck and seen.head.number > cursor[0] + 1 else None)
        witness = self.pool.witness(self._node)
        told = [seen, *(self._seen[one] for one in (witness,) if one in self._seen)]
        return View(
            self._node,
            witness,
            seen.head,
            lowest([one.safe for one in told]),
            lowest([one.finalized for one in told]),
        )

    def failed(self, error: NodeAway | NodeError) -> None:
        """Learn from what the step of the last view could not do."""
        node = self.pool.named(error.said_by) or self._node
        try:
            if isinstance(error, AllAway):
                return
            if isinstance(error, Contradiction):
                self.pool.disagreement(error)
            elif isinstance(error, NotYet):
                head = error.node.head().number
                which = error.number, head >= error.number  # who steps back is not late at once
                if self._lasts("lacking", error.node, which) >= self.lag_seconds:
                    self._judge(error, head)
            elif (
                isinstance(error, NodeAway)
                or self._lasts("erring", node, self._cursor) >= self.lag_seconds
            ):
                self.pool.bench(node, str(error))
        except (NodeAway, NodeError) as unanswered:
            self.pool.bench(self.pool.named(unanswered.said_by) or node, str(unanswered))
        finally:
            self._report.tell()

    def dissent(self, cursor: Place) -> None:
        """See that no other endpoint still has our newest block, before it is taken back.

        Who rests because it did not answer is asked, too: it may be there again. Raises NotYet for
        one that has it; should that last, the endpoints disagree.
        """
        if cursor[1] is None:
            return
        healthy = self.pool.healthy()
        for other in (*healthy, *self.pool.unheard()):
            try:
                stands = other is not self._node and hash_at(other, cursor[0]) == cursor[1]
            except (NodeAway, NodeError):
                if other in healthy:
                    raise
                continue  # it goes on resting
            if stands:
                raise NotYet(other, cursor[0], "reorganised block")

    def _choose(self, cursor: Place) -> Seen:
        """Return what is seen of the endpoint to read, and make it `_node`."""
        now = self.pool.clock()
        if self._compared is not None and now - self._compared < HEADS_SECONDS:
            try:
                seen = self._look(self._node)
            except NodeAway as error:
                self.pool.bench(self._node, str(error))
            else:
                if seen.head.number >= cursor[0]:
                    return seen
        self._compared = now
        asked = self.pool.healthy() or [self.pool.primary()]
        found = self._look_at_all(asked)
        self._bench_laggards(found)
        self._node = self.pool.primary()
        if self._node not in found:
            found[self._node] = self._look(self._node)
        if found[self._node].head.number < cursor[0]:
            self._leave_who_went_back(cursor, found)
        return found[self._node]

    def _look(self, node: Evm) -> Seen:
        """Ask an endpoint for its head, and for safe and finalized when that is a new one."""
        head, known, now = node.head(), self._seen.get(node), self.pool.clock()
        if known is not None and known.head.hash_hex == head.hash_hex:
            return known
        if known is not None and now < known.silent_until:
            seen = Seen(head, silent_until=known.silent_until)
        else:
            try:
                tags: Sequence[Header | None] = node.ask_many(
                    "eth_getBlockByNumber", [[tag, False] for tag in TAGS], Header | None
                )
            except NodeError:  # a node from before the Merge does not know the words
                tags = (None, None)
            safe, final = (min(tag.number, head.number) if tag else None for tag in tags)
            silent = now + TAGS_RETRY_SECONDS if final is None else 0.0
            seen = Seen(head, safe, final, silent)
        self._seen[node] = seen
        return seen

    def _look_at_all(self, nodes: list[Evm]) -> dict[Evm, Seen]:
        """Ask endpoints at once; those that do not tell are benched.

        Raises AllAway when none does.
        """
        assert self._threads is not None
        asked = {self._threads.submit(self._look, node): node for node in nodes}
        done, waiting = wait(asked, HEADS_WAIT_SECONDS)
        found, reasons = {}, list[str]()
        for future in waiting:
            self.pool.bench(asked[future], "its newest block was not told in time")
        for future in done:
            error = future.exception()
            if error is None:
                found[asked[future]] = future.result()
            elif isinstance(error, NodeAway | NodeError):
                self.pool.bench(asked[future], str(error))
                reasons.append(str(error))
            else:
                raise error
        if not found:
            raise AllAway("; ".join(reasons) or "no endpoint told its newest block in time")
        return {node: found[node] for node in nodes if node in found}

    def _bench_laggards(self, found: dict[Evm, Seen]) -> None:
        """Read from the best endpoint if ours is far behind it, and bench who stays behind."""
        best = max(found, key=lambda node: found[node].head.number)
        highest = found[best].head.number
        for node, seen in found.items():
            back = min(self.pool.left_at.get(node, 0), highest)
            if seen.head.number >= max(highest - LAG_BLOCKS, back):
                self.pool.left_at.pop(node, None)
                self.pool.lasting.over("behind", node)
                continue
            lasted = self._lasts("behind", node)
            if not self._same_branch(node, best, seen.head.number):
                continue
            if node is self._node:
                self.pool.prefer(best)
            if lasted >= self.lag_seconds:
                blocks = highest - seen.head.number
                self.pool.bench(node, f"lagging {blocks} blocks behind", Offence.LAGGING)

    def _same_branch(self, node: Evm, other: Evm, number: int) -> bool:
        """True if both endpoints have the same block at a height; a disagreement is told."""
        question = partial(hash_at, number=number)
        if question(node) == question(other):
            return True
        self.pool.disagreement(Contradiction(other, node, question, f"block {number}"))
        return False

    def _leave_who_went_back(self, cursor: Place, found: dict[Evm, Seen]) -> None:
        """Read from another endpoint that still has our newest block, if there is one.

        The one we leave still confirms, and is benched only if it stays below. Otherwise one that
        makes blocks up would be believed alone whenever an honest one steps back for a moment.
        """
        for node, seen in found.items():
            if seen.head.number >= cursor[0] and cursor[1] in (None, hash_at(node, cursor[0])):
                self.pool.left_at[self._node] = cursor[0]
                self.pool.prefer(node)
                self._node = node
                return

    def _judge(self, error: NotYet, head: int) -> None:
        """Bench an endpoint that has lacked a block for too long, unless it has another one."""
        node = error.node
        other = self._node if node is not self._node else self.pool.witness(node)
        if other is None:
            return
        if self._same_branch(node, other, min(error.number, head)):
            self.pool.bench(node, f"lagging: {error}", Offence.LAGGING)
            self.pool.lasting.over("lacking", node)

    def _lasts_lower(self, cursor: Place, head: Header) -> bool:
        """True if the newest head has been below the cursor for long enough to believe it."""
        if head.number >= cursor[0]:
            self.pool.lasting.over("lower", self.chain)
            return False
        return self._lasts("lower", self.chain) >= self.lower_seconds

    def _lasts(self, what: str, of: object, which: object = None) -> float:
        """Note that something is true; returns for how many seconds it has been."""
        return self.pool.lasting.seconds(what, of, which, gap=self._gap)


def hash_at(node: Evm, number: int) -> bytes | None:
    """Return the hash of an endpoint's block at a height; None if it has none there."""
    header = node.header(number)
    return None if header is None else header.hash


def lowest(heights: list[int | None]) -> int | None:
    """Return the lower of the heights that are told; None if the first one is not."""
    if not heights or heights[0] is None:
        return None
    return min(height for height in heights if height is not None)
