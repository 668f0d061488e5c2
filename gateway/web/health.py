"""Is it alive, is it ready, and its figures."""

import time
from typing import Literal

import redis
import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway import bell, db
from gateway.deposits import service as deposits
from gateway.web import problems
from gateway.webhooks import alarms

HEAD_AGE_BLOCKS_MAX = 10
HEAD_AGE_SECONDS_MIN = 15.0

HEAD_AGE = Gauge("mizan_head_age_seconds", "Age of the newest block we read", ("chain",))
OPEN_ALARMS = Gauge("mizan_open_alarms", "Alarms nobody has acknowledged")

routes = APIRouter(tags=["operations"])
log = structlog.get_logger()


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Which of the things we need are there; ready only when every one is."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str]


@routes.get("/healthz")
def alive() -> Health:
    """Tell that the process answers."""
    return Health()


@routes.get(
    "/readyz",
    responses={503: {"model": Readiness, "description": "something we need is away"}},
)
def ready() -> Response:
    """Tell if the database, Redis and every chain's head are fresh."""
    checks = {"database": "ok", "redis": "ok"}
    try:
        with db.transaction() as session:
            session.execute(text("select 1"))
            checks |= heads(deposits.heads(session))
            OPEN_ALARMS.set(alarms.open_count(session))
    except SQLAlchemyError as error:
        checks["database"] = "away"
        log.warning("ready.database_away", error=type(error).__name__)
    try:
        bell.live().ping()
    except redis.RedisError as error:
        checks["redis"] = "away"
        log.warning("ready.redis_away", error=type(error).__name__)
    good = all(check == "ok" for check in checks.values())
    body = Readiness(status="ready" if good else "not_ready", checks=checks)
    return JSONResponse(body.model_dump(), 200 if good else 503)


def heads(found: list[deposits.Head]) -> dict[str, str]:
    """Say of each chain whether the newest block we read is young."""
    checks = {}
    for head in found:
        age = time.time() - head.block_time.timestamp() if head.block_time else float("inf")
        HEAD_AGE.labels(head.chain).set(age)
        allowed = max(HEAD_AGE_SECONDS_MIN, HEAD_AGE_BLOCKS_MAX * float(head.block_seconds))
        checks[head.chain] = "ok" if age <= allowed else f"head is {age:.0f} s old"
    return checks


@routes.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Tell the figures in Prometheus' text format."""
    try:
        with db.transaction() as session:
            heads(deposits.heads(session))
            OPEN_ALARMS.set(alarms.open_count(session))
    except SQLAlchemyError as error:
        return problems.problem(request, 503, "Unavailable", type(error).__name__, "unavailable")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
