"""What the writes of a new invoice cost at least: a bare FastAPI endpoint that makes them.

The same statements in one transaction, on copies of an invoice that is there: nothing is decided,
derived or checked between them.
"""

import os
import secrets
from typing import Any

from fastapi import FastAPI, Request
from psycopg_pool import ConnectionPool

from bench.floor import Row
from gateway.ids import new_id
from gateway.invoices.opening import BEFORE, OPEN
from gateway.scopes import secret_hash
from gateway.web.auth import HOLDER, HOUSE
from gateway.web.requests import REMEMBER

COPIED = """
    select i.id, i.account_id, i.order_id, row_to_json(i)::text,
        (select json_agg(o)::text from invoice_option o where o.invoice_id = i.id),
        (select array_agg(a.chain) from address a where a.invoice_id = i.id),
        (select k.body::text from idempotency_key k where k.body ->> 'id' = i.id)
    from invoice i join api_key k using (account_id) where k.hash = %s order by i.id limit 1
"""

app = FastAPI()
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=4, max_size=40, open=True)
holder = secret_hash(os.environ["BENCH_KEY"])
with pool.connection() as first:
    found = first.execute(COPIED, (holder,)).fetchone()
    assert found is not None, "open an invoice first"
    copied, account, ordered, columns, options, chains, told = found


@app.post("/statements", status_code=201)
def insert(row: Row, request: Request) -> dict[str, Any]:
    """Make the statements, and answer with the row."""
    key, new = request.headers["idempotency-key"], new_id("inv")
    invoice = columns.replace(copied, new).replace(ordered, row.order_id)
    ways, answer = options.replace(copied, new), told.replace(copied, new)
    places = [secrets.token_bytes(20) for _ in chains]
    with pool.connection() as connection:
        connection.execute(HOLDER, {"hash": holder, "key": key, "house": HOUSE}).fetchone()
        connection.execute(BEFORE, (account,)).fetchall()
        connection.execute(OPEN, (invoice, secrets.token_bytes(32), chains, places, ways))
        connection.execute(REMEMBER, (account, key, secrets.token_bytes(32), 201, answer))
    return {"id": new, **row.model_dump()}
