"""Several endpoints that answer as one: failing over, resting longer each time, sending to all."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.chain import evm
from gateway.chain.evm import at_url
from gateway.chain.pool import BENCH_SECONDS, BENCH_SECONDS_MAX, Offence, Pool
from gateway.chain.port import NodeAway, NodeError
from gateway.settings import settings
from tests.chain.endpoints import CHAIN, NUMBER, Clock
from tests.sim.scripted import View, World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.empty(3)
        yield world


def pool_of(*views: View) -> tuple[Pool, Clock]:
    clock = Clock()
    return Pool.of(*(at_url(view.url, NUMBER) for view in views), clock=clock), clock


def test_the_next_endpoint_answers_for_one_that_is_away(world: World) -> None:
    first, second = world.view(), world.view()
    pool, clock = pool_of(first, second)
    assert pool.head().number == 3
    first.html = True
    assert pool.head().number == 3
    assert pool.balances([bytes(20)] * 2, None, world.head.hash) == [0, 0]
    (news,) = pool.news()
    assert (news.kind, news.name) == ("endpoint_benched", pool.nodes[0].name)
    assert pool.news() == []
    asked = len(first.calls)
    first.heal()
    pool.head()
    assert len(first.calls) == asked
    clock.now += BENCH_SECONDS
    assert pool.healthy() == list(pool.nodes)
    assert pool.primary() is pool.nodes[1], "it stays with whom it has"


def test_an_answer_that_is_a_refusal_is_the_answer(world: World) -> None:
    first, second = world.view(refuse=("eth_call",)), world.view()
    pool, _ = pool_of(first, second)
    with pytest.raises(NodeError):
        pool.call(bytes(20), b"")
    assert "eth_call" not in second.calls
    assert pool.healthy() == list(pool.nodes)


def test_with_nobody_left_the_last_absence_is_told(world: World) -> None:
    pool, _ = pool_of(world.view(html=True), world.view(down=True))
    with pytest.raises(NodeAway):
        pool.head()
    assert pool.healthy() == []
    assert "no endpoint is healthy" in pool.news()[1].reason


def test_each_offence_rests_twice_as_long_up_to_a_limit_and_is_forgiven(world: World) -> None:
    pool, clock = pool_of(world.view(), world.view())
    node = pool.nodes[0]
    seconds = BENCH_SECONDS
    for _ in range(10):
        pool.bench(node, "slow")
        clock.now += seconds - 0.1
        assert pool.benched() == [node]
        clock.now += 0.1
        assert pool.benched() == []
        seconds = min(2 * seconds, BENCH_SECONDS_MAX)
    clock.now += BENCH_SECONDS_MAX + 1
    pool.bench(node, "slow")
    clock.now += BENCH_SECONDS
    assert pool.benched() == []


def test_the_only_endpoint_never_rests(world: World) -> None:
    pool, _ = pool_of(world.view())
    pool.bench(pool.nodes[0], "slow")
    assert pool.healthy() == list(pool.nodes)
    assert pool.news() == []
    assert pool.witness(pool.nodes[0]) is None


def test_of_those_that_rest_one_that_lied_is_the_last_to_be_used(world: World) -> None:
    pool, clock = pool_of(world.view(), world.view(), world.view())
    liar, *others = pool.nodes
    pool.bench(liar, "told another amount", Offence.LYING)
    for node in others:
        clock.now += 1
        pool.bench(node, "away")
    assert pool.primary() is others[0]
    pool.bench(others[0], "away")
    assert pool.primary() is others[1]


def test_names_tell_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = ("http://user:pass@node.example:8545/key?k=1", "https://rpc.example/key", "ipc:/run/g")
    monkeypatch.setenv("CHAINS", f"{CHAIN}={'|'.join(urls)}")
    settings.cache_clear()
    evm.node.cache_clear()
    pool = evm.node(CHAIN)
    assert [one.name for one in pool.nodes] == ["node.example:8545", "rpc.example:443", "/run/g"]
    assert evm.node(CHAIN) is pool
    settings.cache_clear()
    evm.node.cache_clear()


class Mempool:
    """An endpoint that takes transactions, or says why not."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self.error, self.taken = name, error, list[bytes]()

    def send_raw(self, raw: bytes) -> bytes:
        if self.error is not None:
            raise self.error
        self.taken.append(raw)
        return b"\1" * 32


AWAY, LOW = NodeAway("hung up"), NodeError(-32000, "nonce too low")


def of(*nodes: Any) -> Pool:
    return Pool(nodes, Clock())


def test_a_transaction_goes_to_everybody() -> None:
    nodes = Mempool("a", AWAY), Mempool("b"), Mempool("c", LOW), Mempool("d")
    assert of(*nodes).send_raw(b"raw") == b"\1" * 32
    assert [len(node.taken) for node in nodes] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("errors", "told"), [((AWAY, LOW), LOW), ((LOW, AWAY), LOW), ((AWAY, AWAY), AWAY)]
)
def test_a_transaction_that_nobody_takes_is_refused(
    errors: tuple[Exception, ...], told: Exception
) -> None:
    pool = of(*(Mempool(str(place), error) for place, error in enumerate(errors)))
    with pytest.raises(type(told)) as raised:
        pool.send_raw(b"raw")
    assert raised.value is told


def test_answers_to_other_calls_are_none() -> None:
    from gateway.chain.rpc import envelopes, in_order

    def answers(*places: int | None) -> list[Any]:
        told = [{"jsonrpc": "2.0", "id": place, "result": 1} for place in places]
        return envelopes(json.dumps(told).encode())

    assert [one.id for one in in_order(answers(1, 0), 2)] == [0, 1]
    for places in ((0,), (0, 0), (0, 2), (None, 0), (0, 1, 1)):
        with pytest.raises(NodeAway):
            in_order(answers(*places), 2)
    limit = b'[{"id": null, "error": {"code": -32005, "message": "too many"}}]'
    with pytest.raises(NodeError, match="too many"):
        in_order(envelopes(limit), 2)
