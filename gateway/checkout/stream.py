"""The live page: told by Redis at once, else by asking the table every few seconds.

One connection to Redis and one question to the table serve all open pages of a process. No
database connection is held while a payer waits, and losing Redis costs two seconds at most.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from gateway import db
from gateway.checkout import marks, pages
from gateway.checkout.hub import Hub
from gateway.checkout.view import view
from gateway.checkout.visit import Visit
from gateway.checkout.words import Words
from gateway.invoices import service as invoices

STREAM_SECONDS_MAX = 600.0
RETRY_MILLISECONDS = 2_000


def drawn(invoice_id: str, chosen: Words, visit: Visit) -> tuple[str, dict[str, Any]] | None:
    """Return what the page shows now and the mark of that moment; None if the invoice is gone."""
    with db.snapshot() as session:
        mark = marks.read(session, [invoice_id]).get(invoice_id, "")
        facts = invoices.find(session, invoice_id)
        shown = view(session, facts) if facts else None
    if shown is None:
        return None
    inside = pages.panel(shown, chosen, visit)
    return mark, {
        "version": pages.version(inside),
        "title": pages.title(shown, chosen),
        "announce": chosen.plain(f"announce_{shown.screen}"),
        "state": shown.screen,
        "calm": shown.final,
        "final": not shown.watched,
        "html": str(inside),
    }


async def panels(invoice_id: str, chosen: Words, visit: Visit) -> AsyncIterator[ServerSentEvent]:
    """Yield the panel now and whenever it changes; end when nothing more will."""
    hub = Hub.here()
    deadline = time.monotonic() + STREAM_SECONDS_MAX
    told = ""
    with hub.page(invoice_id) as changed:
        while (left := deadline - time.monotonic()) > 0:
            async with hub.turns:
                changed.clear()  # what was told while it waited for its turn is drawn now
                found = await run_in_threadpool(drawn, invoice_id, chosen, visit)
            if found is None:
                return
            mark, shown = found
            hub.seen(invoice_id, mark, calm=shown.pop("calm"))
            if shown["version"] != told:
                told = shown["version"]
                yield ServerSentEvent(event="panel", data=shown, retry=RETRY_MILLISECONDS)
            if shown["final"]:
                return
            try:
                await asyncio.wait_for(changed.wait(), left)
            except TimeoutError:
                return
