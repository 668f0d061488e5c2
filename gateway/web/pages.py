"""Lists: newest first. The cursor is the last id seen, so a list never skips or repeats."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gateway.errors import Refused
from gateway.web.shapes import Moment, Text

LIMIT_MAX = 100
LIMIT_DEFAULT = 20


Shape = TypeVar("Shape")
Row = TypeVar("Row")


class Cursor(BaseModel):
    """Where in a list, and between which times (`created_from` counts, `created_to` does not)."""

    limit: int
    starting_after: str | None
    created_from: datetime | None
    created_to: datetime | None


async def cursor(
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    starting_after: Annotated[Text | None, Query(max_length=80)] = None,
    created_from: Moment | None = None,
    created_to: Moment | None = None,
) -> Cursor:
    """Read the common parameters of every list."""
    return Cursor(
        limit=limit,
        starting_after=starting_after,
        created_from=created_from,
        created_to=created_to,
    )


ListCursor = Annotated[Cursor, Depends(cursor)]


class Page(BaseModel, Generic[Shape]):
    """One page of a list."""

    data: list[Shape]
    has_more: bool


def page(
    session: Session,
    model: type[Row],
    where: Cursor,
    *conditions: Any,
    **equal: str | None,
) -> tuple[list[Row], bool]:
    """Return the rows after the cursor that meet the conditions, newest first, and if more follow.

    `equal` are filters by column; a filter that is None does not filter. Raises Refused for a
    cursor that is not of this list.
    """
    mapped: Any = model
    identity: InstrumentedAttribute[str] = mapped.id
    query: Select[Any] = select(model).where(*conditions).order_by(identity.desc())
    for column, value in equal.items():
        if value is not None:
            query = query.where(getattr(model, column) == value)
    if where.created_from is not None:
        query = query.where(mapped.created_at >= where.created_from)
    if where.created_to is not None:
        query = query.where(mapped.created_at < where.created_to)
    if where.starting_after is not None:
        if session.get(model, where.starting_after) is None:
            raise Refused("starting_after is no id of this list", code="unknown_cursor")
        query = query.where(identity < where.starting_after)
    rows = list(session.scalars(query.limit(where.limit + 1)))
    return rows[: where.limit], len(rows) > where.limit
