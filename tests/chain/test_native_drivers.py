"""Every way a node tells native coin that moved, held against a block that has all of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.chain.artifacts import call_data
from gateway.chain.evm import Evm, at_url
from gateway.chain.port import Header, NodeAway, NodeError
from gateway.deposits.native import Driver, Move, Transactions
from gateway.deposits.native.trace_block import TraceBlock
from gateway.deposits.native.trace_calls import TraceCalls, TraceEach
from tests.chain import native_moves
from tests.chain.money_in import MOCKS, created, hexed
from tests.conftest import TestNode, running_anvil

US = bytes.fromhex("5a" * 20)
TRACING = [TraceBlock, TraceCalls, TraceEach]


class Scene:
    """A node with contracts that move coin."""

    def __init__(self, anvil: TestNode) -> None:
        self.anvil = anvil
        self.node: Evm = at_url(f"http://127.0.0.1:{anvil.port}", 31337)

    def mock(self, name: str) -> bytes:
        code = json.loads((MOCKS / f"{name}.json").read_text())["bytecode"]
        return created(self.anvil, {"data": code})

    def do(self, to: bytes, signature: str, *values: object, value: int = 0) -> str:
        fields = {
            "from": self.anvil.accounts()[8],
            "to": hexed(to),
            "data": hexed(call_data(signature, *values)),
            "value": hex(value),
            "gas": hex(1_000_000),
        }
        return str(self.anvil.call("eth_sendTransaction", fields))

    def mined(self) -> Header:
        self.anvil.mine()
        return self.node.head()

    def to_us(self, driver: Driver, header: Header) -> list[Move]:
        return [move for move in self.moves(driver, header) if move.to == hexed(US)]

    def moves(self, driver: Driver, header: Header) -> list[Move]:
        (moves,) = driver.moves(self.node, [header], [[]])
        return moves


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running_anvil(tmp_path_factory.mktemp("node")) as anvil:
        yield Scene(anvil)


@pytest.fixture(params=TRACING)
def driver(request: pytest.FixtureRequest) -> Driver:
    made: Driver = request.param()
    return made


def told(moves: list[Move]) -> list[tuple[str, str, int]]:
    return [(move.tx_hash, move.position, int(move.value, 16)) for move in moves]


def test_a_transactions_own_value_has_the_position_it_always_had(
    scene: Scene, driver: Driver
) -> None:
    tx = scene.anvil.send(to=hexed(US), value=9, sender=8)
    header = scene.mined()
    assert told(scene.moves(driver, header)) == [(tx, "0", 9)]
    assert scene.moves(Transactions(), header) == scene.moves(driver, header)


def test_inner_calls_are_seen_each_with_its_path(scene: Scene, driver: Driver) -> None:
    forwarder = scene.mock("EthForwarder")
    tx = scene.do(forwarder, "forwardMany(address,uint256)", US, 2, value=10)
    header = scene.mined()
    assert told(scene.to_us(driver, header)) == [(tx, "0.0", 5), (tx, "0.1", 5)]
    assert scene.to_us(Transactions(), header) == []


def test_what_a_reverted_frame_moved_is_dropped(scene: Scene, driver: Driver) -> None:
    mock = scene.mock("RevertedFrame")
    tx = scene.do(mock, "pretend(address)", US, value=7)
    header = scene.mined()
    receipt = scene.node.receipt(bytes.fromhex(tx[2:]))
    assert receipt is not None
    assert receipt.succeeded
    assert told(scene.moves(driver, header)) == [(tx, "0", 7)]


def test_a_failed_transaction_moves_nothing(scene: Scene, driver: Driver) -> None:
    forwarder = scene.mock("EthForwarder")
    scene.do(forwarder, "forward(address)", forwarder, value=8)
    assert scene.moves(driver, scene.mined()) == []


def test_a_selfdestruct_pays(scene: Scene, driver: Driver) -> None:
    mock = scene.mock("SelfdestructSender")
    tx = scene.do(mock, "destroy(address)", US, value=5)
    assert told(scene.to_us(driver, scene.mined())) == [(tx, "0.0", 5)]


def test_a_contract_that_lives_for_one_transaction_pays(scene: Scene, driver: Driver) -> None:
    mock = scene.mock("SelfdestructBurst")
    tx = scene.do(mock, "burst(address)", US, value=6)
    header = scene.mined()
    assert told(scene.to_us(driver, header)) == [(tx, "0.1.0", 6)]
    endowment = scene.moves(driver, header)[1]
    assert (endowment.sender, endowment.position, int(endowment.value, 16)) == (
        hexed(mock),
        "0.0",
        6,
    )
    assert len(bytes.fromhex(endowment.to[2:])) == 20


def test_value_that_a_delegatecall_shows_did_not_move(scene: Scene, driver: Driver) -> None:
    mock = scene.mock("DelegateForwarder")
    tx = scene.do(mock, "delegate(address)", US, value=3)
    assert told(scene.moves(driver, scene.mined())) == [(tx, "0", 3)]


def test_value_that_a_callcode_shows_did_not_move(scene: Scene, driver: Driver) -> None:
    through = native_moves.contract(scene.anvil, native_moves.FORWARD_BY_CALLCODE)
    tx = native_moves.pay_through(scene.anvil, through, US, 4)
    assert told(scene.moves(driver, scene.mined())) == [(tx, "0", 4)]


def test_the_position_does_not_depend_on_the_driver(scene: Scene, driver: Driver) -> None:
    through = native_moves.contract(scene.anvil, native_moves.FORWARD_AFTER_PRECOMPILE)
    tx = native_moves.pay_through(scene.anvil, through, US, 4)
    assert told(scene.to_us(driver, scene.mined())) == [(tx, "0.0", 4)]


def test_many_blocks_are_asked_for_at_once(scene: Scene, driver: Driver) -> None:
    headers = []
    for value in (1, 0, 3):
        if value:
            scene.anvil.send(to=hexed(US), value=value, sender=8)
        headers.append(scene.mined())
    found = driver.moves(scene.node, headers, [[], [], []])
    assert [[int(move.value, 16) for move in moves] for moves in found] == [[1], [], [3]]


@pytest.mark.parametrize("kind", [Transactions, *TRACING])
def test_another_branch_is_not_taken_for_the_block(scene: Scene, kind: type[Driver]) -> None:
    scene.anvil.send(to=hexed(US), value=1, sender=8)
    gone = scene.mined()
    scene.anvil.reorg(1)
    scene.anvil.send(to=hexed(US), value=2, sender=8)
    scene.anvil.mine()
    with pytest.raises((NodeAway, NodeError)):
        kind().moves(scene.node, [gone], [[]])


def test_a_trace_of_the_transaction_in_another_block_is_not_taken(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx = scene.anvil.send(to=hexed(US), value=1, sender=8)
    raw = scene.anvil.call("eth_getRawTransactionByHash", tx)
    header = scene.mined()
    ask_many = scene.node.ask_many

    def mined_again(method: str, calls: list[list[Any]], result: Any) -> list[Any]:
        if method == "debug_traceTransaction":
            scene.anvil.reorg(1)
            scene.anvil.call("eth_sendRawTransaction", raw)
            scene.anvil.mine()
        return ask_many(method, calls, result)

    monkeypatch.setattr(scene.node, "ask_many", mined_again)
    with pytest.raises(NodeAway):
        TraceEach().moves(scene.node, [header], [[]])
