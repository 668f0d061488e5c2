"""Send webhooks that are due: a small pool of threads, no transaction while a call runs."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog

from gateway import db
from gateway.settings import settings
from gateway.webhooks import outbox
from gateway.webhooks.outbox import Job
from gateway.webhooks.sending import send
from workers.app import SLICE_SECONDS, worker_task

THREADS = 16
POLL_SECONDS = 0.05

log = structlog.get_logger()


@worker_task()
def deliver() -> None:
    """Send until nothing is due, at most one slice; rung by every event and by beat."""
    ends = time.monotonic() + SLICE_SECONDS
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(THREADS, "webhook") as pool:
        while True:
            if time.monotonic() < ends and len(running) < THREADS:
                running |= {pool.submit(attempt, job) for job in take(THREADS - len(running))}
            if not running:
                return
            # a slow receiver keeps its thread; new work is looked for all the same
            _, running = wait(running, POLL_SECONDS, FIRST_COMPLETED)


def take(limit: int) -> list[Job]:
    """Lease due deliveries in a transaction of their own."""
    with db.transaction() as session:
        return outbox.take(session, limit)


def attempt(job: Job) -> None:
    """Send one delivery and record the answer; what fails here is due again after its lease."""
    try:
        answer = send(job.url, job.body, outbox.headers(job), development=settings().development)
        with db.transaction() as session:
            outbox.record(session, job, answer)
    except Exception:
        log.exception("webhook.unrecorded", delivery=job.id)
