"""What the gateway ought to believe, worked out from the true chain alone."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.sim.blocks import TOP_LEVEL, Block, Pay, Tx
from tests.sim.scripted import World

NATIVE, TOKEN = "native", "erc20"


@dataclass(frozen=True, order=True)
class Fact:
    """A movement to one of our addresses, in one block; `asset` None is not listed."""

    tx: bytes
    kind: str
    to: bytes
    asset: str | None
    units: int


@dataclass
class Policy:
    """What the operator configured: how deep is final, and how little is credited."""

    confirmations: int
    minimum: int
    tag_from: int | None = None
    """From this amount of the token on, deposits wait for `tag`."""
    tag: str = "finalized"


@dataclass
class Oracle:
    """Watches the world from outside and remembers what anybody could have called final."""

    world: World
    policy: Policy
    listed: dict[bytes | None, str]
    owner: dict[bytes, str] = field(default_factory=dict)
    elsewhere: set[bytes] = field(default_factory=set)
    own: set[bytes] = field(default_factory=set)
    internal: bool = False
    """Inner calls are seen, because every endpoint has traces."""

    def __post_init__(self) -> None:
        self.blocks: dict[bytes, Block] = {}
        self.by_number: defaultdict[int, set[bytes]] = defaultdict(set)
        self.depth: Counter[bytes] = Counter()
        self.tagged: dict[str, set[bytes]] = {"safe": set(), "finalized": set()}
        self.note()

    def note(self) -> None:
        """Remember how deep every block of the true chain has been."""
        head = self.world.head
        block: Block | None = head
        while block is not None and self.depth[block.hash] <= head.number - block.number:
            self.blocks[block.hash] = block
            self.by_number[block.number].add(block.hash)
            self.depth[block.hash] = head.number - block.number + 1
            block = block.parent
        for name, height in (("safe", self.world.safe), ("finalized", self.world.finalized)):
            line = self.world.line
            for block in reversed(line[: min(height, len(line) - 1) + 1]):
                if block.hash in self.tagged[name]:
                    break
                self.tagged[name].add(block.hash)

    def facts_of(self, block: Block) -> list[Fact]:
        """Return what a block pays to addresses of ours, listed or not."""
        return [
            Fact(tx.hash, TOKEN if pay.token else NATIVE, pay.to, self.asset(pay), pay.units)
            for tx in block.txs
            for pay in tx.moved
            if pay.to in self.owner and self.counts(tx, pay)
        ]

    def asset(self, pay: Pay) -> str | None:
        return self.listed.get(pay.token)

    def counts(self, tx: Tx, pay: Pay) -> bool:
        """True for what moved something, came from outside, and can be seen."""
        outside = pay.sender not in self.own and pay.sender not in self.owner
        seen = pay.token is not None or pay.path == TOP_LEVEL or self.internal
        return pay.units > 0 and outside and seen

    def expected(self) -> Counter[Fact]:
        """Return what the true chain pays in listed assets, all of it."""
        return Counter(
            fact
            for block in self.world.line
            for fact in self.facts_of(block)
            if fact.asset is not None
        )

    def places(self, tx: bytes, kind: str) -> set[int]:
        """Return which movements of a transaction paid us on any branch there was."""
        return {
            place
            for block in self.blocks.values()
            for one in block.txs
            for place, pay in enumerate(one.moved)
            if one.hash == tx and (TOKEN if pay.token else NATIVE) == kind
            if pay.to in self.owner and self.asset(pay) is not None and self.counts(one, pay)
        }

    def strays(self) -> Counter[tuple[str, bytes, bytes | None, int]]:
        """Return what the inbox must hold: unlisted tokens, and what went to another chain's
        address; (kind, address, contract, units)."""
        found: Counter[tuple[str, bytes, bytes | None, int]] = Counter()
        for block in self.world.line:
            for tx in block.txs:
                for pay in tx.moved:
                    if not self.counts(tx, pay):
                        continue
                    if pay.to in self.elsewhere:
                        found["wrong_chain", pay.to, pay.token, pay.units] += 1
                    elif pay.to in self.owner and self.asset(pay) is None:
                        found["unknown_token", pay.to, pay.token, pay.units] += 1
        return found

    def ever_final(self, number: int, tx: bytes, units: int) -> bool:
        """True if some honest endpoint had this payment final, in a block of this height."""
        return any(
            (fact.tx, fact.units) == (tx, units) and self.was_final(one, fact)
            for one in self.by_number[number]
            for fact in self.facts_of(self.blocks[one])
        )

    def ever_left(self, number: int, tx: bytes) -> bool:
        """True if a block of this height with this transaction left the chain."""
        gone = (block for block in self.world.left.values() if block.number == number)
        return any(one.hash == tx for block in gone for one in block.txs)

    def was_final(self, block: bytes, fact: Fact) -> bool:
        if self.waits_for_tag(fact):
            return block in self.tagged[self.policy.tag]
        return self.depth[block] >= self.policy.confirmations

    def waits_for_tag(self, fact: Fact) -> bool:
        start = self.policy.tag_from
        return start is not None and fact.kind == TOKEN and fact.units >= start

    def together(self, to: bytes, asset: str | None) -> int:
        """Return what the small payments to an address were together, in all blocks there were."""
        most: Counter[Fact] = Counter()
        for block in self.blocks.values():
            most |= Counter(self.facts_of(block))
        small = (fact for fact in most.elements() if self.small(fact))
        return sum(fact.units for fact in small if (fact.to, fact.asset) == (to, asset))

    def small(self, fact: Fact) -> bool:
        """True for an amount that is credited only together with others."""
        return fact.units < self.policy.minimum
