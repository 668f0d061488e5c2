"""The floor of every write over HTTP: a bare FastAPI endpoint that inserts one row."""

import os
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

app = FastAPI()
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=4, max_size=40, open=True)
with pool.connection() as first:
    first.execute("create table if not exists floor (id text primary key, body jsonb not null)")


class Row(BaseModel):
    """Anything."""

    model_config = {"extra": "allow"}
    order_id: str


@app.post("/floor", status_code=201)
def insert(row: Row) -> dict[str, Any]:
    """Insert one row and answer with it."""
    body = row.model_dump()
    row_id = str(uuid4())
    with pool.connection() as connection:
        connection.execute("insert into floor values (%s, %s)", (row_id, Jsonb(body)))
    return {"id": row_id, **body}
