"""Who waits for which invoice in this process, and the two tasks that wake them."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from weakref import WeakKeyDictionary

import redis.asyncio as redis
from fastapi.concurrency import run_in_threadpool
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from structlog import get_logger

from gateway import db
from gateway.checkout import marks
from gateway.settings import settings

POLL_SECONDS = 2.0
CALM_TURNS = 5
"""Of so many questions one is about the pages too that show an end, which seldom change."""
REDIS_SECONDS_MAX = 1.0
CHANNEL, EVERY = "object:", "object:inv_*"
DRAWN_AT_ONCE_MAX = 4
"""Pages drawn at the same moment: a change that concerns all must leave threads for payers."""

log = get_logger()


class Hub:
    """The open pages of one event loop by invoice, and the mark each was drawn at.

    Its tasks live as long as a page is open.
    """

    _hubs: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, "Hub"]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(DRAWN_AT_ONCE_MAX)
        self._pages: dict[str, set[asyncio.Event]] = {}
        self._marks: dict[str, str] = {}
        self._calm: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def here(cls) -> "Hub":
        """Return the hub of the running event loop."""
        return cls._hubs.setdefault(asyncio.get_running_loop(), cls())

    @contextmanager
    def page(self, invoice_id: str) -> Iterator[asyncio.Event]:
        """Hear of an invoice: the event is set whenever it may have changed."""
        changed = asyncio.Event()
        self._pages.setdefault(invoice_id, set()).add(changed)
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._poll())]
        try:
            yield changed
        finally:
            self._leave(invoice_id, changed)

    def _leave(self, invoice_id: str, changed: asyncio.Event) -> None:
        waiting = self._pages[invoice_id]
        waiting.remove(changed)
        if not waiting:
            del self._pages[invoice_id]
            self._marks.pop(invoice_id, None)
            self._calm.discard(invoice_id)
        if not self._pages:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    def seen(self, invoice_id: str, mark: str, *, calm: bool) -> None:
        """Note at which mark a page was drawn; `calm`: it shows an end, so it is asked seldom."""
        self._marks[invoice_id] = mark
        (self._calm.add if calm else self._calm.discard)(invoice_id)

    def wake(self, invoice_id: str) -> None:
        """Let the pages of an invoice look again."""
        for changed in self._pages.get(invoice_id, ()):
            changed.set()

    async def _listen(self) -> None:
        """Wake whom Redis speaks of; without Redis the table is asked all the same."""
        while True:
            client = redis.Redis.from_url(
                settings().redis_url,
                socket_connect_timeout=REDIS_SECONDS_MAX,
                socket_timeout=POLL_SECONDS + REDIS_SECONDS_MAX,
            )
            try:
                async with client, client.pubsub() as channel:
                    await channel.psubscribe(EVERY)
                    while True:
                        heard = await channel.get_message(True, timeout=POLL_SECONDS)
                        if heard:
                            self.wake(heard["channel"].decode().removeprefix(CHANNEL))
            except RedisError as error:
                log.warning("live.redis_away", error=str(error))
                await asyncio.sleep(POLL_SECONDS)

    async def _poll(self) -> None:
        """Ask the table for all pages at once, and wake those drawn at another mark."""
        for turn in itertools.count(1):
            await asyncio.sleep(POLL_SECONDS)
            every = turn % CALM_TURNS == 0
            ids = [one for one in self._pages if every or one not in self._calm]
            try:
                now = await run_in_threadpool(self._ask, ids)
            except SQLAlchemyError as error:
                log.warning("live.database_away", error=str(error))
                continue
            for invoice_id, mark in list(self._marks.items()):
                if now.get(invoice_id, mark) != mark:
                    self.wake(invoice_id)

    @staticmethod
    def _ask(ids: list[str]) -> dict[str, str]:
        with db.snapshot() as session:
            return marks.read(session, ids)
