"""One at a time: a lease that the database server takes back when its holder dies.

A lock of the session in Postgres and not a key in Redis: it needs no clock and no renewal, ends in
the moment the holder's connection ends, and survives an emptied Redis. It saves work; what makes
two holders harmless is the compare-and-set of what they write.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from gateway import db

TAKE = text("select pg_try_advisory_lock(hashtextextended(:name, 0))")


@contextmanager
def lease(name: str) -> Iterator[bool]:
    """Give True while this process alone holds `name`, False if another one does."""
    with db.engine().connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        mine = bool(connection.execute(TAKE, {"name": name}).scalar_one())
        try:
            yield mine
        finally:
            if mine:
                # closed, not returned to the pool: a pooled connection would keep the lock
                connection.invalidate()
