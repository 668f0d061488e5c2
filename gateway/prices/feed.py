"""An on-chain price feed: a contract with AggregatorV3Interface (Chainlink and what imitates it).

A feed speaks when the price moved or its heartbeat is over, so each source says how old an answer
may be. On a rollup nobody can update it while the sequencer is down: the uptime feed tells.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from gateway.chain import evm
from gateway.chain.port import NodeAway, NodeError
from gateway.errors import UnknownChain
from gateway.prices import rules
from gateway.prices.port import Rate, SourceAway

LATEST_ROUND = bytes.fromhex("feaf968c")
"""keccak256("latestRoundData()"), first four bytes."""
DECIMALS = bytes.fromhex("313ce567")
"""keccak256("decimals()"), first four bytes."""
WORD = 32
DECIMALS_MAX = 36
SECONDS_MAX = 2**33
"""Past the year 2200: a larger number is no time."""
SEQUENCER_UP = 0
SEQUENCER_GRACE_SECONDS = 3_600
"""After it is up again answers may still be the old ones."""


@dataclass(frozen=True, slots=True)
class Round:
    """What latestRoundData() returns; times in Unix seconds."""

    number: int
    answer: int
    started_at: int
    updated_at: int
    answered_in: int


@dataclass(frozen=True, slots=True)
class Feed:
    """One pair's feed on a chain, with the chain's sequencer uptime feed where it has one."""

    name: str
    pair: tuple[str, str]
    chain: str
    contract: bytes
    sequencer: bytes | None = None

    def rate(self, asset: str, currency: str) -> Rate | None:
        """Return the feed's answer with its own time, None for another pair; raises SourceAway."""
        if (asset, currency) != self.pair:
            return None
        try:
            node = evm.node(self.chain)
            if self.sequencer is not None:
                sequencer_up(
                    latest(node.call(self.sequencer, LATEST_ROUND)), datetime.now(UTC).timestamp()
                )
            found = latest(node.call(self.contract, LATEST_ROUND))
            decimals = node.call(self.contract, DECIMALS)
        except (NodeAway, NodeError, UnknownChain) as error:
            raise SourceAway(f"the node of {self.chain} does not tell: {error.detail}") from error
        price = priced(found, word(decimals, 0))
        at = datetime.fromtimestamp(found.updated_at, UTC)
        return Rate(asset, currency, price, self.name, at)


def latest(answer: bytes) -> Round:
    """Read latestRoundData(); raises SourceAway for what is none."""
    if len(answer) < 5 * WORD:
        raise SourceAway("the contract is no price feed")
    signed = int.from_bytes(answer[WORD : 2 * WORD], "big", signed=True)
    return Round(word(answer, 0), signed, word(answer, 2), word(answer, 3), word(answer, 4))


def word(answer: bytes, place: int) -> int:
    """Return a word of an answer as a number; raises SourceAway when it is not there."""
    found = answer[place * WORD : (place + 1) * WORD]
    if len(found) < WORD:
        raise SourceAway("the contract is no price feed")
    return int.from_bytes(found, "big")


def priced(found: Round, decimals: int) -> Decimal:
    """Return the price of a round; raises SourceAway for one that is not complete or no price."""
    if found.updated_at == 0 or found.updated_at > SECONDS_MAX:
        raise SourceAway("the feed's round is not complete")
    if found.answered_in < found.number:
        raise SourceAway("the feed's answer is carried over from an earlier round")
    if found.answer <= 0 or decimals > DECIMALS_MAX:
        raise SourceAway("what the feed tells is no price")
    price = Decimal(found.answer).scaleb(-decimals, rules.EXACT)
    if not rules.is_plausible(price):
        raise SourceAway("what the feed tells is no price")
    return price


def sequencer_up(found: Round, now: float) -> None:
    """Raise SourceAway while a rollup's sequencer is down, and for a grace after it came up."""
    if found.answer != SEQUENCER_UP or found.started_at == 0:
        raise SourceAway("the chain's sequencer is down")
    if now - found.started_at < SEQUENCER_GRACE_SECONDS:
        raise SourceAway("the chain's sequencer is up again, but not for long")
