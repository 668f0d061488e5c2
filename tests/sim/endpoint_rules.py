"""What happens to endpoints: they fail, fall behind, and lie."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from gateway.chain import wires
from gateway.deposits import heads
from tests.sim.blocks import STRANGER, Pay
from tests.sim.stage import BENCHES_END_SECONDS, CAP, STATS, Stage

LIES = ("empty_logs", "drop_log", "forge", "forge_logs_only", "fork", "early")
"""What only a second endpoint can tell."""
TROUBLES: dict[str, Any] = {
    "lag": 3,
    "far": 9,
    "duplicate_logs": True,
    "foreign_logs": True,
    "html": True,
    "half": True,
    "down": True,
    "status": 500,
    "chain_id": 5,
    "no_receipts": True,
    "tags_null": True,
    "cap": CAP,
}
SLOW_SECONDS, PATIENCE_SECONDS = 0.6, 0.3
"""How late an answer is that nobody waits for, and how long one is waited for meanwhile."""


class EndpointRules(Stage):
    """Endpoints that are not what they should be."""

    @rule(place=st.integers(0, 2), kind=st.sampled_from(sorted(TROUBLES)))
    def trouble(self, place: int, kind: str) -> None:
        """Something is wrong with an endpoint that any client can notice."""
        if self.liar:
            return
        if kind in ("lag", "far"):  # so that there is a credit to be undone
            self.busy()
            self.catch_up()
        place %= len(self.views)
        setattr(self.views[place], "lag" if kind == "far" else kind, TROUBLES[kind])
        self.sick[place] = kind
        self.reasons |= {"endpoint_benched"} | (
            {"finality_untold"} if kind == "tags_null" else set()
        )
        STATS[f"trouble: {kind}"] += 1
        if kind == "far":  # alone, it looks like another chain below what was final
            self.reasons.add("deep_reorg")
        if kind == "foreign_logs":  # those of a block without any look like silence
            self.reasons.add("endpoints_disagree")
        if kind == "cap":
            self.crowded()
        self.busy()
        self.steps(3)

    def crowded(self) -> None:
        """Have final blocks with more logs together than an endpoint with a cap tells."""
        for _ in range(3):
            others = (Pay(STRANGER, 1, self.usdc) for _ in range(CAP - 4))
            self.mined([self.world.tx(*others, self.pay(0, "usdc", 1_000, "0"))])
        for _ in range(self.world.finalized_lag + 1):
            self.mined(())

    @precondition(lambda self: len(self.views) > 1)
    @rule(place=st.sampled_from((0, 0, 1, 2)), kind=st.sampled_from(LIES), depth=st.integers(1, 3))
    def lie(self, place: int, kind: str, depth: int) -> None:
        """One endpoint lies, most often the one that is read; all others are there to say so."""
        self.heal_all()
        self.now += BENCHES_END_SECONDS
        pool = self.follower.pool
        place = (place + pool.nodes.index(pool.primary())) % len(self.views)
        view = self.views[place]
        if kind == "fork":
            depth = min(depth, self.loosest)
            side = [[self.tx([(0, "usdc", 7_000)])], *([()] * depth)]
            view.head = self.world.branch(depth, *side)[-1]
        elif kind == "drop_log":  # a second endpoint is asked about it in blocks that are not final
            self.catch_up()
            view.drop_log = depth
        else:
            forging = kind.startswith("forge")
            setattr(view, "forge" if forging else kind, 11 if forging else True)
            view.forge_logs_only = kind == "forge_logs_only"
        self.liar, self.sick[place] = True, kind
        self.reasons |= {"endpoint_benched", "endpoints_disagree"}
        STATS[f"lie: {kind}"] += 1
        if kind == "drop_log":  # of one that tells the others nothing is suspected
            paid = [[(who, "usdc", 1_000)] for who in range(3)]
            self.mine_now([[*paid, *paid]], again=False)
        self.busy()
        self.steps(5)
        if kind in ("early", "drop_log"):
            self.heal_all()
        if kind == "early":
            self.reorg_now(2, [], 1)

    @rule(place=st.integers(0, 2), at=st.integers(1, 8), answers=st.integers(1, 3))
    def hang(self, place: int, at: int, answers: int) -> None:
        """Some answers of an endpoint come when nobody waits for them any more."""
        if self.liar:
            return
        self.busy()
        view, calls = self.views[place % len(self.views)], count()
        late = range(at - 1, at - 1 + answers)

        def before(_: str, __: list[Any]) -> None:
            view.slow = SLOW_SECONDS * (next(calls) in late)

        self.reasons |= {"endpoint_benched"}
        view.before = before
        with self.impatient_for_answers():
            self.steps(3)
        STATS["hang"] += next(calls) >= at
        view.before, view.slow = None, 0.0

    @contextmanager
    def impatient_for_answers(self) -> Iterator[None]:
        """Have time-outs come soon, on new connections: the old ones have their own."""
        for view in self.views:
            view.server.hang_up()
        with (
            mock.patch.object(wires, "ANSWER_SECONDS", PATIENCE_SECONDS),
            mock.patch.object(heads, "HEADS_WAIT_SECONDS", PATIENCE_SECONDS),
        ):
            yield
        for view in self.views:
            view.server.hang_up()

    @rule()
    def heal(self) -> None:
        self.heal_all()
