"""Worlds on a real node: what its own balances say is what the books must say.

MIZAN_ANVIL_WORLDS says how many. They are no worlds of the state machine: its rules make blocks
beside the chain, give a transaction another effect on another branch and know every block there
ever was, which no real node can be told to do; and shrinking one would take minutes. What a world
did is printed, and its seed repeats it.
"""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import text

from gateway import bell, db
from gateway.chain.pool import Pool
from gateway.chain.port import NodeAway, NodeError
from gateway.deposits.follow import Follower, Step
from gateway.deposits.watched import remembered
from gateway.ledger.chart import Movement
from gateway.local.node import NodeError as Refused
from tests.chain.money_in import (
    CHAIN,
    CONFIRMATIONS,
    ETH,
    USDC,
    Till,
    ledger_is_sound,
    open_till,
)
from tests.conftest import TestNode
from tests.sim.fuse import Crash, Fuse, lit
from tests.sim.run import ANVIL, ANVIL_WORLDS, SEED

DEEDS = ("token", "token", "coin", "mine", "mine", "mine", "reorg", "rollback", "again", "crash")
DEEDS_EACH = 30
DEPTH_MAX = 4
STEPS_MAX = 200
POLL_SECONDS = 0.5
MOVES = text(f"""
    select code = {Movement.DEPOSIT:d}, count(*) from ledger.transfer
    where code in ({Movement.DEPOSIT:d}, {Movement.DEPOSIT_REVERSAL:d}) group by 1
""")


class RealWorld:
    """A node, two people, and a watcher that is killed now and then."""

    def __init__(self, till: Till, seed: int) -> None:
        self.till, self.random, self.now = till, random.Random(seed), 0.0
        self.people = [till.account(f"person{place}") for place in range(2)]
        self.addresses = {till.address(person): person for person in self.people}
        self.first, self.raws = till.anvil.head(), list[str]()
        self.seen = Counter(worlds=1)
        self.start()

    def start(self) -> None:
        remembered.cache_clear()
        self.follower = Follower(CHAIN, Pool.of(self.till.node, clock=lambda: self.now))
        self.follower.resume()

    def step(self) -> Step:
        self.now += POLL_SECONDS
        try:
            return self.follower.step()
        except (NodeAway, NodeError) as error:
            self.follower.away(error)
            return Step.IDLE

    def somebody(self) -> bytes:
        return self.random.choice(list(self.addresses))

    def do(self, deed: str) -> None:
        self.seen[deed] += 1
        anvil, above = self.till.anvil, self.till.anvil.head() - self.first
        depth = self.random.randint(1, DEPTH_MAX)
        if deed == "token":
            units = self.random.randint(1, 10**6)
            self.raws.append(self.till.raw(self.till.pay_usdc(self.somebody(), units)))
        elif deed == "coin":
            wei = self.random.randint(1, 10**15)
            self.raws.append(self.till.raw(self.till.pay_eth(self.somebody(), wei)))
        elif deed == "mine":
            anvil.mine(depth)
            self.steps(depth)
        elif deed == "reorg" and above > depth:
            anvil.reorg(depth)
        elif deed == "rollback" and above > depth:
            anvil.call("anvil_rollback", depth)
        elif deed == "again" and self.raws:
            with suppress(Refused):  # it is mined already, or its nonce was used otherwise
                anvil.call("eth_sendRawTransaction", self.random.choice(self.raws))
        elif deed == "crash":
            self.crash()

    def crash(self) -> None:
        self.till.anvil.mine()
        with lit(Fuse(self.random.randint(0, 40))), suppress(Crash):
            self.steps(3)
        if self.random.random() < 0.5:
            bell.live().flushall()
        self.start()

    def steps(self, most: int) -> None:
        for _ in range(most):
            self.step()

    def rest(self) -> None:
        self.till.anvil.mine(CONFIRMATIONS + DEPTH_MAX)
        for _ in range(STEPS_MAX):
            if self.step() is not Step.MOVED and self.follower.cursor()[1] == self.head():
                return
        raise AssertionError("the follower does not come to rest")

    def told(self) -> Counter[str]:
        """Return what happened, so that a run can show that it was about something."""
        with db.transaction() as session:
            for credits, times in session.execute(MOVES):
                self.seen["credits" if credits else "reversals"] += times
        return self.seen

    def head(self) -> bytes:
        return self.till.node.head().hash


@pytest.mark.parametrize("place", range(ANVIL_WORLDS))
def test_a_real_nodes_balances_are_in_the_books(
    anvil: TestNode,
    redis_url: str,
    quiet: None,
    record_property: Callable[[str, object], None],
    place: int,
) -> None:
    till = open_till(anvil)
    world = RealWorld(till, SEED + place)
    deeds = [world.random.choice(DEEDS) for _ in range(DEEDS_EACH)]
    print(f"MIZAN_SEED={SEED} repeats world {place}: {', '.join(deeds)}")
    for deed in deeds:
        world.do(deed)
        world.steps(1)
    world.do("token")
    world.rest()
    for address, person in world.addresses.items():
        held = till.node.token_balance(till.usdc, address), till.node.balance(address)
        assert (till.available(person, USDC), till.available(person, ETH)) == held
    assert ledger_is_sound()
    record_property(ANVIL, dict(told := world.told()))
    assert told["credits"] > 0
