"""One world after another: a chain, its endpoints and the gateway, driven by Hypothesis.

Every rule is something that happens to a watcher. The books are held against the chain after each,
and, once everything is healed and final, to the unit.
"""

import sys

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.sim import invariants
from tests.sim.chain_rules import ChainRules
from tests.sim.endpoint_rules import EndpointRules
from tests.sim.stage import BENCHES_END_SECONDS, REST_STEPS_MAX, STATS
from tests.sim.watcher_rules import WatcherRules


class Worlds(ChainRules, WatcherRules, EndpointRules):
    """Everything at once, and the judgement."""

    @rule(payer=st.integers(0, 9), payee=st.integers(0, 9), whole=st.booleans())
    def spend(self, payer: int, payee: int, whole: bool) -> None:
        """Somebody gives a credited balance to somebody else; who was frozen may again."""
        if not whole:
            for account in self.house.accounts:
                self.house.unfreeze(account)
        self.spend_now(payer, payee, whole)

    @invariant()
    def books_are_honest(self) -> None:
        invariants.always(self.house, self.oracle, blind=self.blind)

    def rest(self) -> None:
        """Heal everything, let all become final, and hold the books against the chain."""
        self.heal_all()
        self.now += BENCHES_END_SECONDS
        deep = max(self.oracle.policy.confirmations, self.world.finalized_lag) + 1
        for _ in range(deep):
            self.mined(())
        for _ in range(REST_STEPS_MAX):
            if not self.steps(1) and self.is_at_head():
                break
        self.steps(1)
        invariants.always(self.house, self.oracle, blind=self.blind)
        invariants.at_rest(self.house, self.oracle, self.spent)
        alarms = self.house.alarms()
        without = {kind: alarms[kind] for kind in alarms.keys() - self.reasons}
        assert not without, f"alarms without a reason: {without}"

    def teardown(self) -> None:
        if not hasattr(self, "follower"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.rest()
                self.note()
        finally:
            self.follower.catching_up.forget()
            self.world.__exit__()

    def note(self) -> None:
        moves = self.house.moves()
        STATS["credits"] += sum(move.units > 0 for move in moves)
        STATS["reversals"] += sum(move.units < 0 for move in moves)
        STATS["inbox"] += sum(self.house.inbox().values())
