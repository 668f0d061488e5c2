"""Celery: the queues, the schedule, and what every task has in common."""

from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery, signals

from gateway import db
from gateway.logs import configure_logs
from gateway.settings import settings

TICK_SECONDS = 1.0
SLICE_SECONDS = 30
TASK_SECONDS_MAX = 120
AUDIT_SECONDS = 900
LISTS_SECONDS = 60
TREASURY_SECONDS = 15
FRESHNESS_SECONDS = 15
PRICES_SECONDS = 10
QUOTES_SECONDS = 3_600
PAYOUTS_SECONDS = 5

app = Celery(
    "mizan",
    broker=settings().redis_url,
    include=[
        "workers.watch",
        "workers.pay",
        "workers.signer",
        "workers.approver",
        "workers.sweep",
        "workers.relay",
        "workers.deliver",
        "workers.close",
        "workers.audit",
        "workers.lists",
        "workers.treasury",
        "workers.freshness",
        "workers.prices",
        "workers.payouts",
    ],
)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=TASK_SECONDS_MAX,
    task_default_queue="close",
    worker_concurrency=max(1, len(settings().endpoints)),  # no chain waits behind another's slice
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": TASK_SECONDS_MAX * 2,
        "socket_keepalive": True,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
    task_routes={
        "workers.watch.*": {"queue": "watch"},
        "workers.pay.*": {"queue": "pay"},
        "workers.signer.*": {"queue": "sign"},
        "workers.approver.*": {"queue": "approve"},
        "workers.sweep.*": {"queue": "sweep"},
        "workers.relay.*": {"queue": "sweep"},
        "workers.deliver.*": {"queue": "deliver"},
        "workers.close.*": {"queue": "close"},
        "workers.audit.*": {"queue": "close"},
        "workers.lists.*": {"queue": "close"},
        "workers.treasury.*": {"queue": "close"},
        "workers.freshness.*": {"queue": "close"},
        "workers.prices.*": {"queue": "prices"},
        "workers.payouts.*": {"queue": "close"},
    },
)

log = structlog.get_logger()


def every(seconds: float, task: str, *args: str) -> None:
    """Ring `task` again and again; a ring nobody heard before the next one is dropped."""
    app.conf.beat_schedule[" ".join((task, *args))] = {
        "task": task,
        "schedule": seconds,
        "args": args,
        "options": {"expires": seconds},
    }


app.conf.beat_schedule = {}
for chain in settings().endpoints:
    every(TICK_SECONDS, "workers.watch.watch", chain)
    every(TICK_SECONDS, "workers.pay.pay", chain)
    every(TICK_SECONDS, "workers.signer.sign", chain)
    if settings().approver:
        every(TICK_SECONDS, "workers.approver.approve", chain)
    every(TICK_SECONDS * 5, "workers.sweep.sweep", chain)
    every(TICK_SECONDS, "workers.relay.relay", chain)
every(TICK_SECONDS, "workers.deliver.deliver")
every(TICK_SECONDS, "workers.close.close")
every(AUDIT_SECONDS, "workers.audit.audit")
every(LISTS_SECONDS, "workers.lists.lists")
every(TREASURY_SECONDS, "workers.treasury.treasury")
every(FRESHNESS_SECONDS, "workers.freshness.freshness")
every(PRICES_SECONDS, "workers.prices.prices")
every(QUOTES_SECONDS, "workers.prices.thin")
every(PAYOUTS_SECONDS, "workers.payouts.payouts")


def worker_task(**options: Any) -> Callable[[Callable[..., None]], Any]:
    """Make a function a task: its ids go into every log line, its failure is logged and not lost.

    A task that fails is not retried by message: its rows are still there, and beat rings again.
    """

    def decorate(function: Callable[..., None]) -> Any:
        def run(*ids: str) -> None:
            with structlog.contextvars.bound_contextvars(task=function.__name__, ids=ids):
                try:
                    function(*ids)
                except Exception:
                    log.exception("task.failed")

        run.__name__, run.__module__ = function.__name__, function.__module__
        run.__doc__ = function.__doc__
        task: Any = app.task  # its stub leaves the decorator untyped
        return task(name=f"{function.__module__}.{function.__name__}", **options)(run)

    return decorate


@signals.setup_logging.connect
def set_up_logging(**_: Any) -> None:
    """Use the gateway's structured logs in place of Celery's."""
    configure_logs()


@signals.worker_process_init.connect
def start_clean(**_: Any) -> None:
    """Forget what the parent process opened: sockets must not be shared across a fork."""
    db.forget_engine()
