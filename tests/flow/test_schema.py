"""The tables as migrated and the tables as mapped are one; migrating again changes nothing."""

import importlib
import pkgutil

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.types import TypeEngine

import gateway
from gateway import db
from gateway.migrations import migrate


def mapped() -> None:
    """Import every store, so that every table is known."""
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if module.name.endswith(".store"):
            importlib.import_module(module.name)


def family(kind: TypeEngine[object]) -> str:
    """Return what Python makes of a column: several SQL types may be one Python type."""
    try:
        return kind.python_type.__name__
    except NotImplementedError:
        return type(kind).__name__


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_the_mapped_columns_fit_their_tables(database: str) -> None:
    mapped()
    engine = create_engine(db.driver(database))
    facts = inspect(engine)
    differing = []
    for table in db.Base.metadata.tables.values():
        found = {column["name"]: column for column in facts.get_columns(table.name, table.schema)}
        ours = {column.name: column for column in table.columns}
        for name in ours.keys() - found.keys():
            differing.append(f"{table.name}.{name} is in no table")
        for name in found.keys() - ours.keys():
            if not found[name]["nullable"] and found[name]["default"] is None:
                differing.append(f"{table.name}.{name} cannot be left unmapped")
        for name in found.keys() & ours.keys():
            if bool(found[name]["nullable"]) != bool(ours[name].nullable):
                differing.append(f"{table.name}.{name} may be null on one side only")
            kinds = family(found[name]["type"]), family(ours[name].type)
            if kinds[0] not in (kinds[1], "NullType"):
                differing.append(f"{table.name}.{name}: {kinds[0]} and {kinds[1]}")
    engine.dispose()
    assert differing == []


def test_migrating_again_changes_nothing(database: str) -> None:
    migrate(database)
