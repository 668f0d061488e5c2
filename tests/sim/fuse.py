"""Something happens at the k-th thing a process does: its death, or another's doing.

Points are: each SQL statement, just before; each commit, just before and just after; each Redis
command, just before. A dead process does nothing more, whatever its code would still try.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import redis
from sqlalchemy import event
from sqlalchemy.orm import Session

from gateway import db

LOCK_MILLISECONDS = 20


class Crash(BaseException):
    """The process was killed here."""


class Fuse:
    """Counts the points of one thread and acts once at the k-th, counted from 0."""

    def __init__(self, at: int, action: Callable[[], None] | None = None) -> None:
        self.left, self.action = at, action
        self.burnt = self.dead = False
        self._thread = get_ident()
        self._busy = False

    def point(self, *_: Any, **__: Any) -> None:
        """Pass a point."""
        if get_ident() != self._thread or self._busy:
            return
        if self.dead:
            raise Crash
        if self.burnt:
            return
        if self.left > 0:
            self.left -= 1
            return
        self.burnt = True
        if self.action is None:
            self.dead = True
            raise Crash
        self._busy = True
        try:
            self.action()
        finally:
            self._busy = False


@contextmanager
def lit(fuse: Fuse) -> Iterator[Fuse]:
    """Have everything this thread does pass the fuse."""
    engine, command = db.engine(), redis.Redis.execute_command

    def watched_command(self: Any, *arguments: Any, **options: Any) -> Any:
        fuse.point()
        return command(self, *arguments, **options)  # type: ignore[no-untyped-call]

    event.listen(engine, "before_cursor_execute", fuse.point)
    event.listen(engine, "commit", fuse.point)
    event.listen(Session, "after_commit", fuse.point, insert=True)
    redis.Redis.execute_command = watched_command  # type: ignore[method-assign]
    try:
        yield fuse
    finally:
        redis.Redis.execute_command = command  # type: ignore[method-assign]
        event.remove(Session, "after_commit", fuse.point)
        event.remove(engine, "commit", fuse.point)
        event.remove(engine, "before_cursor_execute", fuse.point)


@contextmanager
def impatient() -> Iterator[None]:
    """Have nothing wait for a lock: whoever holds it waits for us."""
    engine = db.engine()

    def begin(connection: Any) -> None:
        connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_MILLISECONDS}ms'")

    event.listen(engine, "begin", begin)
    try:
        yield
    finally:
        event.remove(engine, "begin", begin)


@contextmanager
def redis_away() -> Iterator[None]:
    """Nobody can reach Redis."""
    command = redis.Redis.execute_command

    def refused(self: Any, *arguments: Any, **options: Any) -> Any:
        raise redis.ConnectionError("Redis is away")

    redis.Redis.execute_command = refused  # type: ignore[method-assign]
    try:
        yield
    finally:
        redis.Redis.execute_command = command  # type: ignore[method-assign]
