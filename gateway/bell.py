"""The doorbell: tells a worker by name that rows wait. The row is the job; a lost ring costs delay.

The only producer of Celery messages in the gateway, and the only publisher of live updates.
"""

from functools import lru_cache

import redis
import structlog
from celery import Celery
from sqlalchemy.orm import Session

from gateway import db
from gateway.settings import settings

QUEUES = {
    "watch": "watch",
    "pay": "pay",
    "sign": "signer",
    "approve": "approver",
    "sweep": "sweep",
    "relay": "relay",
    "deliver": "deliver",
    "close": "close",
    "audit": "audit",
}
SHARED_QUEUES = {"audit": "close", "relay": "sweep"}
"""Workers that are served by another worker's process."""
RING_EXPIRES_SECONDS = 30
REDIS_TIMEOUT_SECONDS = 0.5

log = structlog.get_logger()


@lru_cache(maxsize=1)
def broker() -> Celery:
    """Return a producer that gives up quickly: beat finds the row anyway."""
    app = Celery("mizan-bell", broker=settings().redis_url, set_as_current=False)
    app.conf.update(
        broker_connection_timeout=REDIS_TIMEOUT_SECONDS,
        broker_transport_options={
            "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
            "socket_timeout": REDIS_TIMEOUT_SECONDS,
            "max_retries": 0,
        },
        task_ignore_result=True,
        task_publish_retry=False,
    )
    return app


@lru_cache(maxsize=1)
def live() -> "redis.Redis":
    """Return the connection for publishing live updates."""
    return redis.Redis.from_url(
        settings().redis_url,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )


def ring(session: Session, worker: str, *ids: str) -> None:
    """Tell `worker` after the commit that there is work; `ids` are its task's arguments."""
    db.after_commit(session, (worker, *ids), lambda: send(worker, *ids))


def send(worker: str, *ids: str) -> None:
    """Ring now; a broker that is away is logged, because beat rings too."""
    queue = SHARED_QUEUES.get(worker, worker)
    try:
        broker().send_task(
            f"workers.{QUEUES[worker]}.{worker}",
            args=ids,
            queue=queue,
            expires=RING_EXPIRES_SECONDS,
        )
    except Exception as error:  # kombu raises many kinds; none may undo a committed change
        log.warning("bell.unheard", worker=worker, error=type(error).__name__)


def publish(session: Session, channel: str) -> None:
    """Tell the live pages that listen on `channel`, after the commit, that something changed."""
    db.after_commit(session, ("publish", channel), lambda: speak(channel))


def speak(channel: str) -> None:
    """Publish now; a page that hears nothing asks the table every few seconds."""
    try:
        live().publish(channel, "changed")
    except redis.RedisError as error:
        log.warning("live.unheard", channel=channel, error=type(error).__name__)
