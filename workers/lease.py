"""One at a time: a lease that the database server takes back when its holder dies or hangs.

A lock of the session in Postgres and not a key in Redis: it needs no clock, and survives an emptied
Redis. It ends in the moment the holder's connection ends; and because the end of a machine ends no
connection, a thread says each PING_SECONDS that it lives, and the server ends a session that was
silent for SILENT_SECONDS. It saves work; what makes two holders harmless is the compare-and-set of
what they write.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from gateway import db

PING_SECONDS = 0.5
SILENT_SECONDS = 2.0
ANSWER_SECONDS = 1.0

TAKE = text("select pg_try_advisory_lock(hashtextextended(:name, 0))")
WATCHED = text("select set_config('idle_session_timeout', cast(:milliseconds as text), false)")
PING = text("select 1")
GIVE = text("select pg_advisory_unlock(hashtextextended(:name, 0))")

log = structlog.get_logger()


class Lease:
    """Whether this process alone holds a name; it may be lost at any moment."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name, self._connection = name, connection
        self._over = threading.Event()
        self._answered = time.monotonic()
        self._mine = bool(connection.execute(TAKE, {"name": name}).scalar_one())

    def __bool__(self) -> bool:
        """False too as soon as the server may have ended a session that heard no answer."""
        return self._mine and time.monotonic() - self._answered < SILENT_SECONDS

    def keep(self) -> threading.Thread:
        """Begin to say that this process lives."""
        connection = self._connection
        connection.execute(WATCHED, {"milliseconds": int(SILENT_SECONDS * 1000)})
        thread = threading.Thread(target=self._ping, name=f"lease {self.name}", daemon=True)
        thread.start()
        return thread

    def end(self, thread: threading.Thread) -> None:
        """Stop saying it, and give the name back: the end of a connection is noticed later."""
        self._over.set()
        thread.join(ANSWER_SECONDS)
        if thread.is_alive() or not self._mine:
            return
        try:
            self._connection.execute(GIVE, {"name": self.name})
        except SQLAlchemyError as error:
            log.warning("lease.lost", name=self.name, error=type(error).__name__)

    def _ping(self) -> None:
        while not self._over.wait(PING_SECONDS):
            asked = time.monotonic()
            try:
                self._connection.execute(PING)
                self._answered = asked
            except SQLAlchemyError as error:
                self._mine = False
                log.warning("lease.lost", name=self.name, error=type(error).__name__)
                return


@contextmanager
def lease(name: str) -> Iterator[Lease]:
    """Give a lease that is true while this process alone holds `name`, false if another one does.

    The holder should look at it between its steps: a lost lease is another's.
    """
    with db.engine().connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        mine = Lease(name, connection)
        if not mine:
            yield mine
            return
        thread = mine.keep()
        try:
            yield mine
        finally:
            mine.end(thread)
            # closed, not returned to the pool: a pooled connection would keep the lock
            connection.invalidate()
