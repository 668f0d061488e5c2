"""Catching up: final blocks in ranges that fit the node, everything above them block by block."""

import time
from typing import Any

import pytest
from sqlalchemy import text

from gateway import bell, db
from gateway.accounts import service as accounts
from gateway.addresses import service as addresses
from gateway.chain import vaults
from gateway.deposits import store
from gateway.deposits.catchup import RANGE_BLOCKS_FIRST
from gateway.deposits.follow import Follower, Step
from tests.chain.endpoints import CHAIN, DOLLAR, FACTORY, Reader, open_reader
from tests.chain.money_in import Till, ledger_is_sound
from tests.sim.scripted import Pay, View, World

BLOCKS, FINAL_BELOW = 60, 8
PAID = range(3, BLOCKS, 6)
WAIT_SECONDS = 5.0


class Asked:
    """What an endpoint was asked for, in order."""

    def __init__(self, view: View) -> None:
        self.ranges: list[tuple[int, int]] = []
        self.hashes: list[str] = []
        view.before = self.note

    def note(self, method: str, parameters: list[Any]) -> None:
        if method != "eth_getLogs":
            return
        (query,) = parameters
        if "blockHash" in query:
            self.hashes.append(query["blockHash"])
        else:
            self.ranges.append((int(query["fromBlock"], 16), int(query["toBlock"], 16)))

    @property
    def sizes(self) -> list[int]:
        return [last - first + 1 for first, last in self.ranges]


def a_reader(world: World, view: View, **limits: int) -> Reader:
    """A follower of a chain on which every sixth block paid us, the block's number in dollars."""
    reader = open_reader(world, view)
    limit(reader, **limits)
    for number in range(1, BLOCKS + 1):
        world.mine(*([reader.pay(number * DOLLAR)] if number in PAID else [Pay(FACTORY, 1)]))
    return reader


def limit(reader: Reader, **limits: int) -> None:
    """Write limits of reading into the chain's row and have them followed."""
    with db.transaction() as session:
        for name, value in limits.items():
            session.execute(text(f"update chain set {name} = :value"), {"value": value})
    reader.follower = Follower(CHAIN, reader.pool)


def all_is_there(reader: Reader) -> bool:
    """True if every payment was credited once and the cursor is at the head."""
    expected = [(number * DOLLAR, "credited") for number in PAID]
    return reader.deposits() == expected and reader.at == BLOCKS and ledger_is_sound()


@pytest.fixture
def world(database: str, redis_url: str) -> Any:
    with World(finalized_lag=FINAL_BELOW) as made:
        yield made


def test_final_blocks_are_read_in_growing_ranges_and_the_others_by_hash(world: World) -> None:
    view = world.view()
    reader = a_reader(world, view, read_ahead=0)
    asked = Asked(view)
    reader.follow()
    assert all_is_there(reader)
    assert asked.sizes == [RANGE_BLOCKS_FIRST, 2 * RANGE_BLOCKS_FIRST, BLOCKS - FINAL_BELOW - 24]
    assert asked.ranges[0][0] == 1
    assert asked.ranges[-1][1] == BLOCKS - FINAL_BELOW
    above = world.line[BLOCKS - FINAL_BELOW + 1 :]
    assert asked.hashes == ["0x" + block.hash.hex() for block in above]


def test_a_range_never_has_more_blocks_than_the_chain_allows(world: World) -> None:
    view = world.view()
    reader = a_reader(world, view, read_blocks_max=5)
    asked = Asked(view)
    reader.follow()
    assert all_is_there(reader)
    assert set(asked.sizes[:-1]) == {5}


@pytest.mark.parametrize("ahead", [0, 1, 4])
@pytest.mark.parametrize("silent", [True, False])
def test_ranges_shrink_to_what_the_node_answers(world: World, silent: bool, ahead: int) -> None:
    """A provider cuts its answers, or refuses long ones: nothing is lost either way."""
    view = world.view(cap=2, cap_silent=silent)
    reader = a_reader(world, view, read_ahead=ahead, read_logs_max=2 if silent else 10_000)
    asked = Asked(view)
    reader.follow()
    assert all_is_there(reader)
    assert max(asked.sizes) > min(asked.sizes)
    assert reader.failures == []


@pytest.mark.parametrize("above", [0, 20], ids=["live", "final"])
@pytest.mark.parametrize("silent", [True, False])
def test_a_block_of_more_logs_than_the_node_tells_is_read_by_its_receipts(
    world: World, silent: bool, above: int
) -> None:
    """No fewer blocks can be asked for, and what was cut off may be ours."""
    reader = open_reader(world, world.view(cap=2, cap_silent=silent))
    limit(reader, read_logs_max=2 if silent else 10_000)
    others = [Pay(FACTORY, DOLLAR, token=reader.token) for _ in range(3)]
    world.mine(world.tx(*others[:1]), world.tx(*others[1:], *reader.pay(5).pays))
    world.empty(above)
    reader.follow()
    assert reader.deposits() == [(5, "credited" if above else "confirming")]
    assert (reader.at, reader.failures) == (world.head.number, [])


def test_a_node_without_tags_is_read_block_by_block(world: World) -> None:
    view = world.view(tags=False)
    reader = a_reader(world, view)
    asked = Asked(view)
    reader.follow()
    assert all_is_there(reader)
    assert asked.ranges == []
    assert len(asked.hashes) == BLOCKS


@pytest.mark.parametrize("fault", ["duplicate_logs", "no_receipts"])
def test_a_range_that_cannot_be_true_is_not_taken(world: World, fault: str) -> None:
    view = world.view()
    reader = a_reader(world, view)
    setattr(view, fault, True)
    reader.follow()
    assert (reader.at, reader.deposits()) == (0, [])
    assert reader.failures
    view.heal()
    reader.follow()
    assert all_is_there(reader)


def test_killed_between_two_ranges_another_process_goes_on(world: World) -> None:
    reader = a_reader(world, world.view(), read_blocks_max=8)
    for _ in range(3):
        assert reader.turn() is Step.MOVED
        bell.live().flushall()
        reader.follower = Follower(CHAIN, reader.pool)
    reader.follow()
    assert all_is_there(reader)


def test_killed_inside_a_range_nothing_of_it_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = a_reader(world, world.view())
    assert reader.turn() is Step.MOVED
    at, known = reader.at, reader.deposits()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "keep_sighting", die)
    with pytest.raises(KeyboardInterrupt):
        reader.turn()
    monkeypatch.undo()
    assert (reader.at, reader.deposits()) == (at, known)
    reader.follower = Follower(CHAIN, reader.pool)
    reader.follow()
    assert all_is_there(reader)


def test_an_address_given_out_while_ranges_are_read_ahead_is_in_time(world: World) -> None:
    """The payer may know it as soon as it is committed, whatever was read before that."""
    view = world.view()
    reader = open_reader(world, view)
    limit(reader, read_blocks_max=4, read_ahead=3)
    with db.transaction() as session:
        late = accounts.open_account(session, handle="late", kind="person").id
    owed = vaults.vault_address(FACTORY, vaults.salt_of(late))
    for number in range(1, 41):
        paid = [Pay(owed, DOLLAR, token=reader.token)] if number == 7 else []
        world.mine(*paid, Pay(FACTORY, 1))
    asked = Asked(view)
    assert reader.turn() is Step.MOVED
    assert reader.at == 4
    until = time.monotonic() + WAIT_SECONDS
    while (13, 16) not in asked.ranges:
        assert time.monotonic() < until, "nothing was read ahead"
        time.sleep(0.01)
    with db.transaction() as session:
        addresses.allocate(session, account_id=late, chain=CHAIN)
    reader.follow()
    assert reader.deposits() == [(DOLLAR, "credited")]


def test_on_a_real_node_what_was_paid_long_ago_is_credited(tagged: Till) -> None:
    account = tagged.account()
    ours = tagged.address(account)
    forwarder = tagged.mock("EthForwarder")
    for _ in range(3):
        tagged.pay_usdc(ours, DOLLAR)
        tagged.pay_eth(ours, 5)
        tagged.do(forwarder, "forward(address)", ours, value=7)
        tagged.anvil.mine(10)
    steps = tagged.follow()
    assert steps < tagged.anvil.head() - tagged.follower.start_block
    assert tagged.available(account) == 3 * DOLLAR
    positions = sorted(one.position for one in tagged.deposits() if one.kind == "native")
    assert positions == ["0"] * 3 + ["0.0"] * 3
    assert {one.status for one in tagged.deposits()} == {"credited"}
    assert ledger_is_sound()
