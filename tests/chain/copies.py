"""A copy of a test's database, as a backup is: taken at one moment, put back later."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from gateway import db
from gateway.local.stack import Stack
from tests.conftest import administrator, database_url, forget


class Backup:
    """A copy of the database as it was; `restore` goes on with it."""

    def __init__(self, servers: Stack, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.servers, self.name, self.monkeypatch = servers, name, monkeypatch

    def restore(self) -> None:
        """Let everything use the copy from now on."""
        db.close_engine()
        self.monkeypatch.setenv("DATABASE_URL", database_url(self.servers, self.name))
        forget()


@contextmanager
def backup(servers: Stack, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backup]:
    """Copy the database of this address; the copy is dropped at the end."""
    name = f"copy_{uuid4().hex}"
    of = url.partition("?")[0].rpartition("/")[2]
    db.close_engine()
    with administrator(servers) as connection:
        connection.execute(f"create database {name} template {of} strategy file_copy")
    try:
        yield Backup(servers, name, monkeypatch)
    finally:
        db.close_engine()
        with administrator(servers) as connection:
            connection.execute(f"drop database {name} with (force)")
