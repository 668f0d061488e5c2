"""An on-chain feed, read from a real node: its rounds, its lies, and its chain's sequencer."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import typer
from eth_utils.crypto import keccak
from sqlalchemy import text

from gateway import db
from gateway.chain import evm
from gateway.chain.address import show_address
from gateway.chain.artifacts import call_data
from gateway.operators import prices as by_hand
from gateway.prices import service
from gateway.prices.feed import DECIMALS, LATEST_ROUND, Feed
from gateway.prices.port import SourceAway
from gateway.settings import settings
from tests import asking
from tests.conftest import CHAIN, TestNode, running_anvil

ARTIFACT = json.loads((Path(__file__).parent / "abi" / "PriceFeed.json").read_text())
EIGHT = 10**8
DOLLARS = 2_000 * EIGHT
SAY = "say(uint80,int256,uint256,uint256,uint80)"


@dataclass
class Feeds:
    """A node with a price feed and a sequencer's uptime feed."""

    anvil: TestNode
    price: bytes
    uptime: bytes

    def tell(self, to: bytes, call: str, *values: int) -> None:
        """Send a call and mine it."""
        self.anvil.send(to=f"0x{to.hex()}", data=f"0x{call_data(call, *values).hex()}")
        self.anvil.mine()

    def say(self, to: bytes, *, answer: int, started: int, updated: int, rounds: int = 0) -> None:
        self.tell(to, SAY, 9, answer, started, updated, 9 - rounds)

    def feed(self, *, sequencer: bool = False) -> Feed:
        uptime = self.uptime if sequencer else None
        return Feed("feed", ("ETH", "USD"), CHAIN, self.price, uptime)

    def refusal(self, *, sequencer: bool = False) -> str:
        with pytest.raises(SourceAway) as away:
            self.feed(sequencer=sequencer).rate("ETH", "USD")
        return away.value.detail


def deployed(anvil: TestNode, decimals: int, answer: int) -> bytes:
    """Deploy a feed; returns its address."""
    words = b"".join(value.to_bytes(32, "big") for value in (decimals, answer))
    fields = {
        "from": anvil.accounts()[9],
        "data": ARTIFACT["bytecode"] + words.hex(),
    }
    sent = str(anvil.call("eth_sendTransaction", fields))
    anvil.mine()
    receipt = anvil.call("eth_getTransactionReceipt", sent)
    assert isinstance(receipt, dict)
    return bytes.fromhex(str(receipt["contractAddress"])[2:])


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    with running_anvil(tmp_path_factory.mktemp("feeds")) as anvil:
        yield anvil


@pytest.fixture
def feeds(node: TestNode, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feeds]:
    monkeypatch.setenv("CHAINS", f"{CHAIN}=http://127.0.0.1:{node.port}")
    forget_node()
    yield Feeds(node, deployed(node, 8, DOLLARS), deployed(node, 0, 0))
    forget_node()


def forget_node() -> None:
    settings.cache_clear()
    evm.node.cache_clear()


def test_our_calls_are_those_of_the_contract() -> None:
    names = {f"{one.get('name')}()" for one in ARTIFACT["abi"] if not one.get("inputs")}
    assert {"latestRoundData()", "decimals()"} <= names
    assert keccak(text="latestRoundData()")[:4] == LATEST_ROUND
    assert keccak(text="decimals()")[:4] == DECIMALS


def test_an_answer_has_the_feeds_decimals_and_time(feeds: Feeds) -> None:
    feeds.tell(feeds.price, "update(int256)", 2_001 * EIGHT + 12_345_678)
    found = feeds.feed().rate("ETH", "USD")
    assert found is not None
    assert (found.rate, found.source) == (Decimal("2001.12345678"), "feed")
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=5)
    feeds.tell(feeds.price, "setDecimals(uint8)", 18)
    feeds.tell(feeds.price, "update(int256)", 3 * 10**17)
    found = feeds.feed().rate("ETH", "USD")
    assert found is not None
    assert found.rate == Decimal("0.3")
    assert feeds.feed().rate("USDC", "USD") is None


def test_a_round_that_is_none_is_not_believed(feeds: Feeds) -> None:
    now = int(time.time())
    for answer in (0, -1, -DOLLARS, 10**30):
        feeds.say(feeds.price, answer=answer, started=now, updated=now)
        assert feeds.refusal() == "what the feed tells is no price"
    feeds.say(feeds.price, answer=DOLLARS, started=now, updated=0)
    assert feeds.refusal() == "the feed's round is not complete"
    feeds.say(feeds.price, answer=DOLLARS, started=now, updated=2**256 - 1)
    assert feeds.refusal() == "the feed's round is not complete"
    feeds.say(feeds.price, answer=DOLLARS, started=now, updated=now, rounds=1)
    assert feeds.refusal() == "the feed's answer is carried over from an earlier round"
    feeds.say(feeds.price, answer=DOLLARS, started=now, updated=now)
    feeds.tell(feeds.price, "setDecimals(uint8)", 255)
    assert feeds.refusal() == "what the feed tells is no price"


def test_a_rollups_sequencer_must_be_up_for_an_hour(feeds: Feeds) -> None:
    now = int(time.time())
    feeds.say(feeds.uptime, answer=1, started=now - 9_000, updated=now)
    assert feeds.refusal(sequencer=True) == "the chain's sequencer is down"
    feeds.say(feeds.uptime, answer=0, started=now - 60, updated=now)
    assert feeds.refusal(sequencer=True) == "the chain's sequencer is up again, but not for long"
    feeds.say(feeds.uptime, answer=0, started=now - 3_700, updated=now)
    found = feeds.feed(sequencer=True).rate("ETH", "USD")
    assert found is not None
    assert found.rate == 2_000


def test_what_is_no_feed_or_no_node_says_nothing(feeds: Feeds) -> None:
    nobody = Feed("feed", ("ETH", "USD"), CHAIN, bytes([7] * 20))
    with pytest.raises(SourceAway, match="no price feed"):
        nobody.rate("ETH", "USD")
    elsewhere = Feed("feed", ("ETH", "USD"), "eip155:1", feeds.price)
    with pytest.raises(SourceAway, match="eip155:1"):
        elsewhere.rate("ETH", "USD")


def test_a_feed_makes_a_price_until_it_is_too_old(
    database: str, redis_url: str, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers import prices as worker

    with db.transaction() as session:
        asking.add_chain(session)
    feeds.tell(feeds.price, "update(int256)", DOLLARS)
    by_hand.set_policy("ETH", minimum=1, spread="2", pin=None, depeg="2")
    at = show_address(feeds.price)
    lines = by_hand.add_feed("ETH", CHAIN, at, age_seconds=3_600, sequencer=None, name="feed")
    assert lines[0] == "ETH  2000 USD  median(feed)"
    nothing = show_address(bytes([7] * 20))
    with pytest.raises(typer.BadParameter, match="is not taken: the contract is no price feed"):
        by_hand.add_feed("ETH", CHAIN, nothing, age_seconds=60, sequencer=None, name="x")
    hour_old = int(time.time()) - 3_601
    feeds.say(feeds.price, answer=DOLLARS, started=hour_old, updated=hour_old)
    worker.prices()
    service.board.forget()
    with db.transaction() as session:
        refusal = session.execute(text("select refusal from rate_state")).scalar_one()
    assert refusal == "rate_source_away"
