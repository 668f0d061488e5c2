"""The operator's terminal against the running system."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.whole.conftest import Whole
from tests.whole.world import Api, eventually

pytestmark = pytest.mark.serial


def deposited(running: Whole, amount: int) -> str:
    """Open an account with a credited deposit; returns its id."""
    api, chain = running.api, running.chain
    account = api.account("terminal")
    address = api.post(f"/v1/accounts/{account}/addresses", {"chain": chain.id})["address"]
    chain.send(address, "USDC", amount)
    eventually("the credit", lambda: api.all("/v1/deposits", account=account, status="credited"))
    return account


def test_the_audit_proves_every_truth(running: Whole) -> None:
    done = running.mizan("audit")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "holds" in done.stdout
    assert "BROKEN" not in done.stdout


def test_the_report_is_csv_that_adds_up(running: Whole) -> None:
    account = deposited(running, 3_210_000)
    today = datetime.now(UTC).date()
    start, end = today - timedelta(days=1), today + timedelta(days=1)
    done = running.mizan("report", str(start), str(end))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    ids = {row["id"] for row in running.api.all("/v1/deposits", account=account)}
    (row,) = [row for row in rows if row["id"] in ids]
    assert row["asset"] == "USDC"
    assert Decimal(row["gross"]) == Decimal(row["net"]) == Decimal("3.21")


def test_a_new_key_opens_and_is_shown_once(running: Whole) -> None:
    done = running.mizan("key", "night shift")
    assert done.returncode == 0, done.stderr
    secret = done.stdout.strip()
    assert secret.startswith("sk_")
    with Api(running.facts["base_url"], secret) as holder:
        assert holder.ask("GET", "/v1/alarms").status_code == 200


def test_a_rescan_adds_nothing_twice(running: Whole) -> None:
    account = deposited(running, 1_500_000)
    done = running.mizan("rescan", running.chain.id, "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("0 deposits")
    assert len(running.api.all("/v1/deposits", account=account)) == 1
    assert Decimal(running.api.balance(account, "USDC")["available"]) == Decimal("1.5")
