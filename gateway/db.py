"""One commit: `transaction()` opens it, `ring()` and `publish()` speak only after it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, class_mapper
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.settings import settings

POOL_SIZE = 40
LOCK_TIMEOUT = "10s"
IDLE_SECONDS = 2.0
KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}

AFTER_COMMIT = "after_commit"

Params = Sequence[Any] | Mapping[str, Any]


class Base(DeclarativeBase):
    """The root of every mapped table; the tables themselves are written in migrations/sql."""


Row = TypeVar("Row", bound=Base)


def url() -> str:
    """Return the address of the database this process was given."""
    return settings().database_url


@cache
def columns_of(kind: type[Base]) -> tuple[tuple[str, str], ...]:
    """Return every column of a table with the name its attribute has."""
    return tuple((column.name, key) for key, column in class_mapper(kind).columns.items())


def row(kind: type[Row], columns: Mapping[str, Any]) -> Row:
    """Return a row that no session knows: one we wrote in SQL of our own. What is left out is null.

    An object made in the mapper's way costs as much as writing it.
    """
    values = {key: columns.get(name) for name, key in columns_of(kind)}
    made: Row = kind.__mapper__.class_manager.new_instance()
    vars(made).update(values)
    return made


def storable(text: str) -> str:
    """Return a stranger's words without what Postgres cannot store."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def driver(address: str) -> str:
    """Name psycopg 3 in a plain postgresql:// address."""
    return address.replace("postgresql://", "postgresql+psycopg://", 1)


@lru_cache(maxsize=1)
def engine() -> Engine:
    """Return this process's pool, opened on first use: one that crossed a fork mixes up answers."""
    options = f"-c lock_timeout={LOCK_TIMEOUT}"
    if settings().database_role:
        options += f" -c role={settings().database_role}"
    made = create_engine(
        driver(url()),
        pool_size=POOL_SIZE,
        max_overflow=0,  # what overflows is closed after use, and opening costs a server process
        pool_use_lifo=True,  # the busy few keep their prepared statements
        hide_parameters=True,  # an error's text is logged
        connect_args={"options": options, "connect_timeout": 5, **KEEPALIVE},
    )
    event.listen(made, "checkin", note_time)
    event.listen(made, "checkout", ask_if_idle)
    return made


def note_time(_: Any, record: ConnectionPoolEntry) -> None:
    """Remember when a connection was last used."""
    record.info["used"] = time.monotonic()


def ask_if_idle(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """See that a connection that lay idle still lives; asking a busy one would cost three trips."""
    if time.monotonic() - record.info.get("used", time.monotonic()) < IDLE_SECONDS:
        return
    try:
        connection.execute("select 1")
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error


def forget_engine() -> None:
    """Drop the pool without closing its sockets, which belong to the parent process."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)
        engine.cache_clear()


def close_engine() -> None:
    """Close this process's pool."""
    if engine.cache_info().currsize:
        engine().dispose()
        engine.cache_clear()


@lru_cache(maxsize=1)
def frozen(pool: Engine) -> Engine:
    """Return a pool's connections as readers: one moment for all queries, and nothing changes."""
    return pool.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def new_session() -> Session:
    """Open a session whose objects stay readable after the commit."""
    return Session(engine(), expire_on_commit=False)


def new_snapshot() -> Session:
    """Open a session to read by: all its rows are of the same moment, and so agree."""
    return Session(frozen(engine()), expire_on_commit=False)


def ask(session: Session, sql: str, values: Params = ()) -> psycopg.Cursor[Any]:
    """Ask within the session's transaction in the driver's own form, for what every request asks.

    Through SQLAlchemy a short statement costs this process twice as much. Raises what SQLAlchemy
    would: DBAPIError.
    """
    connection = session.connection()
    raw: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    try:
        return raw.execute(sql, values)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            sql,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=raw.closed,
            dialect=connection.dialect,
        ) from error


@contextmanager
def transaction() -> Iterator[Session]:
    """Give one session; commit at the end, roll back on any exception, then ring what was asked."""
    with new_session() as session, session.begin():
        yield session


@contextmanager
def snapshot() -> Iterator[Session]:
    """Give one session that reads all rows as they were at the same moment."""
    with new_snapshot() as session:
        yield session


def after_commit(session: Session, key: Any, action: Callable[[], None]) -> None:
    """Do `action` once the session's transaction is committed, never if it rolls back.

    Actions with an equal key are done once. They must not raise: the money has moved already.
    """
    session.info.setdefault(AFTER_COMMIT, {})[key] = action


@event.listens_for(Session, "after_commit")
def act(session: Session) -> None:
    """Run and forget what waited for the commit."""
    if session.in_nested_transaction():
        return
    for action in session.info.pop(AFTER_COMMIT, {}).values():
        action()


@event.listens_for(Session, "after_rollback")
def forget(session: Session) -> None:
    """Forget what waited for a commit that will not come; a savepoint's loss rings in vain."""
    if session.in_nested_transaction():
        return
    session.info.pop(AFTER_COMMIT, None)
