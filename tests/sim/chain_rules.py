"""What happens to a chain: blocks, payments of every kind, and a past that changes."""

from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy.exc import OperationalError

from tests.sim.blocks import Pay
from tests.sim.fuse import Crash, Fuse, lit
from tests.sim.stage import BENCHES_END_SECONDS, FAILS, SMALL, STATS, Plan, Stage

whom = st.integers(0, 4)
what = st.sampled_from(("usdc", "usdc", "usdc", "eth", "eth", "junk", "inner", "swept"))
units = st.sampled_from((1_000, 7_000, SMALL, 1, 0, FAILS))
transaction = st.lists(st.tuples(whom, what, units), min_size=1, max_size=3)
block = st.lists(transaction, min_size=1, max_size=2)
fate = st.sampled_from(
    ("same", "drop", "later", "index", "amount", "owner", "fails", "double_spent")
)

MOMENT_STEPS = 3


class ChainRules(Stage):
    """The chain goes on, or back."""

    @rule(
        blocks=st.lists(block, min_size=1, max_size=2), again=st.booleans(), then=st.integers(0, 6)
    )
    def mine(self, blocks: list[Plan], again: bool, then: int) -> None:
        """Mine transactions, those that a reorganisation dropped perhaps among them."""
        self.mine_now(blocks, again)
        self.catch_up(then)

    @rule(blocks=st.integers(1, 6), seconds=st.sampled_from((0, 0, -5_000, -13, 100_000)))
    def quiet(self, blocks: int, seconds: int) -> None:
        """Empty blocks; the clock of the first one jumps."""
        self.world.now = max(1, self.world.now + seconds)
        for _ in range(blocks):
            self.mined(())

    @rule(who=whom, kind=st.sampled_from(("usdc", "eth")), times=st.integers(1, 3))
    def dust(self, who: int, kind: str, times: int) -> None:
        """Payments below the minimum to one address; together they may be enough."""
        for _ in range(times):
            self.mined([self.tx([(who, kind, SMALL)])])

    @rule(kind=what)
    def newcomer(self, kind: str) -> None:
        self.newcomer_paid(kind)

    @rule(
        paid=block,
        depth=st.integers(1, 6),
        fates=st.lists(fate, min_size=1, max_size=4),
        more=st.integers(0, 2),
        then=st.integers(0, 6),
        above=st.integers(0, 3),
        spent=st.booleans(),
    )
    def reorg(
        self,
        paid: Plan,
        above: int,
        depth: int,
        fates: list[str],
        more: int,
        then: int,
        spent: bool,
    ) -> None:
        """Replace the newest blocks; what was in them is mined elsewhere, changed or dropped.

        Who was credited for it may have spent it before.
        """
        self.mine_now([paid, *([[]] * above)], again=False)
        self.catch_up(then + above)
        if spent:
            who = paid[0][0][0]
            self.spend_now(who, who + 1, whole=True)
        self.reorg_now(depth, fates, more)
        self.catch_up(then)

    @rule(depth=st.integers(1, 6))
    def rollback(self, depth: int) -> None:
        """The head goes down, and there is no other branch yet.

        Beside a liar it is soon up again: nobody could tell that it does not lag.
        """
        depth = min(depth, self.loosest)
        gone = self.world.rollback(depth) if depth else []
        self.loose += [tx for one in gone for tx in one.txs]
        if self.liar:
            self.steps(MOMENT_STEPS)
            for _ in gone:
                self.mined(())
        STATS["rollback"] += 1

    @precondition(lambda self: self.tags)
    @rule(below=st.integers(1, 3), steps=st.integers(2, 6), at=st.integers(30, 110))
    def deep_fork(self, below: int, steps: int, at: int) -> None:
        """All endpoints show another chain than the final one: nothing may change until it ends,
        not even for what a process that died left to be credited.
        """
        self.heal_all()
        self.now += BENCHES_END_SECONDS
        self.busy()
        for _ in range(self.world.finalized_lag + below):
            self.mined(())
        with lit(Fuse(at)), suppress(Crash):
            self.catch_up()
        self.start()
        known = self.house.finalized() or 0
        if known <= below or self.house.cursor()[0] < known:
            return
        before, line = self.picture(), list(self.world.line)
        self.world.rollback(self.world.head.number - known + below)
        for _ in range(len(line) - len(self.world.line) + 1):
            self.world.mine(Pay(next(iter(self.oracle.owner)), 9_999_999, self.usdc))
        self.reasons |= {"deep_reorg"}
        with suppress(OperationalError):
            for _ in range(steps):
                self.follower.step()
            assert self.house.halted(), "it works on below the final block"
            self.follower.resume()
            self.follower.step()
            for was, now in zip(before, self.picture(), strict=True):
                assert was == now, f"changed below the final block: {was} is now {now}"
            assert "deep_reorg" in self.house.alarms(), "nobody was told of the other chain"
        self.world.line[:] = line
        self.mined(())
        STATS["deep fork"] += 1
