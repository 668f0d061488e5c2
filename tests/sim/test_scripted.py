"""The scripted chain itself: what an honest endpoint tells is in order, a fault is what it says."""

from collections.abc import Iterator

import pytest

from gateway.chain import checks
from gateway.chain.evm import Evm, at_url
from gateway.chain.port import NodeAway, NodeError
from tests.sim.blocks import TRANSFER, Pay
from tests.sim.scripted import View, World

OURS, OTHER = bytes([5] * 20), bytes([6] * 20)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


def opened(view: View) -> Evm:
    return at_url(view.url, view.world.chain_id)


def test_an_honest_block_stands_its_own_checks(world: World) -> None:
    node, usdc = opened(world.view()), world.token()
    world.mine(Pay(OTHER, 1))
    block = world.mine(world.tx(Pay(OURS, 1), Pay(OURS, 2, usdc), Pay(OTHER, 3, usdc)))
    header = node.header(2)
    assert header is not None
    assert (header.hash, header.parent_hash) == (block.hash, world.line[1].hash)
    logs = checks.checked_logs(header, node.logs(block.hash, [TRANSFER]))
    assert [log.log_index for log in logs] == [0, 1]
    assert checks.suspicious_silence(header, [], [usdc])
    receipt = node.receipt(block.txs[0].hash)
    assert receipt is not None
    assert receipt.logs == logs
    assert node.balances([OURS, OTHER], usdc, block.hash) == [2, 3]
    assert node.balance(OURS) == 1


def test_a_reorganisation_makes_other_blocks_of_the_same_transaction(world: World) -> None:
    node, tx = opened(world.view()), world.tx(Pay(OURS, 1))
    gone = world.mine(tx)
    world.reorg(1, [], [tx.doing(Pay(OURS, 7))])
    with pytest.raises(NodeError, match="unknown block"):
        node.logs(gone.hash, [TRANSFER])
    receipt = node.receipt(tx.hash)
    assert receipt is not None
    assert receipt.block_number == 2
    assert node.balance(OURS) == 7
    assert node.head().hash == world.head.hash != gone.hash


def test_final_blocks_stay_final_when_the_head_goes_down(world: World) -> None:
    node = opened(world.view())
    world.empty(12)
    world.rollback(2)
    finalized, safe = node.header("finalized"), node.header("safe")
    assert finalized is not None
    assert safe is not None
    assert (node.head().number, safe.number, finalized.number) == (10, 8, 4)


@pytest.mark.parametrize("fault", ["html", "half", "down"])
def test_a_broken_answer_is_no_answer_until_healed(world: World, fault: str) -> None:
    view = world.view()
    node = opened(view)
    setattr(view, fault, True)
    with pytest.raises(NodeAway):
        node.head()
    view.heal()
    assert node.head().number == 0


def test_endpoints_differ_over_one_world(world: World) -> None:
    usdc, late, fork, liar = world.token(), world.view(), world.view(), world.view(forge=1)
    block = world.mine(Pay(OURS, 5, usdc))
    late.lag = 1
    fork.head = world.branch(1, [], [])[-1]
    assert opened(late).head().number == 0
    assert opened(fork).head().number == 2
    assert opened(fork).token_balance(usdc, OURS) == 0
    (log,) = opened(liar).logs(block.hash, [TRANSFER])
    receipt = opened(liar).receipt(block.txs[0].hash)
    assert receipt is not None
    assert log == receipt.logs[0]
    assert int(log.data_hex, 16) == 6


def test_inner_calls_are_seen_by_traces_only(world: World) -> None:
    node = opened(world.view(traces=True))
    block = world.mine(world.tx(Pay(OURS, 4, path="0.1")))
    assert node.balance(OURS) == 4
    full = node.block(block.hash)
    assert full is not None
    assert full.transactions[0].value == 0
    traces = node.ask("trace_block", [hex(block.number)], list[dict[str, object]])
    assert [trace["traceAddress"] for trace in traces] == [[], [1]]
