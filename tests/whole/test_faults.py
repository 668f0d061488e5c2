"""What the client sees while a server is away, and that everything goes on when it is back."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from eth_account import Account

from tests.whole.conftest import Whole
from tests.whole.world import eventually

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]

AWAY_SECONDS = 4.0
PROBLEM = "application/problem+json"


@contextmanager
def away(running: Whole, name: str) -> Iterator[None]:
    """Keep a server stopped inside the block: it takes connections and answers nothing."""
    pid = running.stack.pid(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def down(running: Whole, name: str) -> Iterator[None]:
    """Keep a server ended inside the block: connections to it are refused."""
    supervisor = running.stack.supervisor
    process = supervisor.process(name)
    supervisor.stop(name)
    try:
        yield
    finally:
        supervisor.start(process.renew() if process.renew else process)


def funded(running: Whole, name: str) -> str:
    """Open an account with 100 USDC; returns its id."""
    account = running.api.account(name)
    pay_in(running, account, 100_000_000)
    credited(running, account, 1)
    return account


def pay_in(running: Whole, account: str, amount: int) -> None:
    """Send USDC to an account's address."""
    body = {"chain": running.chain.id}
    address = running.api.post(f"/v1/accounts/{account}/addresses", body)["address"]
    running.chain.send(address, "USDC", amount)


def credited(running: Whole, account: str, count: int) -> None:
    """Wait until an account has so many credited deposits."""
    eventually(
        "the credit",
        lambda: len(running.api.all("/v1/deposits", account=account, status="credited")) == count,
        90,
    )


def withdraw(running: Whole, account: str) -> str:
    """Ask for a withdrawal of 5 USDC; returns its id."""
    body = {
        "account": account,
        "asset": "USDC",
        "chain": running.chain.id,
        "to_address": Account.create().address,
        "amount": "5",
    }
    return str(running.api.post("/v1/withdrawals", body)["id"])


def confirmed(running: Whole, withdrawal: str) -> None:
    """Wait until a withdrawal is confirmed and its target has it."""
    eventually(
        "the withdrawal's confirmation",
        lambda: running.api.get(f"/v1/withdrawals/{withdrawal}")["status"] == "confirmed",
        90,
    )
    found = running.api.get(f"/v1/withdrawals/{withdrawal}")
    assert running.chain.held(found["to_address"], "USDC") == 5_000_000


@pytest.mark.parametrize("fault", [down, away])
def test_without_redis_the_api_answers_and_deposits_are_credited(
    running: Whole, fault: object
) -> None:
    account, other = funded(running, "noredis"), running.api.account("noredis")
    with fault(running, "redis"):  # type: ignore[operator]
        until = time.monotonic() + AWAY_SECONDS
        pay_in(running, account, 7_000_000)
        body = {"from": account, "to": other, "asset": "USDC", "amount": "1"}
        headers = {"idempotency-key": account}
        while time.monotonic() < until:
            answer = running.api.once("POST", "/v1/transfers", body, headers, {})
            assert answer is not None
            assert answer.status_code == 201, answer.text
            assert running.readiness() == 503
    credited(running, account, 2)
    running.until_ready()
    confirmed(running, withdraw(running, account))


def test_postgres_is_killed_and_the_api_comes_back(running: Whole) -> None:
    account = funded(running, "nodatabase")
    api = running.api
    running.stack.kill("postgres")
    seen = set()

    def back() -> bool:
        answer = api.once("GET", f"/v1/accounts/{account}", None, {}, {})
        assert answer is not None, "the API itself never goes away"
        seen.add(answer.status_code)
        assert answer.status_code in (200, 503), answer.text
        if answer.status_code == 503:
            assert answer.headers["content-type"] == PROBLEM
            assert answer.json()["code"] == "unavailable"
        return answer.status_code == 200

    eventually("the API answers again", back)
    running.until_ready()
    confirmed(running, withdraw(running, account))
    assert api.crashes == []


def test_a_request_to_an_ended_database_is_a_503(running: Whole) -> None:
    account = funded(running, "enddatabase")
    with down(running, "postgres"):
        answer = running.api.once("GET", f"/v1/accounts/{account}", None, {}, {})
        assert answer is not None
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert running.readiness() == 503
        alive = running.api.http.get("/healthz")
        assert alive.status_code == 200
    running.until_ready()
    pay_in(running, account, 3_000_000)
    credited(running, account, 2)


def test_while_the_node_is_away_withdrawals_wait_and_say_why(running: Whole) -> None:
    account = funded(running, "nonode")
    with down(running, "anvil"):
        withdrawal = withdraw(running, account)
        eventually(
            "the withdrawal says why it waits",
            lambda: (
                running.api.get(f"/v1/withdrawals/{withdrawal}")["waiting_reason"]
                == "node_unreachable"
            ),
        )
        assert running.api.get(f"/v1/withdrawals/{withdrawal}")["status"] == "approved"
        eventually("the head is old", lambda: running.readiness() == 503)
        checks = running.api.http.get("/readyz").json()["checks"]
        assert (checks["database"], checks["redis"]) == ("ok", "ok")
        assert "old" in checks[running.chain.id]
        books = running.api.once("GET", "/v1/reconciliation", None, {}, {})
        assert books is not None
        assert books.status_code == 424
        audit = running.mizan("audit")
        assert audit.returncode != 0, "what cannot be proven is not called proven"
        assert re.search(r"away +chain", audit.stdout), audit.stdout
    running.until_ready()
    confirmed(running, withdrawal)
    assert running.mizan("audit").returncode == 0
