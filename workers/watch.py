"""Follow a chain: one task is one slice under the chain's lease, then it rings itself again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from gateway import bell, db
from gateway.chain.evm import node
from gateway.chain.port import NodeAway, NodeError
from gateway.deposits.accept import CursorMoved
from gateway.deposits.aside import asks_for_patience
from gateway.deposits.follow import Follower, Step
from gateway.webhooks.alarms import raise_alarm
from workers.app import SLICE_SECONDS, worker_task
from workers.lease import Lease, lease
from workers.stopping import stopping

POLL_SECONDS_MIN = 0.2
POLLS_PER_BLOCK = 4
HALTED_SECONDS = 5.0
NODE_RETRY_SECONDS_MIN = 0.2
NODE_RETRY_SECONDS_MAX = 5.0

log = structlog.get_logger()


@worker_task()
def watch(chain: str) -> None:
    """Watch for one slice, unless another process watches this chain."""
    with lease(f"watch {chain}") as mine:
        watched = bool(mine)
        if watched:
            watch_until(Follower(chain, node(chain)), time.monotonic() + SLICE_SECONDS, mine)
    if watched and not stopping():
        bell.send("watch", chain)


def watch_until(follower: Follower, deadline: float, mine: Lease | None = None) -> None:
    """Take block after block until the deadline.

    Ends early when the worker is asked to stop, and when the chain is another's to watch. What
    goes wrong without being foreseen is raised, and an operator is called.
    """
    with failure_told(follower.chain):
        take_until(follower, deadline, mine)


@contextmanager
def failure_told(chain: str) -> Iterator[None]:
    """Call an operator for what is raised: every slice would end so, and the chain stand still.

    A database that asks for patience is no such failure; should it last, `head_stale` tells.
    """
    try:
        yield
    except Exception as error:  # whatever it is, a chain never stands still in silence
        if not asks_for_patience(error):
            detail = f"{type(error).__name__}: {error}".splitlines()[0]
            with db.transaction() as session:
                raise_alarm(session, kind="watch_failed", subject=chain, detail=detail)
        raise


def take_until(follower: Follower, deadline: float, mine: Lease | None) -> None:
    """Take block after block; what a node cannot tell is asked again, ever more rarely."""
    poll = max(POLL_SECONDS_MIN, follower.block_seconds / POLLS_PER_BLOCK)
    retry = NODE_RETRY_SECONDS_MIN
    follower.resume()
    while time.monotonic() < deadline and not stopping():
        if mine is not None and not mine:
            log.warning("watch.lost", chain=follower.chain)
            return
        try:
            step = follower.step()
            retry = NODE_RETRY_SECONDS_MIN
        except (NodeAway, NodeError) as error:
            follower.away(error)
            pause(retry, deadline)
            retry = min(2 * retry, NODE_RETRY_SECONDS_MAX)
        except CursorMoved as error:
            log.info("watch.overtaken", chain=follower.chain, error=str(error))
            return
        else:
            if step is Step.IDLE:
                follower.look_closer()
            if step is not Step.MOVED:
                pause(poll if step is Step.IDLE else HALTED_SECONDS, deadline)


def pause(seconds: float, deadline: float) -> None:
    """Wait, in short steps, so that a worker that is asked to stop does so at once."""
    until = min(time.monotonic() + seconds, deadline)
    while not stopping() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, POLL_SECONDS_MIN))
