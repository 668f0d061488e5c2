"""Webhooks a second to a receiver on this machine, and what one dead endpoint among 100 costs.

Every webhook is taken from the table, signed, posted and recorded with its attempt, by one worker
process. The dead endpoint accepts connections and never answers.
"""

import asyncio
import logging
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

import psycopg
import structlog

from bench.table import servers, show

ENDPOINTS = 100
EVENTS = 20  # for each endpoint
DEAD_EVENTS = 200
SLICE_SECONDS = 0.05
PASSES = 2  # the better one counts: what else runs here only slows
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Rows = list[tuple[object, ...]]


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def receive(port: int, ready: Event) -> None:
    """Be the receiver until killed."""

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", port)
        ready.set()
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def receiver() -> Iterator[str]:
    """Run the receiver in a process of its own; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=receive, args=(port, ready), daemon=True)
    process.start()
    ready.wait()
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        process.kill()
        process.join()


def fill(url: str, endpoints: int, per_endpoint: int) -> None:
    """Make endpoints that listen to one type each, and their events."""
    from gateway import db
    from gateway.webhooks import endpoints as rooms
    from gateway.webhooks import service
    from gateway.webhooks.store import Endpoint

    for number in range(endpoints):
        with db.transaction() as session:
            made = Endpoint(
                id=f"whe_{url[-9:-5]}_{number}",
                url=url,
                events=[f"bench.{url[-9:-5]}.n{number}"],
                secret="whsec_" + "A" * 43 + "=",
            )
            session.add(made)
            session.flush()
            rooms.rotate(session, made)
            for place in range(per_endpoint):
                service.emit(
                    session,
                    type=f"bench.{url[-9:-5]}.n{number}",
                    account_id=None,
                    object_id=f"inv_{number}_{place}",
                    data={"id": f"inv_{number}_{place}", "status": "paid", "amount": "12.50"},
                )


def delivered(database: str, work: Callable[[float], None]) -> float:
    """Make everything due again and deliver what the living take; returns webhooks a second."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update delivery set status = 'pending', next_attempt_at = now()")
        connection.execute("vacuum analyze delivery")
        begun = time.perf_counter()
        due = left = waiting(connection)
        while left:
            work(SLICE_SECONDS)
            left = waiting(connection)
        return due / (time.perf_counter() - begun)


def waiting(connection: "psycopg.Connection[tuple[int]]") -> int:
    """Count what the living have not taken yet."""
    found = connection.execute(
        "select count(*) from delivery d join webhook_endpoint w on w.id = d.endpoint_id"
        " where d.status = 'pending' and w.url like '%/hook'"
    ).fetchone()
    return found[0] if found else 0


def measured(url: str, dead: str, database: str, work: Callable[[float], None]) -> Rows:
    """Return the table: alone, and beside one that hangs."""
    fill(url, ENDPOINTS, EVENTS)
    delivered(database, work)  # until every endpoint is proven
    alone = max(delivered(database, work) for _ in range(PASSES))
    fill(dead, 1, DEAD_EVENTS)
    hanging = max(delivered(database, work) for _ in range(PASSES))
    return [
        (f"{ENDPOINTS} endpoints", alone, 1.0),
        (f"and one that hangs, {DEAD_EVENTS} waiting for it", hanging, hanging / alone),
    ]


def main() -> None:
    """Measure and print the table."""
    with servers() as stack, receiver() as url, socket.create_server(("127.0.0.1", 0)) as dead:
        os.environ |= stack.environment()
        from gateway import bell
        from gateway.migrations import migrate
        from workers.deliver import Courier

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        migrate(os.environ["DATABASE_URL"])
        bell.send = lambda *_: None  # no worker is there to be rung
        courier = Courier()
        place = f"http://127.0.0.1:{dead.getsockname()[1]}/dead"
        rows = measured(url, place, os.environ["DATABASE_URL"], courier.work)
        dead.close()
        courier.close()
    show("Webhooks per second, one worker process", ("receivers", "per s", "ratio"), rows)


if __name__ == "__main__":
    main()
