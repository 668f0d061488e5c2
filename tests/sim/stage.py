"""A world on the stage: its chain, its endpoints, the gateway's side, and what can be done to it.

No rules here: those say when.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from sqlalchemy.exc import OperationalError

from gateway.chain.evm import at_url
from gateway.chain.pool import Pool
from gateway.chain.port import NodeAway, NodeError
from gateway.deposits.accept import CursorMoved
from gateway.deposits.follow import Follower, Step
from gateway.deposits.heads import LOWER_HEAD_SECONDS
from gateway.deposits.watched import remembered
from gateway.errors import AccountFrozen
from gateway.ledger.chart import Chart
from gateway.money import Money
from tests.sim.blocks import STRANGER, TOP_LEVEL, Block, Pay, Tx
from tests.sim.house import ETH, USDC, House
from tests.sim.oracle import Oracle, Policy
from tests.sim.scripted import World

CHAINS = count(70_000, 2)
POLL_SECONDS = 0.5
REST_STEPS_MAX = 400
BENCHES_END_SECONDS = 2_000.0
UNLISTED = 2
MINIMUM, SMALL = 50, 30
"""The least that some worlds credit by itself, and what comes below it."""
FAILS = 13
"""A transaction that would move so much fails."""
CAP = 8
"""So many logs are all that an endpoint with a cap tells; the chain is configured for it."""
STATS: Counter[str] = Counter()
"""What happened in all worlds of a run, so that it can show that it was about something."""

Plan = list[list[tuple[int, str, int]]]
"""A block's transactions: whom each movement pays, in what, how much."""


class Stage(RuleBasedStateMachine):
    """A world. The database and Redis are the run's, the chain is this world's alone."""

    @initialize(
        endpoints=st.sampled_from((1, 2, 3, 2)),
        confirmations=st.integers(1, 4),
        finalized_lag=st.integers(3, 6),
        minimum=st.sampled_from((1, MINIMUM)),
        tags=st.booleans(),
        internal=st.booleans(),
        archive=st.booleans(),
        tag=st.sampled_from((None, None, "safe", "finalized")),
    )
    def begin(
        self,
        endpoints: int,
        confirmations: int,
        finalized_lag: int,
        minimum: int,
        tags: bool,
        internal: bool,
        archive: bool,
        tag: str | None,
    ) -> None:
        number = next(CHAINS)
        self.world = World(number, finalized_lag=finalized_lag, safe_lag=finalized_lag // 2)
        self.usdc, self.junk = self.world.token(1), self.world.token(UNLISTED)
        policy = Policy(confirmations, minimum)
        if tag is not None and tags:
            policy.tag_from, policy.tag = 5_000, tag
        driver = "trace_block" if internal else "transactions"
        self.house = House(number, policy, self.usdc, driver=driver, cap=CAP)
        self.views = [
            self.world.view(tags=tags, traces=internal, stale=archive) for _ in range(endpoints)
        ]
        self.tags, self.sick, self.liar = tags, dict[int, str](), False
        self.dark, self.spare = 0.0, list[Follower]()
        deployed = self.house.deployed
        self.oracle = Oracle(
            self.world,
            policy,
            {self.usdc: "USDC", None: "ETH"},
            own={deployed.vault_factory, deployed.payout_vault, deployed.treasury},
            internal=internal,
        )
        self.now, self.loose = 0.0, list[Tx]()
        self.spent: Counter[tuple[str, str]] = Counter()
        self.reasons = set[str]()
        self.settle_in()

    def settle_in(self) -> None:
        """Give out the first addresses and start watching."""
        for _ in range(3):
            self.newcomer_address()
        stranger = self.house.open_account()
        self.oracle.elsewhere.add(self.house.address(stranger, self.house.elsewhere))
        self.start()
        STATS["worlds"] += 1

    def start(self) -> None:
        """Begin as a new process does, which remembers nothing."""
        remembered.cache_clear()
        nodes = [at_url(view.url, self.world.chain_id) for view in self.views]
        self.follower = Follower(self.house.chain, Pool.of(*nodes, clock=lambda: self.now))

    def steps(self, most: int) -> int:
        """Work as the worker does, `most` steps; returns how many found something to do."""
        moved = 0
        for _ in range(most):
            self.now += POLL_SECONDS
            self.dark += POLL_SECONDS * self.is_dark()
            try:
                moved += self.follower.step() is Step.MOVED
            except (NodeAway, NodeError) as error:
                STATS[f"step: {type(error).__name__}"] += 1
                self.follower.away(error)
            except (CursorMoved, OperationalError) as error:
                STATS[f"step: {type(error).__name__}"] += 1
                self.restart()
        return moved

    def is_dark(self) -> bool:
        """True while no endpoint is right and one of them is late: nobody could tell who."""
        return len(self.sick) == len(self.views) and any(view.lag for view in self.views)

    @property
    def blind(self) -> bool:
        """True if that ever lasted so long that a lower head had to be believed."""
        return self.dark >= LOWER_HEAD_SECONDS

    def catch_up(self, most: int = REST_STEPS_MAX) -> None:
        """Work until there is nothing to do."""
        while most > 0 and self.steps(1):
            most -= 1

    def restart(self) -> None:
        self.start()
        self.follower.resume()

    def busy(self) -> None:
        """Have something to do for whoever is to be disturbed."""
        self.mine_now([[[(0, "usdc", 7_000), (1, "eth", 1_000)]]], again=True)

    def newcomer_address(self) -> bytes:
        account = self.house.open_account()
        address = self.house.address(account)
        self.oracle.owner[address] = account
        return address

    def pay(self, who: int, kind: str, amount: int, path: str) -> Pay:
        ours = list(self.oracle.owner)
        others = (STRANGER, next(iter(self.oracle.elsewhere)))
        to = ours[who] if who < len(ours) else others[who % 2]
        sender = self.house.deployed.treasury if kind == "swept" else STRANGER
        return Pay(to, amount, self.token(kind), sender, "0" if kind == "eth" else path)

    def tx(self, plan: Iterable[tuple[int, str, int]]) -> Tx:
        pays = [self.pay(*one, path=f"0.{place}") for place, one in enumerate(plan)]
        own = [pay for pay in pays if pay.token is None and pay.path == "0"]
        made = self.world.tx(*own[:1], *(pay for pay in pays if pay not in own))
        fails = any(pay.units == FAILS for pay in pays)
        return made.doing(*made.pays, succeeds=False) if fails else made

    def mined(self, txs: Iterable[Tx]) -> Block:
        made = self.world.mine(*txs)
        self.oracle.note()
        return made

    def mine_now(self, blocks: list[Plan], again: bool) -> None:
        back = self.take_loose() if again else []
        for plans in blocks:
            self.mined([*(self.tx(plan) for plan in plans), *back])
            back = []

    def take_loose(self) -> list[Tx]:
        back, self.loose = self.loose, []
        STATS["mined again"] += len(back)
        return back

    def token(self, kind: str) -> bytes | None:
        return {"usdc": self.usdc, "swept": self.usdc, "junk": self.junk}.get(kind)

    @property
    def loosest(self) -> int:
        """How many blocks may go without touching a final one."""
        return self.world.head.number - self.world.finalized

    def reorg_now(self, depth: int, fates: list[str], more: int) -> None:
        depth = min(depth, self.loosest)
        if depth == 0:
            return
        gone = self.world.rollback(depth)
        STATS["reorg"] += 1
        ends = iter(fates)
        late: list[Tx] = []
        for old in [*gone, *([None] * more)]:
            txs, late = late, []
            for tx in old.txs if old is not None else ():
                kept, later = self.fated(tx, next(ends, "same"))
                txs += kept
                late += later
            self.mined(txs)
        self.loose += late

    def fated(self, tx: Tx, end: str) -> tuple[list[Tx], list[Tx]]:
        """Return what becomes of a transaction in this block, and in a later one."""
        first = tx.pays[0]
        if end == "drop":
            self.loose.append(tx)
            return [], []
        if end == "later":
            return [], [tx]
        if end == "index":
            return [self.world.tx(Pay(STRANGER, 5, self.usdc)), tx], []
        if end == "amount":
            return [tx.doing(*(one_more(pay) for pay in tx.pays))], []
        if end == "owner":
            another = int(first.to == next(iter(self.oracle.owner)))
            kind = "usdc" if first.token else "eth" if first.path == TOP_LEVEL else "inner"
            other = self.pay(another, kind, first.units, first.path)
            return [tx.doing(other, *tx.pays[1:])], []
        if end == "fails":
            return [tx.doing(*tx.pays, succeeds=False)], []
        if end == "double_spent":
            return [self.world.tx(Pay(STRANGER, first.units, first.token))], []
        return [tx], []

    def is_at_head(self) -> bool:
        return self.house.cursor() == (self.world.head.number, self.world.head.hash)

    def picture(self) -> tuple[Any, ...]:
        return self.house.deposits(), self.house.moves(), self.house.cursor()

    def newcomer_paid(self, kind: str) -> None:
        """Give out an address and have it paid in the very next block."""
        self.mined([self.world.tx(Pay(self.newcomer_address(), 1_000, self.token(kind)))])

    def spend_now(self, payer: int, payee: int, whole: bool) -> None:
        """Have somebody give what is there, or half of it, to somebody else."""
        people = self.house.accounts
        one, other = people[payer % len(people)], people[payee % len(people)]
        standing = self.house.standing()
        for asset in (USDC, ETH):
            has = standing.get((one, asset.code, Chart.AVAILABLE), 0)
            amount = has if whole else has // 2
            if amount == 0 or one == other:
                continue
            with suppress(AccountFrozen):
                self.house.spend(one, other, Money(amount, asset))
                self.spent[one, asset.code] -= amount
                self.spent[other, asset.code] += amount
                STATS["spent"] += 1

    def heal_all(self) -> None:
        """Have every endpoint honest again."""
        for view in self.views:
            view.heal()
        self.sick, self.liar = {}, False


def one_more(pay: Pay) -> Pay:
    """Return a movement of one unit more."""
    return Pay(pay.to, pay.units + 1, pay.token, pay.sender, pay.path)
