"""Two machines watch two chains: what one of them leaves undone the other takes up at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway import db
from gateway.addresses import service as addresses
from gateway.chain.add import NewAsset, add_chain
from gateway.deposits import store
from gateway.settings import settings
from tests.chain.money_in import (
    CHAIN,
    DOLLAR,
    ETH,
    ETHER,
    Till,
    hexed,
    ledger_is_sound,
    number,
    open_till,
)
from tests.conftest import TestNode, running_anvil

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]

SECOND = "eip155:31338"
TAKEOVER_SECONDS = 5.0
WAIT_SECONDS = 60.0
HOLDER = text("""
    select a.application_name from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and a.datname = current_database()
        and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(:name, 0)
""")


class Machine:
    """A beat and a worker of the watch queue, as one machine runs them."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        celery = (sys.executable, "-m", "celery", "-A", "workers.app")
        worker = ("worker", "--queues", "watch", "--hostname", f"watch@{name}")
        beat = ("beat", "--schedule", str(home / f"beat-{name}"))
        env = os.environ | {"PGAPPNAME": name}
        self.processes = [
            subprocess.Popen(
                [*celery, *command],
                env=env,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for command in (worker, beat)
        ]

    def send(self, what: signal.Signals) -> None:
        """Send a signal to every process of the machine at once."""
        for process in self.processes:
            os.killpg(process.pid, what)

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def nodes(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[list[TestNode]]:
    """Two chains with ids of their own."""
    with ExitStack() as stack:
        found = []
        for chain in (CHAIN, SECOND):
            home = tmp_path / chain[-5:]
            home.mkdir()
            chain_id = ("--chain-id", chain.partition(":")[2])
            found.append(stack.enter_context(running_anvil(home, *chain_id)))
        urls = zip((CHAIN, SECOND), found, strict=True)
        chains = " ".join(f"{chain}=http://127.0.0.1:{node.port}" for chain, node in urls)
        monkeypatch.setenv("CHAINS", chains)
        settings.cache_clear()
        yield found


@pytest.fixture
def till(nodes: list[TestNode]) -> Till:
    """Both chains served; both mine a block a second."""
    opened = open_till(nodes[0])
    start = nodes[1].head() + 1
    with db.transaction() as session:
        add_chain(
            session,
            chain_id=31338,
            name="Second",
            confirmations=2,
            block_seconds=Decimal(1),
            deployed=replace(opened.deployed, block_number=start),
            start_block=start,
            assets=[NewAsset("ETH", "Ether", None, 18)],
        )
    for node in nodes:
        node.call("evm_setIntervalMining", 1)
    return opened


@contextmanager
def machines(home: Path) -> Iterator[list[Machine]]:
    """Two machines, both chains watched."""
    found = [Machine(name, home) for name in ("north", "south")]
    try:
        eventually(lambda: all(holder(chain) for chain in (CHAIN, SECOND)))
        yield found
    finally:
        for machine in found:
            machine.end()


def eventually(true: Callable[[], object], seconds: float = WAIT_SECONDS) -> float:
    """Wait until something is true; returns how many seconds that took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, "it did not come to pass"
        time.sleep(0.05)
    return time.monotonic() - begun


def holder(chain: str) -> str | None:
    """Return the machine that watches a chain."""
    with db.transaction() as session:
        return session.execute(HOLDER, {"name": f"watch {chain}"}).scalar_one_or_none()


def cursor(chain: str) -> int:
    return number("select number from watch_cursor where chain = :chain", chain=chain)


def address_on(till: Till, chain: str, account: str) -> bytes:
    with db.transaction() as session:
        return addresses.allocate(session, account_id=account, chain=chain).address


def taken_over(found: list[Machine], act: Callable[[Machine], None]) -> tuple[Machine, float]:
    """Let the machine that watches the first chain fail; returns it, and how long all was missed.

    Over is when every chain is watched by the other machine and has a newer block.
    """
    victim = next(machine for machine in found if machine.name == holder(CHAIN))
    held = [chain for chain in (CHAIN, SECOND) if holder(chain) == victim.name]
    act(victim)
    reached = {chain: cursor(chain) for chain in held}

    def over() -> bool:
        return all(
            holder(chain) not in (None, victim.name) and cursor(chain) > reached[chain]
            for chain in held
        )

    return victim, eventually(over)


def test_a_machine_that_dies_is_followed_by_the_other_within_five_seconds(
    till: Till, nodes: list[TestNode], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = till.account()
    ours, theirs = till.address(account), address_on(till, SECOND, account)
    with machines(tmp_path) as found:
        till.pay_usdc(ours, DOLLAR)
        nodes[1].send(to=hexed(theirs), value=ETHER)
        eventually(lambda: till.available(account) == DOLLAR)
        eventually(lambda: till.available(account, ETH) == ETHER)
        victim, seconds = taken_over(found, lambda machine: machine.send(signal.SIGKILL))
        with capsys.disabled():
            print(f"\ntakeover from a machine that died: {seconds:.1f} s")
        assert seconds < TAKEOVER_SECONDS
        till.pay_usdc(ours, DOLLAR)
        nodes[1].send(to=hexed(theirs), value=ETHER)
        eventually(lambda: till.available(account) == 2 * DOLLAR)
        eventually(lambda: till.available(account, ETH) == 2 * ETHER)
        assert holder(CHAIN) != victim.name
    assert ledger_is_sound()


def test_a_machine_that_hangs_is_followed_too_and_does_no_harm_when_it_wakes(
    till: Till, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Meanwhile the chain changes its mind: what the one credited the other takes back."""
    account = till.account()
    ours = till.address(account)

    def hang_while_the_chain_changes(machine: Machine) -> None:
        machine.send(signal.SIGSTOP)
        with db.transaction() as session:
            query = "select c.number - d.block_number + 1 from watch_cursor c, deposit d"
            depth = session.execute(text(f"{query} where d.chain = c.chain")).scalar_one()
        till.anvil.reorg(int(depth))

    with machines(tmp_path) as found:
        eventually(lambda: cursor(CHAIN) > 0 and till.anvil.head() - cursor(CHAIN) <= 1)
        raw = till.raw(till.pay_usdc(ours, DOLLAR))
        eventually(lambda: till.available(account) == DOLLAR)
        victim, seconds = taken_over(found, hang_while_the_chain_changes)
        with capsys.disabled():
            print(f"\ntakeover from a machine that hangs, with a reorganisation: {seconds:.1f} s")
        assert seconds < TAKEOVER_SECONDS
        eventually(lambda: till.only().status == "reversed")
        assert (till.available(account), till.unswept()) == (0, 0)
        victim.send(signal.SIGCONT)
        till.anvil.call("eth_sendRawTransaction", raw)
        eventually(lambda: till.only().status == "credited")
        reached = cursor(CHAIN)
        eventually(lambda: cursor(CHAIN) > reached + 3)
        assert holder(CHAIN) is not None
        assert (till.only().epoch, till.available(account)) == (2, DOLLAR)
        assert till.events().count("deposit.credited") == 2
        assert till.events().count("deposit.reversed") == 1
    assert ledger_is_sound()


def test_the_locks_of_a_transaction_that_hangs_are_taken_back(till: Till) -> None:
    place = till.follower.cursor()
    till.anvil.mine()
    head = till.node.head()
    with db.new_session() as session:
        assert store.advance(session, CHAIN, place, head, store.heights(session, CHAIN))
        assert not lockable()
        assert eventually(lockable) < TAKEOVER_SECONDS - 1
        with pytest.raises(DBAPIError):
            session.execute(text("select 1"))
    assert till.follower.cursor() == place


def lockable() -> bool:
    """True if another process could move the first chain's cursor now."""
    query = "select from watch_cursor where chain = :chain for update skip locked"
    with db.transaction() as session:
        return bool(session.execute(text(query), {"chain": CHAIN}).all())
