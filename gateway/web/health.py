"""Is it alive, is it ready, and its figures."""

import math
from typing import Literal

import redis
import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from gateway import bell, db
from gateway.chain import freshness
from gateway.chain.address import show_address
from gateway.sending import tank
from gateway.web import problems
from gateway.webhooks import alarms

HEAD_AGE = Gauge("mizan_head_age_seconds", "Age of the newest block we read", ("chain",))
HEAD_STALE = Gauge("mizan_head_stale", "1 while the chain takes no payments", ("chain",))
BLOCKS_BEHIND = Gauge("mizan_blocks_behind", "Blocks the node has and we have not read", ("chain",))
ENDPOINTS = Gauge("mizan_endpoints", "Endpoints the chain is read by", ("chain",))
BENCHED = Gauge("mizan_endpoints_benched", "Endpoints away, late or found lying", ("chain",))
OPEN_ALARMS = Gauge("mizan_open_alarms", "Alarms nobody has acknowledged")
SIGNER = ("chain", "role", "address")
GAS_WEI = Gauge("mizan_gas_wei", "What a signer has for gas, as last seen", SIGNER)
GAS_TRANSACTIONS = Gauge("mizan_gas_transactions", "How many transactions that pays for", SIGNER)

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
            checks |= heads(freshness.heads(session))
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


def heads(found: list[freshness.Head]) -> dict[str, str]:
    """Say of each chain whether the newest block we read is young, and set its figures."""
    checks = {}
    for head in found:
        age = math.inf if head.age is None else head.age
        HEAD_AGE.labels(head.chain).set(age)
        HEAD_STALE.labels(head.chain).set(head.stale)
        BLOCKS_BEHIND.labels(head.chain).set(head.behind)
        ENDPOINTS.labels(head.chain).set(head.endpoints)
        BENCHED.labels(head.chain).set(head.benched)
        checks[head.chain] = f"head is {age:.0f} s old" if head.stale else "ok"
    return checks


def tanks(session: Session) -> None:
    """Set the figures of every signer's gas, as it was last seen."""
    for signer, seen in tank.known(session):
        labels = signer.chain, signer.role, show_address(signer.address)
        GAS_WEI.labels(*labels).set(float(seen.balance))
        GAS_TRANSACTIONS.labels(*labels).set(float(seen.transactions))


@routes.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Tell the figures in Prometheus' text format."""
    try:
        with db.transaction() as session:
            heads(freshness.heads(session))
            tanks(session)
            OPEN_ALARMS.set(alarms.open_count(session))
    except SQLAlchemyError as error:
        return problems.problem(request, 503, "Unavailable", type(error).__name__, "unavailable")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
