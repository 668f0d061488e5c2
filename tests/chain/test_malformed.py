"""What an endpoint tells that cannot be read is a lie of that endpoint, and of no other."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway import db
from tests.chain.endpoints import CHAIN, DOLLAR, Reader, open_reader
from tests.sim.scripted import Pay, View, World
from tests.sim.serving import Reply

Change = Callable[[dict[str, Any]], dict[str, Any]]
MILLISECONDS = hex(1_750_000_000_000)
LONG_AGO = "update watch_cursor set away_since = away_since - interval '5 minutes'"


@pytest.fixture
def world(database: str, redis_url: str) -> Iterator[World]:
    with World() as world:
        yield world


def told(**fields: Any) -> Change:
    return lambda honest: honest | fields


def action(**fields: Any) -> Change:
    return lambda honest: honest | {"action": honest["action"] | fields}


def first_log(**fields: Any) -> Change:
    return lambda honest: honest | {"logs": [one | fields for one in honest["logs"]]}


BLOCK = "eth_getBlockByNumber"
LOGS, RECEIPT, TRACES = "eth_getLogs", "eth_getTransactionReceipt", "trace_block"
DECODED: dict[str, tuple[str, Change]] = {
    "no number": (BLOCK, told(number="0x")),
    "a number beyond all": (BLOCK, told(number="0x" + "f" * 20)),
    "half a byte": (BLOCK, told(hash="0x" + "a" * 63)),
    "31 bytes": (BLOCK, told(hash="0x" + "a" * 62)),
    "31 bytes of a parent": (BLOCK, told(parentHash="0x" + "a" * 62)),
    "milliseconds": (BLOCK, told(timestamp=MILLISECONDS)),
    "half a byte of a filter": (BLOCK, told(logsBloom="0xabc")),
    "no gas": (BLOCK, told(gasUsed="0x")),
    "no status": (RECEIPT, told(status="0x")),
    "half a block": (RECEIPT, told(blockHash="0xabc")),
    "no place": (RECEIPT, first_log(logIndex="0x")),
}
READ: dict[str, tuple[str, Change]] = {
    "half a transaction": (LOGS, told(transactionHash="0x" + "a" * 63)),
    "no transaction": (LOGS, told(transactionHash="0x" + "z" * 64)),
    "half a contract": (LOGS, told(address="0xc0ffee")),
    "nobody": (TRACES, action(to="0x12zz")),
    "half of somebody": (TRACES, action(to="0x123")),
    "no value": (TRACES, action(value="0xzz")),
    "no path": (TRACES, told(traceAddress="top")),
    "no path either": (TRACES, told(traceAddress=["0"])),
}


def spoil(view: View, method: str, change: Change) -> None:
    """Let an endpoint change what it tells in answers to a method."""
    honest = view.spoiled

    def spoiled(asked: str, parameters: list[Any]) -> Any:
        answer = honest(asked, parameters)
        if asked != method or answer is None:
            return answer
        return [change(one) for one in answer] if isinstance(answer, list) else change(answer)

    view.__dict__["spoiled"] = spoiled


def tracing(world: World, *views: View) -> Reader:
    """Read inner calls, too."""
    reader = open_reader(world, *views)
    with db.transaction() as session:
        session.connection().exec_driver_sql("update chain set native_driver = 'trace_block'")
    return reader


def pay(reader: Reader) -> None:
    """Mine two payments, of a token and inside of a call."""
    inner = Pay(reader.address, 7, path="0.1")
    reader.world.mine(reader.pay(3 * DOLLAR), reader.world.tx(inner))


def alone_calls_an_operator(world: World, above: int, method: str, change: Change) -> None:
    view = world.view(traces=True)
    reader = tracing(world, view)
    honest = view.spoiled
    pay(reader)
    world.empty(above)
    spoil(view, method, change)
    assert reader.turn() is None
    with db.transaction() as session:
        session.connection().exec_driver_sql(LONG_AGO)
    assert reader.turn() is None
    assert reader.alarms() == [f"node_away {CHAIN}"]
    assert reader.deposits() == []
    view.__dict__["spoiled"] = honest
    reader.follow()
    assert sorted(units for units, _ in reader.deposits()) == [7, 3 * DOLLAR]


@pytest.mark.parametrize("above", [0, 20], ids=["block by block", "in ranges"])
@pytest.mark.parametrize("name", [*DECODED, *READ])
def test_the_only_endpoint_of_a_chain_calls_an_operator(
    world: World, name: str, above: int
) -> None:
    alone_calls_an_operator(world, above, *(DECODED | READ)[name])


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", DECODED)
def test_one_of_two_is_benched_and_the_chain_goes_on(world: World, name: str, place: int) -> None:
    views = world.view(traces=True), world.view(traces=True)
    reader = tracing(world, *views)
    pay(reader)
    spoil(views[place], *DECODED[name])
    reader.wait(10)
    assert len(reader.deposits()) == 2
    assert reader.alarms() == [f"endpoint_benched {CHAIN} {reader.nodes[place].name}"]


@pytest.mark.parametrize("name", READ)
def test_the_one_that_is_read_is_benched_and_the_chain_goes_on(world: World, name: str) -> None:
    views = world.view(traces=True), world.view(traces=True)
    reader = tracing(world, *views)
    pay(reader)
    spoil(views[0], *READ[name])
    reader.wait(10)
    assert len(reader.deposits()) == 2
    assert reader.alarms() == [f"endpoint_benched {CHAIN} {reader.nodes[0].name}"]


@pytest.mark.parametrize(
    "body",
    [b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 100_000, b'{"id":1,"result":"\xff"}'],
    ids=["endless brackets", "letters of no alphabet"],
)
def test_bytes_that_are_no_json_are_no_answer(world: World, body: bytes) -> None:
    view = world.view()
    reader = open_reader(world, view)
    pay(reader)
    view.server.answering = lambda _: Reply(body)
    assert reader.turn() is None
    assert reader.failures
