"""What happens to a watcher: it is killed, it is not alone, the ground moves while it works."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from threading import Lock
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy.exc import OperationalError

from gateway import bell
from gateway.chain.port import NodeAway, NodeError
from gateway.deposits.accept import CursorMoved
from gateway.deposits.follow import Follower
from tests.sim.fuse import Crash, Fuse, impatient, lit, redis_away
from tests.sim.stage import REST_STEPS_MAX, STATS, Stage

deeds = st.sampled_from(("mine", "reorg", "newcomer", "flush", "spend"))


class WatcherRules(Stage):
    """The watcher works, dies, and is disturbed."""

    @rule(
        most=st.sampled_from((1, 2, 4, 8, REST_STEPS_MAX)),
        who=st.sampled_from(("same", "same", "new", "old")),
    )
    def follow(self, most: int, who: str) -> None:
        """Work for a while, perhaps as a new process, or one that was asleep all the time."""
        if who == "new":
            self.restart()
        if who == "old" and self.spare:
            self.spare.append(self.follower)
            self.follower = self.spare.pop(0)
        self.catch_up(most)

    @rule(at=st.integers(0, 90), most=st.integers(1, 6), fresh=st.booleans())
    def crash(self, at: int, most: int, fresh: bool) -> None:
        """Kill the process at any statement, commit or Redis command, and start another."""
        self.busy()
        if fresh:
            self.start()
        with lit(Fuse(at)) as fuse, suppress(Crash):
            if fresh:
                self.follower.resume()
            self.steps(most)
        if fuse.dead:
            STATS["crash"] += 1
            self.restart()

    @rule(
        at=st.integers(0, 12),
        most=st.integers(1, 4),
        instead=st.booleans(),
        fates=st.sampled_from(((), ("later",), ("drop", "same", "later"))),
    )
    def two_followers(self, at: int, most: int, instead: bool, fates: tuple[str, ...]) -> None:
        """Let a second process do steps of its own between two statements of the first; both may
        have a reorganisation before them.
        """
        self.busy()
        if fates:
            self.catch_up()
            self.reorg_now(2, list(fates), 1)
        first = self.follower
        self.start()
        second, self.follower = self.follower, first
        fuse = Fuse(at, lambda: self.beside(second, most))
        with lit(fuse):
            self.steps(most)
        STATS["two followers"] += fuse.burnt
        self.spare = [second, first][instead:][:1]
        if instead:
            self.follower = second

    def beside(self, other: Follower, most: int) -> None:
        """Have another follower work here and now, unless this one holds what it waits for."""
        with impatient(), suppress(NodeAway, NodeError, CursorMoved, OperationalError):
            for _ in range(most):
                other.step()

    @rule(most=st.sampled_from((7, 14)))
    def wait(self, most: int) -> None:
        """Time goes by, whether there is something to do or not."""
        self.steps(most)

    @rule(seconds=st.sampled_from((30, 700, 100_000)))
    def asleep(self, seconds: int) -> None:
        """The machine stands still: when it goes on, the watcher's clock has jumped.

        That one is monotonic, so it never goes back. In that time nobody looked, so that nothing
        that was true before has lasted for it.
        """
        self.now += seconds
        STATS["asleep"] += 1

    @rule(most=st.integers(0, 4))
    def redis_lost(self, most: int) -> None:
        """Redis is away for some steps, and empty when it is back."""
        with redis_away():
            self.steps(most)
        bell.live().flushall()
        STATS["redis lost"] += 1

    @rule(at=st.integers(0, 40), deed=deeds)
    def meanwhile(self, at: int, deed: str) -> None:
        """Something happens between two statements of a step."""
        self.busy()
        with lit(Fuse(at, self.deed(deed))) as fuse:
            self.steps(3)
        STATS[f"meanwhile: {deed}"] += fuse.burnt

    @rule(at=st.integers(0, 12), deed=deeds)
    def between_calls(self, at: int, deed: str) -> None:
        """Something happens between two calls of the node within a step."""
        self.busy()
        left, act, one = count(at, -1), self.deed(deed), Lock()

        def before(_: str, __: list[Any]) -> None:
            with one:
                if next(left) == 0:
                    act()

        for view in self.views:
            view.before = before
        self.steps(3)
        with one:  # an endpoint may still be at it when nobody waits for its answer any more
            left = count(-1, -1)
        for view in self.views:
            view.before = None
        STATS[f"between calls: {deed}"] += 1

    def deed(self, name: str) -> Callable[[], None]:
        pay = [[(0, "usdc", 1_000), (1, "eth", 7_000)]]
        if name == "reorg":  # whoever changes its mind within a block is left alone for a while
            self.reasons |= {"endpoint_benched"}
        acts: dict[str, Callable[[], Any]] = {
            "mine": lambda: self.mine_now([pay], again=True),
            "reorg": lambda: self.reorg_now(2, ["later", "amount"], 1),
            "newcomer": lambda: self.newcomer_paid("usdc"),
            "flush": bell.live().flushall,
            "spend": lambda: self.spend_now(0, 1, whole=True),
        }

        def act() -> None:
            with impatient(), suppress(OperationalError):
                acts[name]()

        return act
