"""Bugs put into the product while it runs: its source, SQL and Lua, with a piece written otherwise.

Nothing is replaced but what is told, and that must be there once: where the product is written anew
its bug has to be, too.
"""

import inspect
import sys
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Protocol

import pytest
from sqlalchemy import TextClause, text

from gateway import db

COMMIT = "session.connection().connection.driver_connection.commit()"
"""Source of a commit in the middle of a transaction, which goes on afterwards as another one."""


class Edit(Protocol):
    """Something that is written otherwise."""

    def plant(self, patch: pytest.MonkeyPatch) -> None: ...


@dataclass(frozen=True)
class Source:
    """A function, a method, or a constant with SQL or Lua, of a module or class."""

    where: Any
    name: str
    was: str
    now: str

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        found = getattr(self.where, self.name)
        if isinstance(found, TextClause):
            patch.setattr(self.where, self.name, text(otherwise(found.text, self)))
        elif isinstance(found, str):
            patch.setattr(self.where, self.name, otherwise(found, self))
        else:
            patch.setattr(self.where, self.name, self._compiled(found))

    def _compiled(self, found: Any) -> Any:
        module = sys.modules[found.__module__]
        changed = otherwise(dedent(inspect.getsource(found)), self)
        made: dict[str, Any] = {}
        exec(compile(changed, f"<{module.__name__} with a bug>", "exec"), vars(module), made)
        return made[self.name]


@dataclass(frozen=True)
class Stored:
    """A function of the database."""

    name: str
    was: str
    now: str

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        with db.transaction() as session:
            ask = text("select pg_get_functiondef(cast(:name as regproc))")
            found = session.execute(ask, {"name": self.name}).scalar_one()
            session.connection().exec_driver_sql(otherwise(found, self).replace("%", "%%"))


def otherwise(found: str, edit: Source | Stored) -> str:
    """Return a text with its bug."""
    times = found.count(edit.was)
    assert times == 1, f"{edit.was!r} is {times} times in {edit.name}: plant it elsewhere"
    return found.replace(edit.was, edit.now)
