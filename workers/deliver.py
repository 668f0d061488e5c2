"""Send webhooks that are due: one event loop, no transaction while a call runs.

The loop lives in a thread of its own and outlives a task's slice, and with it the connections and
the calls that a slow receiver still holds: the next slice goes on beside them.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

import structlog

from gateway import db
from gateway.settings import settings
from gateway.webhooks import outbox, upkeep
from gateway.webhooks.outbox import Job
from gateway.webhooks.record import Sent, record
from gateway.webhooks.sending import Answer, Line, failure
from workers.app import SLICE_SECONDS, worker_task
from workers.stopping import stopping

IN_FLIGHT_MAX = 128
POLL_SECONDS = 0.05
TIDY_SECONDS = 60.0
STOPPING_SECONDS_MAX = 25.0
DATABASE_THREADS = 2  # one takes while the other records

STUCK = Answer(error="timed out: the sandbox holds this endpoint up")

log = structlog.get_logger()


@worker_task()
def deliver() -> None:
    """Send until nothing is due, at most one slice; rung by every event and by beat."""
    courier().work(SLICE_SECONDS)
    tidy()


@lru_cache(maxsize=1)
def courier() -> "Courier":
    """Return this process's courier, made after the fork."""
    return Courier()


class Courier:
    """Takes what is due, sends it, records the answers; all state belongs to its loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.database = ThreadPoolExecutor(DATABASE_THREADS, "webhook-database")
        self.line = Line(settings().development)
        self.calls: set[asyncio.Task[None]] = set()
        self.answered: list[Sent] = []
        self.recorder: asyncio.Task[None] | None = None
        self.moved = asyncio.Event()
        self.more = False  # the last look left some due
        self.thread = threading.Thread(target=self.loop.run_forever, name="webhooks", daemon=True)
        self.thread.start()

    def work(self, seconds: float) -> None:
        """Send what is due for at most so long; calls that still run then are left to run.

        A process that was asked to stop waits for them, so that nothing is sent twice for it.
        """
        ends = time.monotonic() + seconds
        self._do(self._round(ends))
        if stopping():
            self._do(self._finish())

    def close(self) -> None:
        """Finish what runs, then end the loop and its connections."""
        self._do(self._finish())
        self._do(self.line.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.database.shutdown()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @property
    def _idle(self) -> bool:
        return not (self.calls or self.answered or self.recorder)

    async def _round(self, ends: float) -> None:
        while time.monotonic() < ends and not stopping():
            room = IN_FLIGHT_MAX - len(self.calls)
            idle = self._idle  # before we look: what is recorded meanwhile makes more due
            self.moved.clear()
            jobs = await self._in_thread(partial(take, room)) if room else []
            for job in jobs:
                call = self.loop.create_task(self._call(job))
                self.calls.add(call)
                call.add_done_callback(self._ended)
            self.more = bool(jobs) and len(jobs) == room
            if not jobs and idle:
                return
            # what is slow keeps its place; new work is looked for all the same
            await self._wait(POLL_SECONDS)

    def _ended(self, call: "asyncio.Task[None]") -> None:
        """Forget a call; look for more as soon as half the room is free, records or not."""
        self.calls.discard(call)
        if self.more and len(self.calls) <= IN_FLIGHT_MAX // 2:
            self.moved.set()

    async def _finish(self) -> None:
        ends = time.monotonic() + STOPPING_SECONDS_MAX
        while not self._idle and time.monotonic() < ends:
            self.moved.clear()
            await self._wait(POLL_SECONDS)

    async def _wait(self, seconds: float) -> None:
        """Wait until answers were recorded, which makes the next of their objects due."""
        try:
            await asyncio.wait_for(self.moved.wait(), seconds)
        except TimeoutError:
            return

    async def _call(self, job: Job) -> None:
        """Send one delivery; what fails in us is a failed attempt too, on the same schedule."""
        at, began = datetime.now(UTC), time.monotonic()
        headers: dict[str, str] = {}
        try:
            headers = outbox.headers(job)
            answer = STUCK if job.stuck else await self.line.send(job.url, job.body, headers)
        except Exception as mistake:
            log.exception("webhook.unsent", delivery=job.id)
            answer = failure(type(mistake).__name__)
        self.answered.append(Sent(job, headers, answer, at, time.monotonic() - began))
        if self.recorder is None:
            self.recorder = self.loop.create_task(self._record())

    async def _record(self) -> None:
        """Record what has come back by now, again and again, until there is no more."""
        try:
            while self.answered:
                batch, self.answered = self.answered, []
                await self._in_thread(partial(write, batch))
                self.moved.set()
        finally:
            self.recorder = None

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await self.loop.run_in_executor(self.database, work)


def take(limit: int) -> list[Job]:
    """Lease due deliveries in a transaction of their own."""
    with db.transaction() as session:
        return outbox.take(session, limit)


def write(batch: list[Sent]) -> None:
    """Record answers together, or one by one where one of them keeps the others from it.

    What cannot be recorded is due again after its lease.
    """
    try:
        with db.transaction() as session:
            record(session, batch)
    except Exception:
        log.exception("webhook.unrecorded", deliveries=[sent.job.id for sent in batch])
        if len(batch) > 1:
            for sent in batch:
                write([sent])


@lru_cache(maxsize=1)
def tidied() -> list[float]:
    """When this process tidied last."""
    return []


def tidy() -> None:
    """Tidy once a minute, each step in its own transaction: none holds another's locks."""
    if tidied() and time.monotonic() - tidied()[0] < TIDY_SECONDS:
        return
    tidied()[:] = [time.monotonic()]
    forget = partial(upkeep.prune, now=datetime.now(UTC))
    for step in (forget, upkeep.seal_rest, upkeep.report_shut, upkeep.give_up_left):
        with db.transaction() as session:
            step(session)
