"""The watcher as it runs: a Celery worker that is rung, rings itself, is stopped and is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text

from gateway import bell, db
from gateway.chain.port import NodeAway
from gateway.deposits.follow import Follower
from tests.chain.money_in import CHAIN, DOLLAR, Till, ledger_is_sound, open_till
from tests.conftest import TestNode
from workers import watch
from workers.lease import SILENT_SECONDS, lease

WAIT_SECONDS = 30.0
STOP_SECONDS = 8.0


@pytest.fixture
def till(anvil: TestNode, redis_url: str) -> Till:
    return open_till(anvil)


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker of the watch queue in its own process group."""
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "--queues", "watch"]
    process = subprocess.Popen(
        [*command, "--concurrency", "1", "--loglevel", "INFO"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


def test_a_worker_follows_the_chain_and_one_that_is_killed_is_taken_over(till: Till) -> None:
    account = till.account()
    ours = till.address(account)
    bell.send("watch", CHAIN)
    with worker() as first:
        till.pay_usdc(ours, DOLLAR)
        till.anvil.mine(3)
        until(lambda: till.available(account) == DOLLAR)
        till.pay_usdc(ours, DOLLAR)
        till.anvil.mine(1)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    with worker() as second:
        till.anvil.mine(3)
        bell.send("watch", CHAIN)
        until(lambda: till.available(account) == 2 * DOLLAR)
        asked = time.monotonic()
        second.send_signal(signal.SIGTERM)
        assert second.wait(STOP_SECONDS) == 0
        assert time.monotonic() - asked < STOP_SECONDS
    assert ledger_is_sound()


def test_a_slice_ends_at_its_deadline_and_rings_again(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[str, ...]] = []
    monkeypatch.setattr(bell, "send", lambda *ring: rung.append(ring))
    monkeypatch.setattr(watch, "SLICE_SECONDS", 0.5)
    began = time.monotonic()
    watch.watch(CHAIN)
    assert 0.5 <= time.monotonic() - began < 3
    assert rung == [("watch", CHAIN)]


def test_a_second_slice_of_a_watched_chain_goes_away_at_once(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[str, ...]] = []
    monkeypatch.setattr(bell, "send", lambda *ring: rung.append(ring))
    with lease(f"watch {CHAIN}"):
        watch.watch(CHAIN)
    assert rung == []
    assert till.follower.cursor()[0] < till.anvil.head() + 1


def test_a_lease_the_server_took_back_ends_the_slice(till: Till) -> None:
    with lease("test of a lease") as mine:
        assert mine
        begun = time.monotonic()
        with db.transaction() as session:
            session.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_locks"
                    " where locktype = 'advisory' and granted and pid <> pg_backend_pid()"
                )
            )
        watch.watch_until(till.follower, begun + WAIT_SECONDS, mine)
        assert time.monotonic() - begun < SILENT_SECONDS + 1
        assert not mine
        with lease("test of a lease") as other:
            assert other


def test_a_lease_lasts_longer_than_the_server_waits_for_a_silent_holder(till: Till) -> None:
    with lease("test of a lease") as mine:
        time.sleep(1.5 * SILENT_SECONDS)
        assert mine
        with lease("test of a lease") as other:
            assert not other
    with lease("test of a lease") as after:
        assert after


def test_a_lease_is_given_back_before_its_connection_ends(till: Till) -> None:
    # the server notices an ended connection some time later
    free: list[bool] = []

    def look(*_: object) -> None:
        with lease("test of a lease") as other:
            free.append(bool(other))

    event.listen(db.engine(), "invalidate", look, once=True)
    with lease("test of a lease") as mine:
        assert mine
    assert free == [True]


def test_a_worker_that_is_asked_to_stop_ends_its_slice(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "stopping", lambda: True)
    began = time.monotonic()
    watch.watch_until(till.follower, time.monotonic() + 30)
    assert time.monotonic() - began < 1


def test_a_node_that_is_away_does_not_end_the_slice(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.mine()
    steps: list[int] = []
    real = Follower.step

    def sometimes(follower: Follower) -> object:
        steps.append(1)
        if len(steps) < 3:
            raise NodeAway("no answer")
        return real(follower)

    monkeypatch.setattr(Follower, "step", sometimes)
    watch.watch_until(till.follower, time.monotonic() + 1.5)
    assert len(steps) > 3
