"""The live page: told by Redis at once, else by asking the table every few seconds.

No database connection is held while a payer waits, and losing Redis costs two seconds at most.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import redis.asyncio as redis
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from gateway import db
from gateway.checkout import pages
from gateway.checkout.view import view
from gateway.checkout.words import Words
from gateway.invoices import service as invoices
from gateway.settings import settings

POLL_SECONDS = 2.0
STREAM_SECONDS_MAX = 600.0
RETRY_MILLISECONDS = 2_000
REDIS_SECONDS_MAX = 1.0


def snapshot(
    invoice_id: str, chosen: Words, option: str | None, lang: str | None
) -> dict[str, Any] | None:
    """Return what the page shows now, in a transaction of its own; None if the invoice is gone."""
    with db.transaction() as session:
        facts = invoices.find(session, invoice_id)
        shown = view(session, facts) if facts else None
    if shown is None:
        return None
    inside = pages.panel(shown, chosen, option=option, lang=lang)
    return {
        "version": pages.version(inside),
        "title": pages.title(shown, chosen),
        "announce": chosen.plain(f"announce_{shown.screen}"),
        "state": shown.screen,
        "final": shown.final,
        "html": str(inside),
    }


async def heard(channel: PubSub) -> None:
    """Return when somebody speaks on the channel, or when it is time to ask the table."""
    try:
        await channel.get_message(ignore_subscribe_messages=True, timeout=POLL_SECONDS)
    except RedisError:
        await asyncio.sleep(POLL_SECONDS)


async def panels(
    invoice_id: str, chosen: Words, option: str | None, lang: str | None
) -> AsyncIterator[ServerSentEvent]:
    """Yield the panel now and whenever it changes; end when nothing more will."""
    client = redis.Redis.from_url(
        settings().redis_url,
        socket_connect_timeout=REDIS_SECONDS_MAX,
        socket_timeout=POLL_SECONDS + REDIS_SECONDS_MAX,
    )
    deadline = time.monotonic() + STREAM_SECONDS_MAX
    told = ""
    async with client, client.pubsub() as channel:
        with suppress(RedisError):
            await channel.subscribe(f"object:{invoice_id}")
        while time.monotonic() < deadline:
            shown = await run_in_threadpool(snapshot, invoice_id, chosen, option, lang)
            if shown is None:
                return
            if shown["version"] != told:
                told = shown["version"]
                yield ServerSentEvent(event="panel", data=shown, retry=RETRY_MILLISECONDS)
            if shown["final"]:
                return
            await heard(channel)
